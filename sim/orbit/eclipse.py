"""Eclipses: the windows in which a satellite is in the Earth's shadow."""

from __future__ import annotations

import numpy as np

from .conditions import InShadow
from .ephemeris import Ephemeris
from .search import find
from .sun import Sun
from .windows import Window


def eclipses(ephemeris: Ephemeris, sun: Sun) -> list[Window]:
    """Return the windows in which the Earth hides the Sun's centre, in order of time.

    Times are rounded to the millisecond. `conditions.InShadow` defines the shadow.
    """
    grid = np.arange(len(ephemeris.time_s))
    windows, _ = find(InShadow(sun), ephemeris, np.zeros_like(grid), grid)
    windows = windows.rounded(ephemeris.end_s)
    return [
        Window(start, end)
        for start, end in zip(windows.start_s.tolist(), windows.end_s.tolist(), strict=True)
    ]
