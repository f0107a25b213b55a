"""Coverage of scenarios: footprints, figures and the command."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.coverage.coverage import cover
from downpass.sim.coverage.footprints import footprints
from downpass.sim.mission.flight import Flight, fly
from downpass.sim.orbit.earth import positions
from downpass.sim.scenario.load import load_scenario
from skyfield.api import EarthSatellite, load, wgs84
from small_scenarios import downpass, satellite, scenario, write

STRIP = {
    "swath": "120 km",
    "gsd": "60 m",
    "frame_length": "60 km",
    "bands": 1,
    "bit_depth": 12,
    "off_nadir_limit": "20 deg",
    "min_sun_elevation": None,
    "mode": "strip",
}
SQUARE = {"name": "square", "polygon": [[36, 0], [36, 24], [52, 24], [52, 0]]}
PARTLY = {"name": "partly", "polygon": [[40, 12], [40, 30], [56, 30], [56, 12]]}


def flown(tmp_path: Path, **changes: Any) -> Flight:
    """Return the flight of a small scenario without pixels."""
    codec = {"name": "jpeg2000", "bpp": 1.0}
    sat = satellite(codec=codec, imager=STRIP | changes.pop("imager", {}))
    sat |= changes.pop("satellite", {})
    content = scenario(None, satellites=[sat], **changes)
    return fly(load_scenario(write(tmp_path, content)))


def geodesic_m(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of directions on a sphere of mean radius."""
    return 6.371e6 * math.acos(max(-1.0, min(1.0, float(a @ b))))


def test_footprints_of_strips_follow_the_track(tmp_path: Path) -> None:
    # At nadir, the middle of a frame is the sub-satellite point, computed by skyfield's SGP4.
    flight = flown(tmp_path, targets=[SQUARE], duration="1 d", imager={"off_nadir_limit": "0 deg"})
    (part,) = footprints(flight)
    assert len(part.frame) == len(flight.timetables[0].shots) > 5
    corner = part.corner
    for n in range(len(part.frame)):
        assert geodesic_m(corner[0, :, n], corner[3, :, n]) == pytest.approx(120e3, rel=0.02)
        assert geodesic_m(corner[0, :, n], corner[1, :, n]) == pytest.approx(60e3, rel=0.03)
    shots = flight.timetables[0].shots
    assert part.time_ms.tolist() == [round((s.start_s + s.end_s) * 500) for s in shots]


def test_a_footprint_lies_below_the_satellite_that_skyfield_propagates(tmp_path: Path) -> None:
    tle = [
        "1 25544U 98067A   24336.50000000  .00016717  00000-0  30000-3 0  9992",
        "2 25544  51.6400 208.9163 0006317  69.9862  25.2906 15.50000000  1000",
    ]
    flight = flown(
        tmp_path,
        targets=[SQUARE],
        duration="2 d",
        imager={"off_nadir_limit": "0 deg"},
        satellite={"orbit": {"tle": "\n".join(map(_checked, tle))}},
    )
    (part,) = footprints(flight)
    moon = EarthSatellite(*[_checked(line) for line in tle], "x", load.timescale(builtin=True))
    start = datetime(2024, 12, 2, tzinfo=UTC).timestamp()
    assert len(part.frame) > 5
    for n in range(0, len(part.frame), 5):
        moment = datetime.fromtimestamp(start + part.time_ms[n] / 1e3, UTC)
        place = moon.at(load.timescale(builtin=True).from_datetime(moment))
        below = wgs84.subpoint_of(place).itrs_xyz.m
        middle = part.corner[:, :, n].sum(axis=0)
        middle /= np.linalg.norm(middle)
        # Nadir is the direction to the Earth's centre, skyfield's is the vertical: 0.2 degrees
        # from 420 km are 1.4 km.
        assert geodesic_m(middle, below / np.linalg.norm(below)) < 2e3


def _checked(line: str) -> str:
    """Return a line of a TLE with its check sum."""
    total = sum(int(c) if c.isdigit() else c == "-" for c in line[:68])
    return f"{line[:68]}{total % 10}"


def test_frames_of_points_are_rectangles_around_them(tmp_path: Path) -> None:
    place = [60.0, 20.0]
    flight = flown(
        tmp_path,
        imager={"mode": "frame", "off_nadir_limit": "10 deg"},
        targets=[{"name": "place", "at": place}],
        duration="8 d",
    )
    (part,) = footprints(flight)
    target = positions(np.array(place[:1]), np.array(place[1:]))[:, 0]
    displaced = 0
    for n in range(len(part.frame)):
        corner = part.corner[:, :, n]
        assert geodesic_m(corner[0], corner[3]) == pytest.approx(120e3, rel=0.01)
        assert geodesic_m(corner[0], corner[1]) == pytest.approx(60e3, rel=0.01)
        middle = corner.sum(axis=0)
        middle /= np.linalg.norm(middle)
        shot = flight.timetables[0].shots[part.frame[n]]
        beyond = flight.accesses[shot.access].off_nadir_deg > 10
        away = geodesic_m(middle, target / np.linalg.norm(target))
        # Where the imager cannot tilt to the place, the swath reaches it.
        assert away <= (60.1e3 if beyond else 10)
        displaced += beyond
    assert 0 < displaced < len(part.frame)
    assert cover(flight, None).targets[0].figures.seen == 1.0


