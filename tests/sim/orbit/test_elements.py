from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.elements import (
    age_days,
    circular,
    from_tle,
    sun_synchronous,
    sun_synchronous_inclination_deg,
)
from downpass.sim.orbit.propagator import Propagator
from sgp4.api import Satrec

EPOCH = datetime(2025, 3, 1, 12, tzinfo=UTC)
ONE = "1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-3 0  9998"
TWO = "2 40697  98.5704  48.9920 0001011  93.0957 267.0342 14.30811188493363"


def with_checksum(line: str) -> str:
    total = sum(int(c) if c.isdigit() else c == "-" for c in line[:68])
    return line[:68] + str(total % 10)


def test_two_lines_are_read() -> None:
    elements = from_tle(f"{ONE}\n{TWO}\n")
    # Day 337 of a leap year is 2 December.
    expected = datetime(2024, 12, 2, tzinfo=UTC) + timedelta(days=0.14457616)
    assert abs((elements.epoch - expected).total_seconds()) < 1e-4
    assert elements.inclination_deg == pytest.approx(98.5704)
    assert elements.raan_deg == pytest.approx(48.9920)
    assert elements.eccentricity == pytest.approx(0.0001011)
    assert elements.period_s == pytest.approx(86_400.0 / 14.30811188)
    assert elements.name == ""


def test_a_name_above_the_lines_is_kept() -> None:
    assert from_tle(["0 SENTINEL-2A", ONE, TWO]).name == "SENTINEL-2A"
    assert from_tle(f"SENTINEL-2A\r\n  {ONE}\r\n  {TWO}  \r\n\r\n").name == "SENTINEL-2A"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([ONE], "TLE has 1 lines; allowed is 2"),
        ([], "TLE has 0 lines"),
        ([TWO, ONE], "TLE line 1 starts with '2 '"),
        ([ONE[:-1], TWO], "TLE line 1 has 68 characters; allowed is 69"),
        ([ONE, TWO[:-1] + "4"], "TLE line 2 ends in checksum '4', its characters add up to 3"),
        ([ONE.replace("24337", "24338"), TWO], "TLE line 1 ends in checksum '8'"),
        ([ONE, with_checksum(TWO.replace("40697", "40698"))], "two satellites: 40697 and 40698"),
        ([ONE, with_checksum(TWO.replace("98.5704", "98.57O4"))], "inclination ' 98.57O4' is not"),
        ([ONE, with_checksum(TWO.replace("14.30811188", "00.00000000"))], "mean motion 0 rev"),
        ([ONE, with_checksum(TWO.replace("14.30811188", "19.30811188"))], "mean motion 19.3081"),
        ([ONE.replace("U", "Ü"), TWO], "not ASCII"),
    ],
)
def test_a_bad_tle_gets_one_clear_line(lines: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        from_tle(lines)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def changed(line: str, column: int, text: str) -> str:
    """A line with some text from a column on, counted from 1 as the format's tables do."""
    return with_checksum(line[: column - 1] + text + line[column - 1 + len(text) :])


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (changed(ONE, 63, "4"), TWO, "line 1: ephemeris type '4' (SGP4-XP) is not 0"),
        (changed(ONE, 63, "1"), TWO, "line 1: ephemeris type '1' (SGP) is not 0"),
        (changed(ONE, 8, "X"), TWO, "line 1: classification 'X' is not U, C or S"),
        (changed(ONE, 21, "000.14457616"), TWO, "line 1: epoch day '000.14457616' is not"),
        (changed(ONE, 21, "367.14457616"), TWO, "line 1: epoch day '367.14457616' is not"),
        (changed(ONE, 19, "2x"), TWO, "line 1: epoch year '2x' is not"),
        (changed(ONE, 33, "1"), TWO, "line 1: '1' in column 33 is not a blank"),
        (changed(ONE, 54, " 2148.-3"), TWO, "line 1: drag ' 2148.-3' is not"),
        (changed(ONE, 54, " 21480e3"), TWO, "line 1: drag ' 21480e3' is not"),
        (ONE, changed(TWO, 9, "198.5704"), "line 2: inclination '198.5704' is not"),
        (ONE, changed(TWO, 9, "-98.5704"), "line 2: inclination '-98.5704' is not"),
        (ONE, changed(TWO, 18, "361.0000"), "line 2: node '361.0000' is not"),
        (ONE, changed(TWO, 27, "0.01011"), "line 2: eccentricity '0.01011' is not"),
        (ONE, changed(TWO, 35, "nan     "), "line 2: argument of perigee 'nan     ' is not"),
        (ONE, changed(TWO, 44, "  1e2.00"), "line 2: mean anomaly '  1e2.00' is not"),
        (changed(ONE, 3, "I0697"), changed(TWO, 3, "I0697"), "catalogue number 'I0697' is not"),
    ],
)
def test_a_field_that_would_mean_another_orbit_is_refused(one: str, two: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        from_tle([one, two])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (changed(ONE, 3, "E8493"), changed(TWO, 3, "E8493")),
        (changed(ONE, 3, "00005"), changed(TWO, 3, "    5")),
        (changed(ONE, 8, "C"), TWO),
        (changed(ONE, 63, " "), TWO),
        (changed(ONE, 54, "+21480-3"), TWO),
        (changed(ONE, 54, " 21480+0"), TWO),
        (changed(ONE, 34, "-.00000519"), TWO),
        (changed(ONE, 65, "    "), changed(TWO, 64, "    3")),
    ],
    ids=["alpha-5", "padding", "classified", "blank type", "plus", "zero power", "minus", "no set"],
)
def test_every_way_to_write_a_field_gives_the_same_orbit(one: str, two: str) -> None:
    elements = from_tle([one, two])
    assert elements.inclination_deg == pytest.approx(98.5704)
    assert elements.eccentricity == pytest.approx(0.0001011)
    assert elements.period_s == pytest.approx(86_400.0 / 14.30811188)
    assert elements.bstar == pytest.approx(0.21480 if "+0" in one else 0.21480e-3)
    position, _ = Propagator(elements, elements.epoch).teme(np.array([0.0]))
    assert np.linalg.norm(position) == pytest.approx(7_165e3, abs=20e3)


