"""OEM: ephemerides written from SGP4's states come back as the same orbit; and bad files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import erfa
import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.earth import Site
from downpass.sim.orbit.geometry import compute
from downpass.sim.orbit.ndm import times
from downpass.sim.orbit.ndm.oem import read_oem
from downpass.sim.orbit.passes import GroundStation
from downpass.sim.orbit.propagator import Propagator
from downpass.sim.orbit.trajectory import Tabulated, trajectory
from hypothesis import given, settings
from hypothesis import strategies as st
from orbit_messages import oem_kvn, oem_segment, oem_xml

DAY = 86_400.0
GRID = np.arange(-900.0, DAY + 901.0, 60.0)
INSIDE = np.random.default_rng(5).uniform(0.0, DAY, 2_000)


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "orbit.oem"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def states(case: Any, frame: str, oracle: Any, time_s: Any = GRID) -> tuple[Any, Any]:
    """SGP4's states in a frame: skyfield's in the inertial ones."""
    propagator = Propagator(case.elements, case.start)
    if frame == "TEME":
        return propagator.teme(time_s)
    if frame.startswith("ITRF"):
        return propagator.ecef(time_s)
    found = oracle.satellite.at(oracle.times(time_s))
    position, velocity = found.position.km * 1e3, found.velocity.km_per_s * 1e3
    if frame == "EME2000":
        bias = erfa.bp00(2_451_545.0, 0.0)[0]
        return bias @ position, bias @ velocity
    return position, velocity


@pytest.mark.parametrize(
    "frame", ["TEME", "ITRF", "ITRF-97", "ITRF2014", "GCRF", "ICRF", "EME2000"]
)
def test_a_file_from_sgp4_is_sgp4s_orbit(
    case: Any, oracle: Any, frame: str, tmp_path: Path
) -> None:
    text = oem_kvn(case.start, GRID, *states(case, frame, oracle), REF_FRAME=frame)
    table = read_oem(write(tmp_path, text))
    position, velocity = trajectory(table, case.start).ecef(INSIDE)
    theirs, rate = Propagator(case.elements, case.start).ecef(INSIDE)
    # Skyfield's GCRF is by another nutation series and another sidereal time.
    assert np.abs(position - theirs).max() < (0.001 if frame[:2] in ("TE", "IT") else 0.05)
    assert np.abs(velocity - rate).max() < 1e-3
    assert table.period_s == pytest.approx(case.elements.period_s, rel=3e-3)


@pytest.mark.parametrize(
    ("metadata", "step_s", "most_m"),
    [
        ({"INTERPOLATION_DEGREE": 9}, 60.0, 1e-4),
        ({"INTERPOLATION_DEGREE": 5}, 60.0, 0.01),
        ({"INTERPOLATION_DEGREE": 9}, 180.0, 0.05),
        # SGP4's velocity is not exactly the rate of its position, which Hermite's polynomial needs.
        ({"INTERPOLATION": "HERMITE", "INTERPOLATION_DEGREE": 7}, 60.0, 0.3),
        ({"INTERPOLATION": "HERMITE", "INTERPOLATION_DEGREE": 3}, 30.0, 0.3),
        ({"INTERPOLATION": None, "INTERPOLATION_DEGREE": None}, 60.0, 0.3),
        ({"INTERPOLATION": "LINEAR", "INTERPOLATION_DEGREE": None}, 1.0, 3.0),
    ],
    ids=["L9", "L5", "L9 of 180 s", "H7", "H3", "none named", "linear"],
)
def test_the_interpolation_is_the_files(
    metadata: dict[str, Any], step_s: float, most_m: float, sentinel: Any, tmp_path: Path
) -> None:
    grid = np.arange(-1800.0, 9001.0, step_s)
    propagator = Propagator(sentinel.elements, sentinel.start)
    text = oem_kvn(sentinel.start, grid, *propagator.teme(grid), **metadata)
    inside = np.linspace(0.0, 7200.0, 2_000)
    table = read_oem(write(tmp_path, text))
    apart = trajectory(table, sentinel.start).ecef(inside)[0] - propagator.ecef(inside)[0]
    assert np.linalg.norm(apart, axis=0).max() < most_m


def test_passes_are_those_of_the_elements(sentinel: Any, tmp_path: Path) -> None:
    propagator = Propagator(sentinel.elements, sentinel.start)
    table = read_oem(write(tmp_path, oem_xml(sentinel.start, GRID, *propagator.teme(GRID))))
    stations = [GroundStation(Site(78.23, 15.39)), GroundStation(Site(-35.4, 148.98))]
    found, wanted = (
        compute(orbit, sentinel.start, DAY, stations=stations).passes
        for orbit in (table, sentinel.elements)
    )
    assert len(found) == len(wanted) > 10
    for one, other in zip(found, wanted, strict=True):
        assert one.station == other.station
        assert abs(one.aos_s - other.aos_s) <= 0.0011
        assert abs(one.los_s - other.los_s) <= 0.0011


@pytest.mark.parametrize(
    ("system", "offset_s"), [("UTC", 0.0), ("TAI", 37.0), ("GPS", 18.0), ("TT", 69.184)]
)
def test_time_systems(system: str, offset_s: float, sentinel: Any, tmp_path: Path) -> None:
    """In December 2024 TAI is 37 s ahead of UTC, and GPS time 18 s (IERS Bulletin C 68)."""
    grid = GRID[:200]
    propagator = Propagator(sentinel.elements, sentinel.start)
    shifted = sentinel.start + timedelta(seconds=offset_s)
    text = oem_kvn(shifted, grid, *propagator.teme(grid), TIME_SYSTEM=system)
    inside = np.linspace(0.0, 9000.0, 500)
    found = trajectory(read_oem(write(tmp_path, text)), sentinel.start).ecef(inside)[0]
    assert np.abs(found - propagator.ecef(inside)[0]).max() < 0.001


def test_a_leap_second_is_a_second() -> None:
    before, leap, after = (
        times.tt_nanoseconds(text, "UTC")
        for text in ("2016-12-31T23:59:59", "2016-366T23:59:60Z", "2017-01-01T00:00:00")
    )
    assert leap - before == after - leap == 10**9
    for text in ("2015-12-31T23:59:60", "2016-12-31T12:59:60", "2016-366T23:59:61"):
        with pytest.raises(ValueError, match="time of day"):
            times.tt_nanoseconds(text, "UTC")
    with pytest.raises(ValueError, match="time of day"):
        times.tt_nanoseconds("2016-12-31T23:59:60", "TAI")


@given(moment=st.datetimes(datetime(1975, 1, 1), datetime(2040, 1, 1)))
def test_epochs_agree_with_skyfields_time_scale(moment: datetime) -> None:
    from skyfield.api import load

    scale = load.timescale(builtin=True)
    theirs = scale.from_datetime(moment.replace(tzinfo=UTC))
    days = (theirs.whole - 2_451_545.0) + theirs.tt_fraction
    ours = times.tt_nanoseconds(f"{moment:%Y-%jT%H:%M:%S.%f}", "UTC")
    assert abs(ours / 1e9 - days * DAY) < 1e-4
    assert ours == times.tt_of(moment.replace(tzinfo=UTC))
    assert times.utc_text(ours) == f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def test_segments_follow_each_other_and_the_later_one_holds(sentinel: Any, tmp_path: Path) -> None:
    """Two segments meet at noon; the second is of another orbit, 1 km higher."""
    propagator = Propagator(sentinel.elements, sentinel.start)
    early, late = np.arange(0.0, 43_201.0, 60.0), np.arange(43_200.0, DAY + 1.0, 60.0)
    position, velocity = propagator.ecef(late)
    higher = position * (1.0 + 1e3 / np.linalg.norm(position, axis=0))
    text = oem_kvn(sentinel.start, early, *propagator.ecef(early), REF_FRAME="ITRF")
    text += oem_segment(sentinel.start, late, higher, velocity, REF_FRAME="ITRF")
    flown = trajectory(read_oem(write(tmp_path, text)), sentinel.start)
    height = np.linalg.norm(flown.ecef(np.array([43_199.0, 43_200.0, 43_201.0]))[0], axis=0)
    lower = np.linalg.norm(propagator.ecef(np.array([43_199.0, 43_200.0, 43_201.0]))[0], axis=0)
    assert np.allclose(height - lower, [0.0, 1e3, 1e3], atol=0.5)


def test_covariances_and_accelerations_are_skipped(sentinel: Any, tmp_path: Path) -> None:
    propagator = Propagator(sentinel.elements, sentinel.start)
    grid = GRID[:40]
    text = oem_kvn(sentinel.start, grid, *propagator.teme(grid))
    plain = read_oem(write(tmp_path, text))
    lines = text.splitlines()
    rows = [f"{line} 0.001 0.002 -0.003" if line[:3] == "202" else line for line in lines]
    rows += ["COVARIANCE_START", "EPOCH = 2024-12-02T00:00:00", "3.3e-4", "4.6e-4 6.7e-4",
             "COVARIANCE_STOP"]  # fmt: skip
    full = read_oem(write(tmp_path, "\r\n".join(rows)))
    assert np.array_equal(full.segments[0].position, plain.segments[0].position)


def test_a_run_outside_the_span_is_refused(sentinel: Any, tmp_path: Path) -> None:
    propagator = Propagator(sentinel.elements, sentinel.start)
    text = oem_kvn(
        sentinel.start, GRID, *propagator.teme(GRID),
        USEABLE_START_TIME="2024-12-02T00:00:00", USEABLE_STOP_TIME="2024-12-03T00:00:00",
    )  # fmt: skip
    flown = Tabulated(read_oem(write(tmp_path, text)), sentinel.start)
    flown.ephemeris(DAY)
    allowed = "allowed: a run within 2024-12-02T00:00:00Z to 2024-12-03T00:00:00Z"
    with pytest.raises(InputError, match=f"has no states at 2024-12-03T00:00:10Z; {allowed}"):
        flown.ephemeris(DAY + 30.0, 10.0)
    with pytest.raises(InputError, match="no states at 2024-12-01T23:59:59Z"):
        flown.ecef(np.array([-1.0]))


def small(case: Any, form: Callable[..., str] = oem_kvn, **metadata: Any) -> str:
    propagator = Propagator(case.elements, case.start)
    return form(case.start, GRID[:12], *propagator.teme(GRID[:12]), **metadata)


@pytest.mark.parametrize("form", [oem_kvn, oem_xml], ids=["kvn", "xml"])
@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"REF_FRAME": "TOD"}, "REF_FRAME TOD; allowed: ITRF of any year, GCRF, ICRF, EME2000"),
        ({"REF_FRAME_EPOCH": "2024-12-02T00:00:00"}, "found REF_FRAME_EPOCH; allowed"),
        ({"CENTER_NAME": "MOON"}, "CENTER_NAME MOON; allowed: EARTH"),
        ({"TIME_SYSTEM": "UT1"}, "TIME_SYSTEM UT1; allowed: UTC, TAI, GPS, TT"),
        ({"INTERPOLATION": "SPLINE"}, "INTERPOLATION SPLINE; allowed: HERMITE, LAGRANGE, LINEAR"),
        ({"INTERPOLATION_DEGREE": None}, "INTERPOLATION_DEGREE is missing"),
        ({"INTERPOLATION_DEGREE": 99}, "INTERPOLATION_DEGREE 99; allowed: a number from 1 to 15"),
        ({"INTERPOLATION_DEGREE": 2.5}, "INTERPOLATION_DEGREE 2.5; allowed: a whole number"),
        ({"INTERPOLATION_DEGREE": 12}, "found 12 states in a segment; allowed: at least 13"),
        ({"INTERPOLATION": "LINEAR"}, "states 60 s apart, where LAGRANGE of degree 1 is off by"),
        ({"OBJECT_ID": None}, "OBJECT_ID is missing"),
        ({"START_TIME": "2030-01-01T00:00:00"}, "found a segment that ends before it begins"),
        ({"START_TIME": "noon"}, "found START_TIME noon, no epoch"),
    ],
)
def test_what_is_not_on_the_lists_is_refused(
    metadata: dict[str, Any], problem: str, form: Any, sentinel: Any, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        read_oem(write(tmp_path, small(sentinel, form, **metadata)))
    message = str(caught.value)
    assert problem in message
    assert message.startswith("orbit.oem") and message.isprintable()


BAD_ROWS = {
    "nan": (lambda row: row.replace(row.split()[1], "NaN"), "allowed: an epoch, x y z in km"),
    "short": (lambda row: row.rsplit(" ", 1)[0], "allowed: an epoch, x y z in km"),
    "words": (lambda row: "hello there", "allowed: an epoch, x y z"),
    "epoch": (lambda row: "2024-12-41" + row[10:], "a day that does not exist"),
    "twice": (lambda row: row + "\n" + row, "states that do not ascend in time"),
    "far": (lambda row: row.replace(row.split()[1], "9e9"), "no orbit about the Earth"),
    "metres": (lambda row: row.split()[0] + " 1e6 1e6 1e6 1 1 1", "no orbit about the Earth"),
    "still": (lambda row: " ".join([*row.split()[:4], "0", "0", "0"]),
              "velocities that differ from the rate of the positions"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "problem"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_bad_states_are_refused(change: Any, problem: str, sentinel: Any, tmp_path: Path) -> None:
    lines = small(sentinel).splitlines()
    lines[-4] = change(lines[-4])
    with pytest.raises(InputError, match=problem):
        read_oem(write(tmp_path, "\n".join(lines)))


BAD_FILES = {
    "empty": ("", "found no CCSDS_OEM_VERS"),
    "an omm": ("CCSDS_OMM_VERS = 3.0\n", "orbit.oem:1: found no CCSDS_OEM_VERS"),
    "header only": ("CCSDS_OEM_VERS = 3.0\n", "found no segment"),
    "open metadata": ("CCSDS_OEM_VERS = 3.0\nMETA_START\nA = 1\n", "oem:2: found a META_START"),
    "states first": ("CCSDS_OEM_VERS = 3.0\n2024 1 2\n", "orbit.oem:2: found 2024 1 2; allowed"),
    "odd header": ("CCSDS_OEM_VERS = 3.0\nX = 1\n", "orbit.oem:2: found X; allowed: META_START"),
    "two messages": ("<ndm><oem/><oem/></ndm>", "found 2 messages; allowed: one oem"),
    "other xml": ("<omm/>", "found a document omm; allowed: one oem"),
    "entity": ("<!DOCTYPE oem [<!ENTITY a 'b'>]><oem>&a;</oem>", "found a document type"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_get_one_line(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_oem(write(tmp_path, text))
    assert problem in str(caught.value)
    assert str(caught.value).isprintable()


def test_two_satellites_and_too_much(
    sentinel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = small(sentinel)
    other = small(sentinel, oem_segment, OBJECT_ID="2017-013A")
    with pytest.raises(InputError, match=r"found 2 satellites .* allowed: one"):
        read_oem(write(tmp_path, text + other))
    monkeypatch.setattr("downpass.sim.orbit.ndm.oem.MOST_STATES", 11)
    with pytest.raises(InputError, match="found more than 11 states"):
        read_oem(write(tmp_path, text))
    monkeypatch.setattr("downpass.sim.orbit.ndm.oem._MOST_ELEMENTS", 50)
    with pytest.raises(InputError, match="found more than 50 elements"):
        read_oem(write(tmp_path, small(sentinel, oem_xml)))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(
    data: st.DataObject, sentinel: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = bytearray(small(sentinel, data.draw(st.sampled_from([oem_kvn, oem_xml]))).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        size = data.draw(st.integers(0, 30))
        text[at : at + size] = data.draw(st.binary(max_size=12))
    try:
        read_oem(write(tmp_path_factory.getbasetemp(), bytes(text)))
    except InputError as error:
        assert "\n" not in str(error)
