"""Changes from the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from downpass.sim.scenario import load_scenario
from downpass.sim.scenario.scenario import Scenario

Refuse = Callable[..., list[str]]


def load(tmp_path: Path, text: str, *overrides: str) -> Scenario:
    (tmp_path / "s.yaml").write_text(text)
    return load_scenario(tmp_path / "s.yaml", overrides)


def test_a_value_is_written_as_in_the_file(tmp_path: Path, example: str) -> None:
    scenario = load(
        tmp_path,
        example,
        "satellites.0.codec.bpp=0.25",
        "duration=90 min",
        "seed=7",
        "report.sample_frames=9",
        "satellites.sat-a.imager.min_sun_elevation=null",
        "targets.lisbon.scenes=[y.tif, z.tif]",
        "satellites.0.transmitter.rate=[{elevation: 10 deg, rate: 1 Mbit/s}]",
    )
    assert scenario.satellites[0].codec.bpp == 0.25
    assert (scenario.duration, scenario.seed) == (5400.0, 7)
    assert scenario.report.sample_frames == 9
    assert scenario.satellites[0].imager.min_sun_elevation is None
    assert scenario.targets[0].scenes == (tmp_path / "y.tif", tmp_path / "z.tif")
    assert scenario.satellites[0].transmitter.rate[0].rate == 1e6


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("satellites.0.codec.bytes=20 kB", (None, None, 20_000)),
        ("satellites.0.codec.bpp=2", (None, 2.0, None)),
        ("satellites.0.codec={name: jpegxl, bpp: 3}", (None, 3.0, None)),
    ],
)
def test_one_setting_replaces_the_others(
    tmp_path: Path, example: str, override: str, expected: tuple[object, ...]
) -> None:
    codec = load(tmp_path, example, override).satellites[0].codec
    assert (codec.quality, codec.bpp, codec.bytes) == expected


def test_quality_replaces_bpp_where_there_are_pixels(tmp_path: Path, example: str) -> None:
    scenes = "targets.*.scenes=[x.tif]"
    codec = load(tmp_path, example, scenes, "satellites.*.codec.quality=80").satellites[0].codec
    assert (codec.quality, codec.bpp) == (80.0, None)


def test_names_with_dots_and_named_stations(tmp_path: Path, example: str) -> None:
    text = example.replace("name: sat-a", "name: sat.a.1")
    scenario = load(
        tmp_path,
        text,
        "satellites.sat.a.1.recorder.capacity=1 GB",
        "stations.svalbard.antennas=3",
        "stations.matera.elevation_mask=10 deg",
        "stations.2=awarua",
    )
    assert scenario.satellites[0].recorder.capacity == 10**9
    assert [s.antennas for s in scenario.stations] == [3, 2, 1]
    assert scenario.stations[1].elevation_mask == 10.0
    assert scenario.stations[2].name == "awarua"


def test_what_is_set_for_all_is_each_ones_own(tmp_path: Path, example: str) -> None:
    scenario = load(
        tmp_path,
        example,
        "stations=[svalbard, matera, awarua]",
        "stations.*.receiver={diameter: 3 m, bands: [S]}",
        "stations.1.receiver.diameter=9 m",
        "stations.2.receiver.bands.0=X",
    )
    receivers = [station.receiver for station in scenario.stations]
    assert [one.diameter for one in receivers if one] == [3.0, 9.0, 3.0]
    assert [one.bands for one in receivers if one] == [("S",), ("S",), ("X",)]


NUMBERED = """
  - {name: "1", at: [0, 0]}
  - {name: "2", at: [1, 1]}
  - {name: "1.5", at: [2, 2]}
  - {name: "3.5", at: [3, 3]}
