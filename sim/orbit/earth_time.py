"""TT - UT1 and TT - UTC from a table: the offsets of Earth rotation and civil time.

The rotation of the Earth is measured, and its prediction is updated every week. A library's table
therefore changes from release to release, which shifts the times of all passes by a millisecond or
two. downpass has its own table (`earth_time.npz`), so the same scenario gives the same results with
any version of any library. `SOURCES.md` gives its source. The command

    python -m downpass.sim.orbit.earth_time sim/orbit/earth_time.npz

creates a newer table from the installed skyfield. Results change with the table, so a new table is
a change of downpass and gets a line in its changelog.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

# 1956-12-27 and 2067-01-03: the years in which a scenario may begin (1957 to 2056), plus ten.
FIRST_JD: Final = 2_435_834.5
LAST_JD: Final = 2_476_018.5
TABLE: Final = Path(__file__).with_name("earth_time.npz")

# TT - TAI by definition, and TAI - UTC before the first leap second (1972-07-01).
_TT_MINUS_TAI_S: Final = 32.184
_TAI_MINUS_UTC_S: Final = 10.0


@cache
def _tables() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return daily TT - UT1 in seconds from `FIRST_JD`, and the leap seconds' Julian dates."""
    with np.load(TABLE) as file:
        # Daily changes are stored in 16 bits, in which their sum would overflow.
        microseconds = np.cumsum(file["delta_t_change_us"].astype(np.int64)) + file["delta_t_us"]
        return microseconds / 1e6, file["leap_second_jd"]


def tt_minus_ut1(jd: float, days: int) -> NDArray[np.float64]:
    """Return TT - UT1 in seconds at 0 h TT of `days` consecutive days, starting at `jd`.

    Before and after the table, its first and last values are used.
    """
    table, _ = _tables()
    rows = round(jd - FIRST_JD) + np.arange(days)
    return np.asarray(table[np.clip(rows, 0, table.size - 1)])


def tt_minus_utc(jd: float) -> float:
    """Return TT - UTC in seconds at a Julian date UTC. Before July 1972 it is held at 42.184 s."""
    _, leap_seconds = _tables()
    return _TT_MINUS_TAI_S + _TAI_MINUS_UTC_S + int(np.searchsorted(leap_seconds, jd, side="right"))


def write_table(path: Path) -> None:
    """Write a new table, from the installed skyfield."""
    from skyfield.api import load

    scale = load.timescale(builtin=True)
    seconds = scale.delta_t_function(np.arange(FIRST_JD, LAST_JD + 1.0))
    microseconds = np.round(seconds * 1e6).astype(np.int64)
    change = np.diff(microseconds, prepend=microseconds[:1])
    if np.abs(change).max() > np.iinfo(np.int16).max:
        raise ValueError("TT - UT1 changes by more than 32 ms in a day: this is not the Earth")
    np.savez_compressed(
        path,
        delta_t_us=microseconds[0],
        delta_t_change_us=change.astype(np.int16),
        leap_second_jd=np.asarray(scale.leap_dates, dtype=np.float64),
    )


if __name__ == "__main__":
    write_table(Path(sys.argv[1]))