@pytest.mark.parametrize(
    ("year", "expected"), [("57", 1957), ("99", 1999), ("00", 2000), ("56", 2056)]
)
def test_years_from_57_on_are_those_of_the_last_century(year: str, expected: int) -> None:
    assert from_tle([changed(ONE, 19, year), TWO]).epoch.year == expected


def test_an_orbit_that_decays_within_the_run_is_refused_with_its_moment() -> None:
    low = from_tle([changed(ONE, 54, " 50000-1"), changed(TWO, 53, "16.40000000")])
    with pytest.raises(InputError, match=r"orbit at 20\d\d-.*: the orbit has decayed \(SGP4 error"):
        Propagator(low, low.epoch).ephemeris(60 * 86_400.0)


def test_a_tle_below_the_ground_is_refused() -> None:
    # Eccentricity 0.9999999 at 14 revolutions a day has its perigee inside the Earth.
    with pytest.raises(InputError, match=r"SGP4|decayed"):
        elements = from_tle([ONE, with_checksum(TWO.replace("0001011", "9999999"))])
        Propagator(elements, elements.epoch).teme(np.linspace(0.0, 6_000.0, 10))


@pytest.mark.parametrize("altitude_m", [160e3, 500e3, 1_200e3, 35_786e3])
@pytest.mark.parametrize("inclination_deg", [0.0, 51.6, 97.4, 180.0])
def test_an_altitude_is_that_of_sgp4s_mean_axis(altitude_m: float, inclination_deg: float) -> None:
    record: Satrec = circular(altitude_m, inclination_deg, 0.0, 0.0, EPOCH).satrec()
    axis_m = (record.am if record.am else record.a) * record.radiusearthkm * 1e3
    assert axis_m == pytest.approx(6_378_137.0 + altitude_m, abs=1.0)


