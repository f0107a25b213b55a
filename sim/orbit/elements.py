"""Orbital elements, from a TLE or from an altitude and a few angles.

All orbits become mean elements of SGP4, so one propagator serves all. For an orbit given by its
altitude, the semi-major axis is SGP4's mean one (Brouwer's, with the short-period terms of J2
averaged out), and the altitude is the axis minus the equatorial radius, 6378.137 km. The height
over the ellipsoid at any moment differs from the altitude by up to 21 km, because the poles are
nearer the centre, and by about 10 km more because of J2. Such an orbit has no drag.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sgp4.api import SGP4_ERRORS, WGS72, Satrec
from sgp4.earth_gravity import wgs72

from ...link.errors import InputError
from .clock import gmst, julian_date, utc
from .earth import EQUATORIAL_RADIUS_M
from .tle import MOST_REVOLUTIONS, misread, same_satellite

LOWEST_ALTITUDE_M = 160e3
HIGHEST_ALTITUDE_M = 50_000e3

# SGP4's gravity constants (WGS 72), converted to metres: sgp4 gives them in kilometres.
_MU = wgs72.mu * 1e9
_RADIUS_M = wgs72.radiusearthkm * 1e3
_J2 = wgs72.j2
_TROPICAL_YEAR_S = 365.242190402 * 86_400.0
_SGP4_DAY_ZERO = datetime(1949, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Elements:
    """Mean elements of one orbit, for SGP4.

    Attributes:
        epoch: Epoch, UTC.
        mean_motion: Mean motion after Kozai, as in a TLE, rad/min.
        eccentricity: Eccentricity.
        inclination_deg: Inclination to the equator.
        raan_deg: Right ascension of the ascending node (TEME).
        argument_of_perigee_deg: Argument of perigee.
        mean_anomaly_deg: Mean anomaly.
        bstar: Drag term, per Earth radius.
        lines: The two lines of the TLE that the elements were read from, or None.
        name: The name in the line above the TLE, or "".
    """

    epoch: datetime
    mean_motion: float
    eccentricity: float
    inclination_deg: float
    raan_deg: float
    argument_of_perigee_deg: float
    mean_anomaly_deg: float
    bstar: float = 0.0
    lines: tuple[str, str] | None = None
    name: str = ""

    @property
    def period_s(self) -> float:
        """Orbital period in seconds."""
        return 2.0 * math.pi / self.mean_motion * 60.0

    def satrec(self) -> Satrec:
        """Create an SGP4 record of these elements.

        Raises:
            InputError: SGP4 rejects the elements.
        """
        if self.lines is not None:
            record = Satrec.twoline2rv(*self.lines)
        else:
            record = Satrec()
            whole, fraction = julian_date(self.epoch)
            day_zero, _ = julian_date(_SGP4_DAY_ZERO)
            record.sgp4init(
                WGS72,
                "i",
                0,
                whole - day_zero + fraction,
                self.bstar,
                0.0,
                0.0,
                self.eccentricity,
                math.radians(self.argument_of_perigee_deg),
                math.radians(self.inclination_deg),
                math.radians(self.mean_anomaly_deg),
                self.mean_motion,
                math.radians(self.raan_deg),
            )
            # A single number of days loses microseconds; two parts keep them.
            record.jdsatepoch, record.jdsatepochF = whole, fraction
        if record.error:
            raise InputError(f"orbit: {sgp4_complaint(record.error)}")
        return record


def sgp4_complaint(code: int) -> str:
    """Return the meaning of an SGP4 error code as a clause."""
    if code == 6:
        return "the orbit has decayed (SGP4 error 6)"
    return f"SGP4 cannot propagate it (error {code}: {SGP4_ERRORS.get(code, 'unknown')})"


def from_tle(text: str | list[str] | tuple[str, ...]) -> Elements:
    """Read a two-line element set, with or without a name line above it.

    Args:
        text: The lines, as one text or as a sequence.

    Raises:
        InputError: The number or length of the lines or a checksum is wrong, or the fields are
            not numbers or do not describe an orbit.
    """
    raw = text.splitlines() if isinstance(text, str) else list(text)
    lines = [line.rstrip() for line in raw if line.strip()]
    if len(lines) not in (2, 3):
        raise InputError(f"TLE has {len(lines)} lines; allowed is 2, or 3 with a name first")
    name = lines[0].strip().removeprefix("0 ") if len(lines) == 3 else ""
    first, second = (line.strip() for line in lines[-2:])
    for number, line in ((1, first), (2, second)):
        _check_line(number, line)
    if not same_satellite(first, second):
        raise InputError(
            f"TLE lines are of two satellites: {first[2:7].strip()} and {second[2:7].strip()}"
        )
    for number, found, allowed in misread(first, second):
        raise InputError(f"TLE line {number}: {found} is not {allowed}")
    revolutions = float(second[52:63])
    if not 0.0 < revolutions <= MOST_REVOLUTIONS:
        raise InputError(
            f"TLE mean motion {revolutions:g} revolutions a day; allowed is above 0 to "
            f"{MOST_REVOLUTIONS:g}"
        )
    second = second[:2] + first[2:7] + second[7:]  # the two lines may pad the number differently
    record = Satrec.twoline2rv(first, second)
    if record.error:
        raise InputError(f"TLE: {sgp4_complaint(record.error)}")
    return Elements(
        epoch=_datetime(record.jdsatepoch, record.jdsatepochF),
        mean_motion=record.no_kozai,
        eccentricity=record.ecco,
        inclination_deg=math.degrees(record.inclo),
        raan_deg=math.degrees(record.nodeo),
        argument_of_perigee_deg=math.degrees(record.argpo),
        mean_anomaly_deg=math.degrees(record.mo),
        bstar=record.bstar,
        lines=(first, second),
        name=name,
    )


def circular(
    altitude_m: float,
    inclination_deg: float,
    raan_deg: float,
    anomaly_deg: float,
    epoch: datetime,
) -> Elements:
    """Create the elements of a circular orbit.

    Args:
        altitude_m: Mean semi-major axis minus the equatorial radius (see the module's docstring).
        inclination_deg: Inclination, 0 to 180.
        raan_deg: Right ascension of the ascending node at the epoch.
        anomaly_deg: Angle from the ascending node along the orbit at the epoch.
        epoch: Epoch of the angles.

    Raises:
        InputError: The altitude or the inclination is out of range, or an angle is not finite.
    """
    _check_altitude(altitude_m)
    if not 0.0 <= inclination_deg <= 180.0:
        raise InputError(f"inclination {inclination_deg:g} deg; allowed is 0 to 180 deg")
    for what, angle in (("raan", raan_deg), ("anomaly", anomaly_deg)):
        if not math.isfinite(angle):
            raise InputError(f"{what} {angle:g} deg; allowed is any number of degrees")
    return Elements(
        epoch=utc(epoch),
        mean_motion=_kozai_mean_motion(EQUATORIAL_RADIUS_M + altitude_m, inclination_deg),
        eccentricity=0.0,
        inclination_deg=inclination_deg,
        raan_deg=raan_deg % 360.0,
        argument_of_perigee_deg=0.0,
        mean_anomaly_deg=anomaly_deg % 360.0,
    )


def sun_synchronous(
    altitude_m: float,
    local_time_h: float,
    node: Literal["ascending", "descending"],
    anomaly_deg: float,
    epoch: datetime,
) -> Elements:
    """Create the elements of a circular orbit whose node keeps a fixed local mean solar time.

    Args:
        altitude_m: As for `circular`.
        local_time_h: Local *mean* solar time at the node in hours, 0 to 24: the figure that
            missions publish as LTDN or LTAN. True solar time differs by up to 16 minutes.
        node: The node, ascending or descending, to which the local time applies.
        anomaly_deg: Angle from the *ascending* node along the orbit at the epoch.
        epoch: Epoch of the angles.

    Raises:
        InputError: No inclination is Sun-synchronous at this altitude, or the local time is
            outside 0 to 24 h.
    """
    if not 0.0 <= local_time_h <= 24.0:
        raise InputError(f"local time {local_time_h:g} h; allowed is 0 to 24 h")
    inclination_deg = sun_synchronous_inclination_deg(altitude_m)
    whole, fraction = julian_date(epoch)
    # The mean Sun is over the meridian where local mean solar time is 12 h. UTC serves as UT1 here,
    # because the second between them is only a quarter of a thousandth of a degree.
    mean_sun_deg = math.degrees(float(gmst(whole, fraction))) - (fraction * 24.0 - 12.0) * 15.0
    raan_deg = mean_sun_deg + (local_time_h - 12.0) * 15.0
    if node == "descending":
        raan_deg += 180.0
    return circular(altitude_m, inclination_deg, raan_deg, anomaly_deg, epoch)


def sun_synchronous_inclination_deg(altitude_m: float) -> float:
    """Return the inclination at which J2 rotates a circular orbit's node once a tropical year.

    Source: Vallado, Fundamentals of Astrodynamics and Applications, 4th ed. (2013), section 11.4.1.

    Args:
        altitude_m: As for `circular`.

    Raises:
        InputError: The altitude is out of range, or too high for any inclination.
    """
    _check_altitude(altitude_m)
    axis = EQUATORIAL_RADIUS_M + altitude_m
    wanted = 2.0 * math.pi / _TROPICAL_YEAR_S
    cosine = -2.0 * wanted * axis**3.5 / (3.0 * _J2 * _RADIUS_M**2 * math.sqrt(_MU))
    if cosine < -1.0:
        raise InputError(
            f"altitude {altitude_m / 1e3:g} km is too high for a Sun-synchronous orbit; "
            "allowed is 160 to 5970 km"
        )
    return math.degrees(math.acos(cosine))


def age_days(elements: Elements, start: datetime, duration_s: float = 0.0) -> float:
    """Return the largest time difference, in days, between a run and the epoch of its elements.

    The run may lie before or after the epoch. SGP4's error grows by about 1 to 3 km per day from
    a TLE's epoch, so a warning is due from about ten days on.

    Args:
        elements: The elements.
        start: Start of the run, with a time zone.
        duration_s: Length of the run in seconds.
    """
    from_start = (utc(start) - elements.epoch).total_seconds()
    return max(abs(from_start), abs(from_start + duration_s)) / 86_400.0


def _check_altitude(altitude_m: float) -> None:
    if not LOWEST_ALTITUDE_M <= altitude_m <= HIGHEST_ALTITUDE_M:
        raise InputError(
            f"altitude {altitude_m / 1e3:g} km; allowed is {LOWEST_ALTITUDE_M / 1e3:g} to "
            f"{HIGHEST_ALTITUDE_M / 1e3:g} km above the equator"
        )


def _check_line(number: int, line: str) -> None:
    if not line.startswith(f"{number} "):
        raise InputError(f"TLE line {number} starts with {line[:2]!r}; allowed is '{number} '")
    if len(line) != 69:
        raise InputError(f"TLE line {number} has {len(line)} characters; allowed is 69")
    if not line.isascii():
        raise InputError(f"TLE line {number} has characters that are not ASCII")
    total = sum(int(c) if c.isdigit() else c == "-" for c in line[:68]) % 10
    if line[68] != str(total):
        raise InputError(
            f"TLE line {number} ends in checksum {line[68]!r}, its characters add up to {total}"
        )


def _datetime(whole: float, fraction: float) -> datetime:
    day_zero, _ = julian_date(_SGP4_DAY_ZERO)
    return _SGP4_DAY_ZERO + timedelta(days=whole - day_zero) + timedelta(days=fraction)


def _kozai_mean_motion(axis_m: float, inclination_deg: float) -> float:
    """Return the mean motion (rad/min) from which SGP4 recovers a given semi-major axis.

    Fixed-point iteration inverts the un-Kozai step of SGP4's `initl` for a circular orbit.
    """
    radius = _RADIUS_M
    brouwer = math.sqrt(_MU / axis_m**3) * 60.0
    term = 0.75 * _J2 * (3.0 * math.cos(math.radians(inclination_deg)) ** 2 - 1.0)
    kozai = brouwer
    for _ in range(20):
        a = (math.sqrt(_MU / radius**3) * 60.0 / kozai) ** (2.0 / 3.0)
        d = term / a**2
        a *= 1.0 - d * d - d * (1.0 / 3.0 + 134.0 * d * d / 81.0)
        kozai = brouwer * (1.0 + term / a**2)
    return kozai
