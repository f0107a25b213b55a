"""docs/formats.md: every example is read, and what it says of limits is what the readers hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from downpass.sim.contact_plans import contact, reading
from downpass.sim.export import czml
from downpass.sim.orbit.ndm import oem, omm
from downpass.sim.scenario import load_scenario
from small_scenarios import REPOSITORY, downpass, satellite, scenario, write

PAGE = (REPOSITORY / "docs" / "formats.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def block(start: str) -> str:
    (found,) = [text for _, text in BLOCKS if text.startswith(start)]
    return found


def test_the_orbits_of_the_page_fly(tmp_path: Path) -> None:
    (tmp_path / "elements.json").write_text(block('[{"OBJECT_NAME"'))
    (tmp_path / "ephemeris.oem").write_text(block("CCSDS_OEM_VERS"))
    satellites = [satellite(name="a"), satellite(name="b")]
    satellites[0]["orbit"] = {"omm": "elements.json", "object": 100001}
    satellites[1]["orbit"] = {"oem": "ephemeris.oem"}
    for line, orbit in zip(("orbit: {omm", "orbit: {oem"), satellites, strict=True):
        name = next(iter(orbit["orbit"].values()))
        assert block(line) == f"{line}: {name}}}\n"
    file = write(tmp_path, scenario(None, duration="4 min", satellites=satellites))
    said = downpass("validate", file)
    assert said.status == 0, said.err
    assert load_scenario(file).satellites[0].orbit.elements.name == "SPARROW 1"


@pytest.mark.parametrize(
    ("start", "name", "number"),
    [
        ("satellite,station", "plan.csv", 1),
        ('{"contacts"', "plan.json", 1),
        ("# node 1 sparrow", "plan.ion", 1),
    ],
)
def test_the_plans_of_the_page_are_read(start: str, name: str, number: int, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(block(start))
    found = reading.read_plan(path)
    assert len(found.between("sparrow", "svalbard")) == number
    assert found.contacts[0].start.minute == 18


@pytest.mark.parametrize(
    ("form", "start"), [("csv", "satellite,station"), ("ion", "# node 1 sparrow")]
)
def test_the_plans_of_the_page_are_the_quickstarts(form: str, start: str) -> None:
    said = downpass("passes", REPOSITORY / "scenarios" / "quickstart.yaml", "--format", form)
    assert set(block(start).splitlines()) <= set(said.out.splitlines())


def test_limits_are_those_of_the_code() -> None:
    assert (omm.LARGEST_FILE, omm.MOST_MESSAGES) == (32_000_000, 50_000)
    assert "A file has at most 32 MB\nand 50,000 messages" in PAGE
    assert (oem.LARGEST_FILE, oem.MOST_STATES) == (64_000_000, 500_000)
    assert "A file has at most 64 MB and\n500,000 states (100,000 in XML)" in PAGE
    assert (reading.LARGEST_FILE, contact.MOST_CONTACTS) == (32_000_000, 200_000)
    assert "at most 32 MB and 200,000 contacts" in PAGE
    assert (czml.MOST_SAMPLES, czml.MOST_INTERVALS) == (1_000_000, 200_000)
    assert czml.MOST_PACKETS == 100_000
    assert "at most a million positions,\n200,000 contacts and accesses, and 100,000" in PAGE