def test_a_circular_orbit_starts_where_it_was_told() -> None:
    # Anomaly 0 is the ascending node: over the equator, northbound, at RAAN in TEME.
    position, velocity = Propagator(circular(500e3, 60.0, 30.0, 0.0, EPOCH), EPOCH).teme(
        np.array([0.0])
    )
    # The short-period terms of J2 move the true node from the mean one by a twentieth of a degree.
    angle = np.degrees(np.arctan2(position[1], position[0]))[0]
    assert angle == pytest.approx(30.0, abs=0.08)
    assert abs(position[2, 0]) < 20e3
    assert velocity[2, 0] > 6_000.0


@pytest.mark.parametrize(
    ("altitude_m", "inclination_deg", "said"),
    [
        (120e3, 50.0, "altitude 120 km; allowed is 160 to 50000 km"),
        (500.0, 50.0, "altitude 0.5 km"),
        (float("nan"), 50.0, "altitude nan km"),
        (500e3, 181.0, "inclination 181 deg; allowed is 0 to 180 deg"),
        (500e3, -1.0, "inclination -1 deg"),
    ],
)
def test_what_is_no_orbit_is_refused(altitude_m: float, inclination_deg: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        circular(altitude_m, inclination_deg, 0.0, 0.0, EPOCH)


def test_angles_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="raan inf"):
        circular(500e3, 50.0, float("inf"), 0.0, EPOCH)


@pytest.mark.parametrize(
    ("altitude_m", "inclination_deg"),
    # Published: Landsat 8 flies at 705 km and 98.2, Sentinel-2 at 786 km and 98.62 degrees.
    [(705e3, 98.2), (786e3, 98.55)],
)
def test_sun_synchronous_inclinations_are_those_flown(
    altitude_m: float, inclination_deg: float
) -> None:
    assert sun_synchronous_inclination_deg(altitude_m) == pytest.approx(inclination_deg, abs=0.08)


@pytest.mark.parametrize("node", ["ascending", "descending"])
@pytest.mark.parametrize(("altitude_m", "hour"), [(300e3, 6.0), (500e3, 10.5), (900e3, 22.25)])
def test_the_node_keeps_its_local_time_for_a_week(
    node: str, altitude_m: float, hour: float
) -> None:
    elements = sun_synchronous(altitude_m, hour, node, 75.0, EPOCH)  # type: ignore[arg-type]
    propagator = Propagator(elements, EPOCH)
    time_s = np.arange(0.0, 7 * 86_400.0, 10.0)
    latitude, longitude, _ = propagator.subpoint(time_s)
    northbound = (latitude[:-1] < 0.0) & (latitude[1:] >= 0.0)
    southbound = (latitude[:-1] > 0.0) & (latitude[1:] <= 0.0)
    at = np.flatnonzero(northbound if node == "ascending" else southbound)
    assert len(at) > 90
    # Local mean solar time by its definition: UT plus four minutes a degree of east longitude.
    local = (12.0 + time_s[at] / 3_600.0 + longitude[at] / 15.0) % 24.0
    minutes = ((local - hour + 12.0) % 24.0 - 12.0) * 60.0
    assert np.abs(minutes).max() < 1.5


def test_no_inclination_is_sun_synchronous_when_too_high() -> None:
    with pytest.raises(InputError, match="too high for a Sun-synchronous orbit"):
        sun_synchronous(6_000e3, 10.5, "descending", 0.0, EPOCH)
    with pytest.raises(InputError, match="local time 25 h"):
        sun_synchronous(500e3, 25.0, "descending", 0.0, EPOCH)


def test_age_is_the_farthest_from_the_epoch() -> None:
    elements = circular(500e3, 50.0, 0.0, 0.0, EPOCH)
    assert age_days(elements, EPOCH - timedelta(days=3)) == 3.0
    assert age_days(elements, EPOCH + timedelta(days=3), 2 * 86_400.0) == 5.0
    assert age_days(elements, EPOCH - timedelta(days=3), 2 * 86_400.0) == 3.0


def test_elements_travel_between_processes() -> None:
    elements = from_tle([ONE, TWO])
    assert pickle.loads(pickle.dumps(elements)) == elements
