"""The scenario in words and as YAML: shipped scenarios, and those that are too large or hostile."""

from dataclasses import replace
from pathlib import Path

import pytest
from downpass.sim.report import render
from downpass.sim.report.scenario_words import descriptions
from downpass.sim.scenario.load import load_scenario
from report_synthetic import results

SCENARIOS = Path(__file__).parents[3] / "scenarios"


def words(name: str, *overrides: str) -> dict[str, dict[str, str]]:
    scenario = load_scenario(SCENARIOS / f"{name}.yaml", overrides)
    return {
        part.title.replace("\u00a0", " "): {
            what: text.replace("\u00a0", " ") for what, text in part.facts
        }
        for part in descriptions(scenario)
    }


def test_the_quickstart_in_words() -> None:
    found = words("quickstart")
    satellite = found["Satellite sparrow"]
    assert satellite["Orbit"] == (
        "circular, 500 km high, sun-synchronous: over the descending node at 10:30 local time"
    )
    assert satellite["Imager"] == (
        "swath 10.24 km at 20 m a pixel; frames of 512 × 512 px in 3 bands of 16 bits; up to 30° "
        "off nadir; with the Sun above 10°; at most 20 % of an orbit"
    )
    assert "the learned codec" in satellite["Codec"]
    assert satellite["Recorder"] == "4 MB; when full, the frame of lowest priority is dropped"
    assert satellite["Power"].startswith("battery of 80 Wh, at the start 90 % full; 40 W in")
    assert satellite["Link"] == (
        "9.6 kbit/s from 5° up, 19.2 kbit/s from 15° up, 38.4 kbit/s from 40° up; packets of "
        "256 B, of which one in 2,000 is lost; transfers resume in the next contact"
    )
    ground = found["4 stations and 12 targets"]
    assert "campus (52.0° N 4.4° E, above 10°, 1 antenna, 1 outage)" in ground["Stations"]
    assert ground["Targets"] == "3 points and 9 areas; priorities 3 to 9"


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        ("0.7", "of which 70 % are lost;"),
        ("1", "of which 100 % are lost;"),
        ("0.025", "of which 2.5 % are lost;"),
        ("0.002", "of which one in 500 is lost;"),
        ("1e-20", "of which one in 1e+20 is lost;"),
    ],
)
def test_losses_in_words(loss: str, text: str) -> None:
    found = words("quickstart", f"satellites.0.transmitter.packet_loss={loss}")
    assert text in found["Satellite sparrow"]["Link"]


def test_a_local_time_has_its_seconds() -> None:
    found = words("quickstart", "satellites.0.orbit.local_time=23:59:45")
    assert "descending node at 23:59:45 local time" in found["Satellite sparrow"]["Orbit"]


def test_what_is_not_described_is_unknown() -> None:
    found = words("quickstart", "satellites.0.power=null")
    assert found["Satellite sparrow"]["Power"].startswith("unknown: no power budget")


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_scenario_has_words(path: Path) -> None:
    for facts in words(path.stem).values():
        assert all(facts.values())


def test_a_constellation_is_described_once() -> None:
    walker = "{walker: {total: 24, planes: 6, phasing: 1, altitude: 550 km, inclination: 53 deg}}"
    found = words("quickstart", f"satellites.0.orbit={walker}")
    first = next(iter(found))
    assert first == (
        "24 satellites: sparrow-1-1, sparrow-1-2, sparrow-1-3, sparrow-1-4 and 20 more"
    )
    assert found[first]["Orbit"] == "circular, 550 km high, inclined 53°"
    assert len(found) == 2


def test_the_page_shows_the_scenario_and_escapes_it() -> None:
    scenario = load_scenario(SCENARIOS / "quickstart.yaml")
    hostile = "name: </code><script>alert(1)</script>\u202e\n"
    html = render(replace(results(), scenario=descriptions(scenario), scenario_yaml=hostile))
    assert "<h3>Satellite sparrow</h3>" in html
    assert "&lt;/code&gt;&lt;script&gt;alert(1)" in html
    assert "\u202e" not in html
    assert "<script>alert" not in html


def test_a_recorder_that_shrinks_says_so() -> None:
    found = words("quickstart", "satellites.0.recorder.when_full=shrink")
    assert found["Satellite sparrow"]["Recorder"] == (
        "4 MB; when full, stored frames of low priority are shrunk, and where that does not help, "
        "the frame of lowest priority is dropped"
    )
