"""Walker constellations: the places that the notation gives, and names, lines and limits."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from downpass.sim.scenario import ScenarioError, load_scenario
from downpass.sim.scenario.orbit import KeplerOrbit
from downpass.sim.scenario.scenario import Scenario
from downpass.sim.scenario.walker import Walker
from hypothesis import given
from hypothesis import strategies as st

GALILEO = "total: 24, planes: 3, phasing: 1, altitude: 23222 km, inclination: 56 deg"


def load(folder: Path, example: str, figures: str, *overrides: str) -> Scenario:
    lines = example.splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith("orbit:"))
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    lines[start] = f"{indent}orbit: {{walker: {{{figures}}}}}"
    (folder / "s.yaml").write_text("\n".join(lines))
    return load_scenario(folder / "s.yaml", overrides)


def test_galileo_as_its_interface_document_lists_it(tmp_path: Path, example: str) -> None:
    # Galileo's nominal constellation is Walker 24/3/1: planes 120 deg apart, satellites 45 deg
    # apart, and 15 deg from plane to plane (OS SIS ICD, reference constellation).
    satellites = load(tmp_path, example, GALILEO).satellites
    orbits = [s.orbit for s in satellites if isinstance(s.orbit, KeplerOrbit)]
    assert len(orbits) == 24
    assert [o.raan for o in orbits[::8]] == [0.0, 120.0, 240.0]
    assert [o.anomaly for o in orbits[:8]] == [45.0 * n for n in range(8)]
    assert [o.anomaly for o in orbits[::8]] == [0.0, 15.0, 30.0]
    assert {(o.altitude, o.inclination) for o in orbits} == {(23_222e3, 56.0)}
    name = satellites[0].name.removesuffix("-1-1")
    assert [s.name for s in satellites[::23]] == [f"{name}-1-1", f"{name}-3-8"]


@given(
    planes=st.integers(1, 40),
    in_plane=st.integers(1, 40),
    data=st.data(),
    pattern=st.sampled_from(["delta", "star"]),
)
def test_neighbours_are_equally_far_apart(
    planes: int, in_plane: int, data: st.DataObject, pattern: str
) -> None:
    phasing = data.draw(st.integers(0, planes - 1))
    walker = Walker(
        pattern=pattern,  # type: ignore[arg-type]
        total=planes * in_plane,
        planes=planes,
        phasing=phasing,
        altitude=550e3,
        inclination=53.0,
        raan=data.draw(st.floats(0, 360)),
        anomaly=data.draw(st.floats(0, 360)),
    )
    places = list(walker.places())
    assert Counter(plane for plane, *_ in places) == dict.fromkeys(range(1, planes + 1), in_plane)
    spread = 360.0 if pattern == "delta" else 180.0
    by_plane = [places[i : i + in_plane] for i in range(0, len(places), in_plane)]
    for west, east in pairwise(by_plane):
        assert (east[0][2] - west[0][2]) % 360 == pytest.approx(spread / planes)
        lead = (east[0][3] - west[0][3]) % 360
        wanted = phasing * 360 / walker.total
        assert min(abs(lead - wanted), 360 - abs(lead - wanted)) < 1e-9
    for plane in by_plane:
        for behind, ahead in pairwise(plane):
            assert (ahead[3] - behind[3]) % 360 == pytest.approx(360 / in_plane)
    assert all(0 <= raan < 360 and 0 <= anomaly < 360 for *_, raan, anomaly in places)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("planes: 3", "planes: 5", "walker.total: found 24 satellites in 5 planes"),
        ("phasing: 1", "phasing: 3", "walker.phasing: found phasing 3 with 3 planes"),
        ("total: 24", "total: 30000", "walker.total: found 30000"),
        ("56 deg", "560 deg", "walker.inclination: found 560 deg"),
        ("planes: 3", "plans: 3", "walker.plans: no such key; did you mean planes?"),
    ],
)
def test_wrong_figures_are_refused(
    tmp_path: Path, example: str, old: str, new: str, said: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path, example, GALILEO.replace(old, new))
    assert any(said in line for line in caught.value.problems), caught.value.problems


def test_a_change_of_the_entry_reaches_all_its_satellites(tmp_path: Path, example: str) -> None:
    scenario = load(tmp_path, example, GALILEO, "satellites.0.recorder.capacity=7 MB")
    assert {s.recorder.capacity for s in scenario.satellites[:24]} == {7_000_000}
    assert scenario.source.place_of("satellites.5.codec").split(": ")[-1] == "satellites.0.codec"


def test_faults_behind_a_constellation_are_those_of_their_entries(
    tmp_path: Path, example: str
) -> None:
    # The first entry stands for 24 satellites, of which one is called as the second entry.
    load(tmp_path, example, GALILEO)
    head, tail = (tmp_path / "s.yaml").read_text().split("targets:")
    alone = example.partition("satellites:\n")[2].partition("targets:")[0]
    second = alone.replace("name: sat-a", "name: sat-a-3-8")
    (tmp_path / "s.yaml").write_text(f"{head}{second}targets:{tail}")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "s.yaml")
    (problem,) = caught.value.problems
    assert problem == (
        f"{tmp_path}/s.yaml:{head.count(chr(10)) + 1}: satellites.1.name: found a second "
        "satellite called sat-a-3-8, the first is number 0; allowed: each name once"
    )


def test_satellites_beyond_the_limit_are_refused(tmp_path: Path, example: str) -> None:
    figures = GALILEO.replace("total: 24", "total: 9999")
    with pytest.raises(ScenarioError, match="found 19998 satellites; allowed: at most 10000"):
        load_twice(tmp_path, example, figures)


def load_twice(folder: Path, example: str, figures: str) -> None:
    lines = example.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("  - name:"))
    last = next(i for i, line in enumerate(lines) if line.startswith("targets:"))
    entry = lines[first:last]
    again = [entry[0] + "-again", *entry[1:]]
    text = "\n".join([*lines[:first], *entry, *again, *lines[last:]])
    both = text.replace(
        next(line for line in entry if "orbit:" in line),
        f"    orbit: {{walker: {{{figures}}}}}",
    )
    (folder / "s.yaml").write_text(both)
    load_scenario(folder / "s.yaml")