@pytest.mark.parametrize("longitude", [-4.0, 0.0, 4.0], ids=["west", "below", "east"])
def test_frames_beside_the_track_lie_in_their_area(tmp_path: Path, longitude: float) -> None:
    """A pass beside an area: its frames are turned to the area's side, and into it."""
    imager = {"mode": "frame", "off_nadir_limit": "40 deg", "swath": "20 km", "gsd": "20 m"}
    imager["frame_length"] = "20 km"
    track = flown(tmp_path, targets=[SQUARE], duration="2 h").geometries[0].track
    row = int(np.argmin(np.abs(track.latitude_deg[:100])))
    middle = float(track.longitude_deg[row])
    west = (middle + longitude - 1.0 + 180) % 360 - 180
    corners = [[-2, west], [-2, west + 2], [2, west + 2], [2, west]]
    flight = flown(
        tmp_path,
        targets=[{"name": "beside", "polygon": corners}],
        duration="2 h",
        imager=imager,
    )
    number = len(flight.timetables[0].shots)
    figures = cover(flight, None, 50_000).targets[0].figures
    assert number > 5
    assert figures.seen * figures.area_m2 > 0.8 * number * 20e3 * 20e3


def test_a_long_frame_is_several_footprints_of_one_frame(tmp_path: Path) -> None:
    flight = flown(tmp_path, targets=[SQUARE], duration="1 d", imager={"frame_length": "900 km"})
    (part,) = footprints(flight)
    frames = len(flight.timetables[0].shots)
    assert frames > 0
    assert part.frame.tolist() == [n for n in range(frames) for _ in range(5)]
    for n in range(len(part.frame) - 1):
        if part.frame[n] == part.frame[n + 1]:
            assert part.corner[1, :, n] == pytest.approx(part.corner[0, :, n + 1], abs=1e-9)


def test_too_many_frames_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("downpass.sim.coverage.footprints.MOST_FOOTPRINTS", 10)
    with pytest.raises(InputError, match=r"found [0-9]+ frames to cover; allowed: up to 10"):
        cover(flown(tmp_path, targets=[SQUARE], duration="1 d"), None)


def test_two_strips_over_a_square(tmp_path: Path) -> None:
    flight = flown(tmp_path, targets=[SQUARE], duration="2 d")
    found = cover(flight, None, 20_000)
    (target,) = found.targets
    # Frames lie partly beyond the square, and overlap: what they show is at most their sum.
    sum_m2 = len(flight.timetables[0].shots) * 120e3 * 60e3
    assert 0.05 < target.figures.seen < min(1.0, 1.3 * sum_m2 / target.figures.area_m2)
    assert found.areas is not None
    assert found.areas.seen == target.figures.seen
    assert target.figures.delivered is None


def test_one_strip_by_hand(tmp_path: Path) -> None:
    """At nadir, a strip of 120 km crosses an area of 16 degrees by 24 once."""
    flight = flown(tmp_path, targets=[SQUARE], duration="11 h", imager={"off_nadir_limit": "0 deg"})
    shots = flight.timetables[0].shots
    accesses = {shot.access for shot in shots}
    assert len(accesses) == 1
    found = cover(flight, None, 50_000).targets[0].figures
    (part,) = footprints(flight)
    # By hand: the length of the track between the parallels, from where it is within the square.
    middle = part.corner.sum(axis=0)
    middle /= np.sqrt(np.sum(middle**2, axis=0))
    latitude = np.degrees(np.arcsin(middle[2]))
    longitude = np.degrees(np.arctan2(middle[1], middle[0]))
    inside = (latitude > 36) & (latitude < 52) & (longitude > 0) & (longitude < 24)
    assert found.seen * found.area_m2 == pytest.approx(inside.sum() * 120e3 * 60e3, rel=0.1)
    assert found.seen_twice == 0.0


def test_ground_in_two_targets_counts_once_for_all(tmp_path: Path) -> None:
    flight = flown(tmp_path, targets=[SQUARE, PARTLY], duration="1 d")
    found = cover(flight, None, 40_000)
    areas = [target.figures.area_m2 for target in found.targets]
    shared = cover(
        flown(
            tmp_path,
            targets=[{"name": "both", "polygon": [[40, 12], [40, 24], [52, 24], [52, 12]]}],
            duration="1 d",
        ),
        None,
        1_000,
    ).targets[0]
    assert found.areas is not None
    # The edges are great circles, so the three rectangles are not exactly each other's parts.
    assert found.areas.area_m2 == pytest.approx(sum(areas) - shared.figures.area_m2, rel=0.01)


