"""What ships with the models: the schema, the page, the scenarios and the advice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from downpass.payload.encoders.traits import TRAITS
from downpass.sim.scenario import load_scenario, stations
from downpass.sim.scenario.advice import advice
from downpass.sim.scenario.codec import CodecChoice
from downpass.sim.scenario.docs.examples import section_example
from downpass.sim.scenario.docs.page import EXAMPLE
from downpass.sim.scenario.docs.sections import SECTIONS
from downpass.sim.scenario.satellite import SatelliteSpec
from downpass.sim.scenario.scenario import Scenario
from downpass.sim.scenario.schema import json_schema, schema_text
from downpass.sim.scenario.tle import checksum
from downpass.sim.scenario.yamltree import parse
from orbit_messages import write_examples
from pydantic import BaseModel, TypeAdapter

ROOT = Path(__file__).parents[3]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
SCHEMA_LINE = "# yaml-language-server: $schema=scenario.schema.json\n"


def test_the_scenarios_that_ship() -> None:
    assert [p.stem for p in SCENARIOS] == [
        "constellation",
        "dvb-s2",
        "enmap",
        "full-recorder",
        "hil-faults",
        "hil",
        "landsat-7",
        "landsat-8",
        "lossy-link",
        "own-encoder",
        "quickstart",
        "rapideye",
        "sentinel-2",
        "spot-7",
    ]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_a_shipped_scenario_is_sound(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(SCHEMA_LINE)
    scenario = load_scenario(path)
    assert scenario.name == path.stem
    assert advice(scenario) == ()
    jsonschema.Draft202012Validator(json_schema()).validate(parse(text).value)
    for scene in scenario.scene_paths():
        assert scene.path.parent == ROOT / "scenarios" / "scenes"
        assert scene.line is not None
        assert scene.path.name in text.splitlines()[scene.line - 1]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_the_changes_that_a_scenario_suggests_work(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for command in re.findall(r"^#   downpass run (.*)$", text, re.MULTILINE):
        file, *changes = re.split(r"\s+--set\s+", command.removesuffix(" --allow-programs"))
        assert ROOT / file == path
        load_scenario(path, [change.strip("'") for change in changes])


def test_the_schema_is_valid_and_shipped_as_it_is_made() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    shipped = (ROOT / "scenarios" / "scenario.schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text(), "run: downpass schema > scenarios/scenario.schema.json"
    assert json.loads(shipped)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("duration: 24 h", "duration: 24"),
        ("duration: 24 h", "durration: 24 h"),
        ("gsd: 20 m", "gsd: 20 kg"),
        ("bpp: 0.5", "bpp: 0.5, quality: 80"),
        ("name: jpeg2000, bpp: 0.5", "name: student, bpp: 0.5, tile: 500"),
        ("- svalbard", "- svalbad"),
        ("at: [38.72, -9.14]", "at: [38.72, -190]"),
        ("sun_synchronous: true", "sun_synchronous: true, inclination: 97 deg"),
    ],
)
def test_the_schema_sees_what_the_loader_sees(example: str, old: str, new: str) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid(parse(example).value)
    assert not validator.is_valid(parse(example.replace(old, new)).value)


def test_every_field_is_described() -> None:
    def properties(schema: dict[str, Any]) -> dict[str, Any]:
        if "properties" in schema:
            return dict(schema["properties"])
        return next(properties(form) for form in schema["anyOf"] if "properties" in form)

    schema = json_schema()
    for name, section in {"Scenario": schema, **schema["$defs"]}.items():
        for key, field in properties(section).items():
            # A section whose field says what its model says has it at the model only.
            model = schema["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
            words = field.get("description") or model.get("description", "")
            assert words.endswith((".", "…")), f"{name}.{key}"


def test_every_section_is_on_the_page() -> None:
    sections = {section.model.__name__.removesuffix("Spec") for section in SECTIONS}
    assert set(json_schema()["$defs"]) - sections == set()


def test_the_page_is_committed_as_it_is_made() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "downpass.sim.scenario.docs"],
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout
    committed = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
    assert committed == made, "run: python -m downpass.sim.scenario.docs > docs/scenario.md"


def test_the_pages_whole_example_loads(tmp_path: Path) -> None:
    path = tmp_path / "first-light.yaml"
    path.write_text(EXAMPLE)
    assert load_scenario(path).name == "first-light"


@pytest.mark.parametrize("model", [section.model for section in SECTIONS], ids=lambda m: m.__name__)
def test_a_sections_example_is_valid(
    model: type[BaseModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # examples name files
    write_examples(tmp_path)
    if model in (Scenario, SatelliteSpec):
        return  # the whole example shows these
    tree = parse(section_example(model)).value
    place = {"type": "Point", "coordinates": [6.75, 0.25]}
    names = {"NAME": "São Tomé", "class": "capital", "scene": "x.tif"}
    city = {"type": "Feature", "properties": names, "geometry": place}
    (tmp_path / "cities.geojson").write_text(json.dumps(city))
    TypeAdapter(model).validate_python(tree, context={"file": True, "folder": tmp_path})


def test_stations() -> None:
    assert len(stations.names()) >= 25
    for name in stations.names():
        row = stations.table()[name]
        assert row["source"]
        tree = {key: value for key, value in row.items() if key != "source"}
        (station,) = TypeAdapter(
            tuple[Scenario.model_fields["stations"].annotation]
        ).validate_python(  # type: ignore[misc]
            ([name],), context={"file": True}
        )[0]
        assert station.name == name
        assert station.at == tuple(tree["at"])


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("start=2025-01-20T00:00:00Z", ("s.yaml:7: satellites.0.orbit.tle: found elements of "
         "2024-12-02, 49 days before the start; passes are trustworthy within 14 days")),
        ("start=2024-10-01T00:00:00Z", ("s.yaml:7: satellites.0.orbit.tle: found elements of "
         "2024-12-02, 61 days after the end; passes are trustworthy within 14 days")),
        ("duration=61 d", ("s.yaml:7: satellites.0.orbit.tle: found elements of 2024-12-02 and an "
         "end 61 days later; passes are trustworthy within 14 days")),
        ("satellites.0.processor.working_memory=1 MB", ("--set satellites.0.processor."
         "working_memory: found room for 1000000 bytes and raw frames of 1179648; no frame fits")),
        ("satellites.0.power.initial_charge=0.2", ("--set satellites.0.power.initial_charge: "
         "found 0.2, no more than min_charge 0.3; work waits until the battery is charged")),
        ("satellites.0.power.solar=9 W", ("--set satellites.0.power.solar: found 9 W against an "
         "idle load of 10 W; the battery only empties")),
        ("satellites.0.recorder.capacity=2 kB", None),
        ("targets.1.scenes=[]", ("s.yaml:21: targets.1: found no scenes for delta; "
         "their frames have a size, and neither pixels nor PSNR")),
    ],
)  # fmt: skip
def test_advice(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    example: str,
    override: str,
    expected: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    form = 'orbit: {altitude: 500 km, sun_synchronous: true, local_time: "10:30"}'
    tle = """orbit:
      tle: |
        1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-3 0  9998
        2 40697  98.5704  48.9920 0001011  93.0957 267.0342 14.30811188493363"""
    text = example.replace(form, tle).replace("priority: 8}", "priority: 8, scenes: [y.tif]}")
    text = re.sub(r", outages: .*", "}", text)
    Path("s.yaml").write_text(text)
    assert advice(load_scenario("s.yaml")) == ()
    found = advice(load_scenario("s.yaml", [override]))
    assert found == (() if expected is None else (expected,))


@pytest.mark.parametrize(
    ("motion", "eccentricity", "drag", "begins", "ends"),
    [
        ("02.00611188", "7400000", " 00000-0",
         "satellites.0.orbit: found heights from ", "swath and gsd are taken as constant"),
        ("16.40611188", "0001011", " 50000-1",
         "satellites.0.orbit: found elements that do not last", "the orbit has decayed (SGP4 err"),
        ("01.00273790", "0000001", " 00000-0",
         "satellites.0.imager.frame_length: found ", "access shorter than a frame has none"),
    ],
    ids=["molniya", "decaying", "geostationary"],
)  # fmt: skip
def test_advice_on_orbits(
    tmp_path: Path,
    example: str,
    motion: str,
    eccentricity: str,
    drag: str,
    begins: str,
    ends: str,
) -> None:
    angle = "000.0000" if motion.startswith("01") else "063.4000"
    lines = [
        f"1 40697U 15028A   24337.14457616  .00000519  00000-0 {drag} 0  999",
        f"2 40697 {angle}  48.9920 {eccentricity} 270.0957 267.0342 {motion}49336",
    ]
    rows = "".join(f"        {line}{checksum(line)}\n" for line in lines)
    form = 'orbit: {altitude: 500 km, sun_synchronous: true, local_time: "10:30"}'
    path = tmp_path / "s.yaml"
    path.write_text(example.replace(form, f"orbit:\n      tle: |\n{rows}"))
    found = advice(load_scenario(path, ["start=2024-12-02T04:00:00Z", "duration=13 d"]))
    (line,) = [line for line in found if begins in line]
    assert ends in line


def test_advice_on_an_outage_at_another_time(tmp_path: Path, example: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(example)
    found = advice(load_scenario(path, ["start=2024-12-05T00:00:00Z", "targets.*.scenes=[x.tif]"]))
    assert found == (
        (
            f"{path}:22: stations.2.outages.0: found an outage outside the scenario's time; "
            "it has no part"
        ),
    )


def test_codec_names_are_what_processors_can_rate() -> None:
    from downpass.payload import processors

    names = set(CodecChoice.model_fields["name"].annotation.__args__)  # type: ignore[union-attr]
    # How fast a codec from outside is, only those know who bring it.
    names -= {name for name, traits in TRAITS.items() if traits.foreign}
    for profile in processors.names():
        assert names <= processors.profile(profile).encode_rate.keys()
