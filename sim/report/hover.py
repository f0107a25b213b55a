"""What a pointer over a picture shows: the time there, and the values or activities at that time.

The page's script reads this JSON. It only adds to the picture, which is complete without it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import wording as w
from .data import ReportData
from .style import NARROW, WIDE

_MOST_SPANS = 1500
_LONGEST_NAME = 40

Margins = tuple[float, float]


def curves(
    data: ReportData,
    wide: Margins,
    narrow: Margins,
    series: Sequence[tuple[str, NDArray[np.float64], NDArray[np.float64]]],
) -> str:
    """Return the JSON of step functions in bytes.

    Args:
        data: The run, for its times.
        wide: Left and right margin of the wide drawing's time axis, in CSS pixels.
        narrow: The same of the narrow one.
        series: (name, times in seconds, bytes from each time on).
    """
    listed = [
        {
            "name": w.short(name, _LONGEST_NAME),
            "time": [round(float(t)) for t in time],
            "bytes": [round(float(v)) for v in level],
        }
        for name, time, level in series
    ]
    return _written(data, wide, narrow, {"curves": listed})


def spans(
    data: ReportData,
    wide: Margins,
    narrow: Margins,
    rows: Sequence[tuple[str, Sequence[tuple[float, float]]]],
) -> str:
    """Return the JSON of activities; of the time alone if there are too many spans.

    Args:
        data: The run, for its times.
        wide: Left and right margin of the wide drawing's time axis, in CSS pixels.
        narrow: The same of the narrow one.
        rows: (name, spans in seconds).
    """
    number = sum(len(found) for _, found in rows)
    listed = [
        {
            "name": w.short(name, _LONGEST_NAME),
            "spans": [[round(start), round(end)] for start, end in found],
        }
        for name, found in (rows if number <= _MOST_SPANS else ())
    ]
    return _written(data, wide, narrow, {"rows": listed})


def _written(data: ReportData, wide: Margins, narrow: Margins, content: dict[str, object]) -> str:
    return json.dumps(
        {
            "start": round(data.start.timestamp()),
            "duration": data.duration_s,
            "wide": [wide[0] / WIDE, 1 - wide[1] / WIDE],
            "narrow": [narrow[0] / NARROW, 1 - narrow[1] / NARROW],
            **content,
        },
        separators=(",", ":"),
    )