def test_a_sun_synchronous_repeat_orbit_comes_back_every_day(tmp_path: Path) -> None:
    # 15 revolutions in a day: period 5760 s, 566 km high with the nodal drift of J2.
    codec = {"name": "jpeg2000", "bpp": 1.0}
    imager = {"off_nadir_limit": "8 deg", "swath": "40 km", "gsd": "40 m"}
    sat = satellite(
        codec=codec,
        orbit={"altitude": "561 km", "sun_synchronous": True, "local_time": "10:30"},
        imager=STRIP
        | imager
        | {"frame_length": "40 km", "min_sun_elevation": "5 deg", "mode": "frame"},
    )
    first = fly(load_scenario(write(tmp_path, scenario(None, satellites=[sat], duration="3 h"))))
    track = first.geometries[0].track
    row = int(np.argmin(np.abs(track.latitude_deg[:90] - 10) + 1e3 * (track.time_s[:90] < 600)))
    at = [float(track.latitude_deg[row]), float(track.longitude_deg[row])]
    content = scenario(
        None, satellites=[sat], targets=[{"name": "below", "at": at}], duration="4 d"
    )
    figures = cover(fly(load_scenario(write(tmp_path, content))), None).targets[0].figures
    assert figures.looks >= 3
    assert figures.revisit_mean_s == pytest.approx(86_400, abs=120)
    assert figures.revisit_max_s == pytest.approx(86_400, abs=120)


def test_delivered_is_part_of_seen(tmp_path: Path) -> None:
    codec = {"name": "jpeg2000", "bytes": "2 MB"}
    sat = satellite(
        codec=codec,
        imager=STRIP,
        recorder={"capacity": "1 GB"},
        transmitter={"rate": "100 kbit/s"},
        processor={"encode_rate": {"jpeg2000": "5 Msample/s"}, "working_memory": "1 GB"},
    )
    targets = [SQUARE, PARTLY, {"name": "lisbon", "at": [38.72, -9.14]}]
    path = write(tmp_path, scenario(None, satellites=[sat], targets=targets, duration="1 d"))
    page = tmp_path / "coverage.html"
    said = downpass("coverage", path, "--cells", "5000", "--json", "--out", page)
    assert said.status == 0, said.err
    result = json.loads(said.out)
    assert 0 < result["frames_delivered"] < result["frames_planned"]
    for one in (result["all_areas"], result["all_points"], *result["targets"]):
        assert 0 <= one["delivered_whole"] <= one["delivered"] <= one["seen"] <= 1
    assert 0 < result["all_areas"]["delivered"] < result["all_areas"]["seen"]
    seen = downpass("coverage", path, "--cells", "5000", "--json", "--seen", "--out", page)
    alone = json.loads(seen.out)
    assert alone["all_areas"]["seen"] == result["all_areas"]["seen"]
    assert alone["all_areas"]["delivered"] is None
    again = downpass("coverage", path, "--cells", "5000", "--json", "--out", page)
    assert again.out == said.out


def test_the_page_and_the_table(tmp_path: Path) -> None:
    hostile = SQUARE | {"name": "<b>a&b"}
    path = write(tmp_path, scenario(None, targets=[hostile], satellites=[
        satellite(imager=STRIP, codec={"name": "jpeg2000", "bytes": "1 MB"})
    ]))  # fmt: skip
    page = tmp_path / "coverage.html"
    said = downpass("coverage", path, "--seen", "--out", page)
    assert said.status == 0, said.err
    assert str(page) in said.out
    assert "<b>a&b" in said.out
    html = page.read_text()
    assert html.count("<svg") == 2
    assert "<b>a" not in html
    assert "not seen" in html
    first = html
    downpass("coverage", path, "--seen", "--out", page)
    assert page.read_text() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cells", "5"], "--cells: found 5; allowed: 100 to 1000000"),
        (["--cells", "9999999"], "--cells: found 9999999; allowed: 100 to 1000000"),
        (["--out", "no/such/folder/x.html"], "--out: found no/such/folder/x.html; allowed: a file"),
    ],
    ids=["few", "many", "folder"],
)
def test_bad_options(tmp_path: Path, arguments: list[str], message: str) -> None:
    path = write(tmp_path, scenario(None, satellites=[
        satellite(codec={"name": "jpeg2000", "bytes": "1 MB"})
    ]))  # fmt: skip
    said = downpass("coverage", path, *arguments)
    assert said.status == 2
    assert message in said.err


def test_a_page_that_cannot_be_written_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downpass.sim.mission.flight.fly", None)
    said = downpass("coverage", write(tmp_path, scenario(None)), "--out", "/dev/full")
    assert said.status == 2
    assert said.err.splitlines()[-1] == "/dev/full: cannot be written (it is no regular file)"
