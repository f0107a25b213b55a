"""When a satellite is in the Earth's shadow."""

from __future__ import annotations

import numpy as np

from .conditions import InShadow
from .ephemeris import Ephemeris
from .search import find
from .sun import Sun
from .windows import Window


def eclipses(ephemeris: Ephemeris, sun: Sun) -> list[Window]:
    """The windows in which the Earth hides the Sun's centre, in order of time, to the millisecond.

    See `conditions.InShadow` for the shadow meant.
    """
    grid = np.arange(len(ephemeris.time_s))
    windows, _ = find(InShadow(sun), ephemeris, np.zeros_like(grid), grid)
    windows = windows.rounded(ephemeris.end_s)
    return [
        Window(start, end)
        for start, end in zip(windows.start_s.tolist(), windows.end_s.tolist(), strict=True)
    ]