stations:"""


@pytest.mark.parametrize(
    ("step", "changed"),
    [
        ("0", "1"),
        ('"1"', "1"),
        ("'2'", "2"),
        ('"1.5"', "1.5"),
        ('"2"', "2"),
        ("3.5", "3.5"),
        ("*", "1, 2, 1.5, 3.5"),
    ],
)
def test_names_that_look_like_numbers(
    tmp_path: Path, example: str, step: str, changed: str
) -> None:
    text = re.sub(r"(?<=targets:)(?s:.*)\nstations:", NUMBERED, example)
    targets = load(tmp_path, text, f"targets.{step}.priority=9").targets
    assert ", ".join(t.name for t in targets if t.priority == 9) == changed


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (
            "1",
            """found 1, which is a number and the name of number 0; allowed: a name in quotes, \
"2" or "1\"""",
        ),
        (
            "1.5",
            """found 1, which is a number and the name of number 2; allowed: a name in quotes, \
"2" or "1.5\"""",
        ),
        ("4", "found number 4; allowed: 0 to 3"),
    ],
)
def test_a_number_is_refused_if_it_names_another(
    refuse: Refuse, example: str, step: str, problem: str
) -> None:
    text = re.sub(r"(?<=targets:)(?s:.*)\nstations:", NUMBERED, example)
    field = f"targets.{step}.priority"
    assert refuse(text, [f"{field}=9"]) == [f"--set {field}: {problem}"]


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("seed", "--set seed: allowed: FIELD=VALUE, such as satellites.0.codec.bpp=0.5"),
        ("=5", "--set =5: allowed: FIELD=VALUE, such as satellites.0.codec.bpp=0.5"),
        ("seed=-1", "--set seed: found -1; allowed: a whole number from 0 to 9223372036854775807"),
        ("seed=[", "--set seed: not YAML: a { or [ is not closed before the end"),
        (
            "satellites.0.codec={name: jpeg2000, bpp: 1, bpp: 2}",
            "--set satellites.0.codec: bpp: given twice, first in line 1",
        ),
        ("report={1: 2}", "--set report: found 1 as a key; allowed: text"),
        ("a..b=1", "--set a..b: found an empty step; allowed: a.b.c=VALUE"),
        (
            "satellites.0.codec={name: jpegxl, bpp: 3, bpp: 4}",
            "--set satellites.0.codec: bpp: given twice, first in line 1",
        ),
        ("sed=1", "--set sed: no such key; did you mean seed?"),
        ("satelites.0.codec.bpp=1", "--set satelites: no such key; did you mean satellites?"),
        (
            "satellites.0.codec.bbp=1",
            "--set satellites.0.codec.bbp: no such key; did you mean bpp?",
        ),
        (
            "satellites.1.codec.bpp=1",
            "--set satellites.1.codec.bpp: found number 1; allowed: 0 to 0",
        ),
        (
            "satellites.sat-b.codec.bpp=1",
            "--set satellites.sat-b.codec.bpp: found no sat-b in satellites; did you mean sat-a?",
        ),
        (
            "stations.moon.antennas=1",
            (
                "--set stations.moon.antennas: found no moon in stations; "
                "allowed: 0 to 2, matera, mine, svalbard"
            ),
        ),
        (
            "duration.hours=1",
            "--set duration.hours: duration is 24 h and has no parts",
        ),
        (
            "satellites.0.transmitter.rate=5",
            (
                "--set satellites.0.transmitter.rate: found 5; it has no unit; "
                "allowed: a number and a unit, such as 150 Mbit/s"
            ),
        ),
        (
            "satellites.0.codec.bpp=null",
            (
                "s.yaml:15: satellites.0.codec: found none of them; "
                "allowed: exactly one of quality, bpp, bytes"
            ),
        ),
    ],
)
def test_refusals(refuse: Refuse, example: str, override: str, problem: str) -> None:
    assert refuse(example, [override]) == [problem]


def test_faults_of_file_and_overrides_together(refuse: Refuse, example: str) -> None:
    broken = example.replace("duration: 24 h", "duration: 24")
    assert refuse(broken, ["seed=x", "nothing"]) == [
        "--set nothing: allowed: FIELD=VALUE, such as satellites.0.codec.bpp=0.5",
        "--set seed: found x, which is text; allowed: a whole number from 0 to 9223372036854775807",
        "s.yaml:3: duration: found 24; it has no unit; allowed: a number and a unit, such as 24 h",
    ]
