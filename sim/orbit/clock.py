"""Converts seconds of a run to terrestrial time, UT1 and the Earth's rotation angle."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError
from .earth_time import tt_minus_ut1, tt_minus_utc

_DAY_S = 86_400.0
_J2000 = 2_451_545.0


def utc(moment: datetime) -> datetime:
    """Convert a time to UTC.

    Raises:
        InputError: The time has no time zone.
    """
    if moment.tzinfo is None:
        raise InputError(f"time {moment.isoformat()} has no time zone; write it in UTC, with a Z")
    return moment.astimezone(UTC)


def julian_date(moment: datetime) -> tuple[float, float]:
    """Return a time as a Julian date UTC in two parts: midnight, and the fraction of the day."""
    moment = utc(moment)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.toordinal() + 1_721_424.5, (moment - midnight).total_seconds() / _DAY_S


def gmst(ut1_whole: float, ut1_fraction: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return Greenwich mean sidereal time (1982) in radians.

    It is the angle that rotates TEME to Earth-fixed axes. Source: AIAA 2006-6753 ("Revisiting
    Spacetrack Report #3"), appendix C.

    Args:
        ut1_whole: Julian date UT1, the part that ends in .5 or .0.
        ut1_fraction: Days to add to it.
    """
    fraction = np.asarray(ut1_fraction, dtype=np.float64)
    t = (ut1_whole - _J2000 + fraction) / 36_525.0
    seconds = 67_310.54841 + (8_640_184.812866 + (0.093104 - 6.2e-6 * t) * t) * t
    turns = (ut1_whole % 1.0 + fraction + seconds / _DAY_S % 1.0) % 1.0
    return np.asarray(turns * 2.0 * np.pi)


@dataclass(frozen=True, slots=True)
class Clock:
    """Converts the seconds of a run to other time scales.

    The seconds of a run are SI seconds from `start`. If a leap second falls inside a run, civil
    UTC shifts by one second against them. UT1 comes from a table that is part of downpass
    (`earth_time.py`), so nothing is downloaded and results do not depend on a library's version.

    Attributes:
        start: Start of the run, UTC.
        jd_whole: Julian date of the midnight before the start.
        jd_fraction: Fraction of the day since that midnight.
    """

    start: datetime
    jd_whole: float = field(init=False)
    jd_fraction: float = field(init=False)
    _tt_minus_utc_s: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", utc(self.start))
        whole, fraction = julian_date(self.start)
        object.__setattr__(self, "jd_whole", whole)
        object.__setattr__(self, "jd_fraction", fraction)
        object.__setattr__(self, "_tt_minus_utc_s", round(tt_minus_utc(whole), 3))

    def utc_fraction(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return days since `jd_whole` in UTC, the second time argument of SGP4."""
        return self.jd_fraction + time_s / _DAY_S

    def tt_fraction(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return days since `jd_whole` in terrestrial time."""
        return self.jd_fraction + (time_s + self._tt_minus_utc_s) / _DAY_S

    def ut1_fraction(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return days since `jd_whole` in UT1."""
        tt = self.tt_fraction(time_s)
        days = np.arange(-2.0, np.floor(tt.max(initial=0.0)) + 3.0)
        delta_t = tt_minus_ut1(self.jd_whole + days[0], days.size)
        return np.asarray(tt - np.interp(tt, days, delta_t) / _DAY_S)

    def gmst(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Greenwich mean sidereal time in radians at seconds of the run."""
        return gmst(self.jd_whole, self.ut1_fraction(time_s))
