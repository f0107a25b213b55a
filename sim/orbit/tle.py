"""Checks the fields of a two-line element set, column by column.

The format is Space-Track's "Basic Description of the Two Line Element Set (TLE) Format", with its
"Alpha-5" for catalogue numbers above 99999. SGP4's own reader accepts whatever is in the columns,
so a shifted character silently gives another orbit. This module reports the invalid field instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MOST_REVOLUTIONS = 17.0
"""Revolutions per day beyond which no orbit stays above the ground."""

_SHARE = r"[ +-][ \d]{5}[ +-]\d"  # a decimal point before the digits, a power of ten after them


@dataclass(frozen=True, slots=True)
class _Field:
    """A field: its line, name, columns counted from 0, pattern, and what is allowed."""

    line: int
    name: str
    start: int
    end: int
    pattern: str
    meaning: str
    least: float | None = None
    most: float | None = None


_FIELDS = (
    _Field(
        1, "catalogue number", 2, 7, r" *\d+|[A-HJ-NP-Z]\d{4}", "a number, or a letter and four"
    ),
    _Field(1, "classification", 7, 8, r"[UCS ]", "U, C or S"),
    _Field(1, "epoch year", 18, 20, r"[ \d]\d", "a number of two digits"),
    _Field(1, "epoch day", 20, 32, r" *\d+\.\d+", "a number from 1 to 366", 1, 366.99999999),
    _Field(1, "first derivative of mean motion", 33, 43, r"[ +-]?0?\.\d{8}", "a number below 1"),
    _Field(1, "second derivative of mean motion", 44, 52, _SHARE, "a number such as -11606-4"),
    _Field(1, "drag", 53, 61, _SHARE, "a number such as -11606-4"),
    _Field(1, "ephemeris type", 62, 63, r"[0 23]", "0, for elements of SGP4"),
    _Field(1, "element set number", 64, 68, r" *\d*", "a number"),
    _Field(
        2, "catalogue number", 2, 7, r" *\d+|[A-HJ-NP-Z]\d{4}", "a number, or a letter and four"
    ),
    _Field(2, "inclination", 8, 16, r" *\d+\.\d+", "a number of degrees from 0 to 180", 0, 180),
    _Field(2, "node", 17, 25, r" *\d+\.\d+", "a number of degrees from 0 to 360", 0, 360),
    _Field(2, "eccentricity", 26, 33, r"[ \d]{6}\d", "a number of seven digits"),
    _Field(2, "argument of perigee", 34, 42, r" *\d+\.\d+", "a number from 0 to 360", 0, 360),
    _Field(2, "mean anomaly", 43, 51, r" *\d+\.\d+", "a number from 0 to 360", 0, 360),
    _Field(2, "mean motion", 52, 63, r" *\d+\.\d+", "a number of revolutions a day"),
    _Field(2, "revolution number", 63, 68, r" *\d*", "a number"),
)
# Columns between the fields, counted from 0. Text there means that a field has shifted.
_BLANKS = {1: (1, 8, 17, 32, 43, 52, 61, 63), 2: (1, 7, 16, 25, 33, 42, 51)}
_TYPES = {"1": "SGP", "4": "SGP4-XP", "5": "SDP8"}


def misread(first: str, second: str) -> Iterator[tuple[int, str, str]]:
    """Find the invalid fields of two lines of 69 columns each.

    Args:
        first: Line 1.
        second: Line 2.

    Returns:
        For each fault, the line number, what was found there, and what is allowed.
    """
    lines = {1: first, 2: second}
    for field in _FIELDS:
        text = lines[field.line][field.start : field.end]
        fits = re.fullmatch(field.pattern, text) is not None
        if fits and field.least is not None and field.most is not None:
            fits = field.least <= float(text) <= field.most
        if not fits:
            model = _TYPES.get(text) if field.name == "ephemeris type" else None
            found = f"{field.name} {text!r}" + (f" ({model})" if model else "")
            yield field.line, found, field.meaning
    for line, columns in _BLANKS.items():
        for column in columns:
            if lines[line][column] != " ":
                found = f"{lines[line][column]!r} in column {column + 1}"
                yield line, found, "a blank between two fields"


def same_satellite(first: str, second: str) -> bool:
    """Return whether two lines have the same catalogue number, regardless of padding."""
    return first[2:7].strip().zfill(5) == second[2:7].strip().zfill(5)


def epoch(first: str) -> datetime:
    """Return the epoch of the elements, from line 1.

    Two-digit years from 57 on are in the 20th century.

    Raises:
        ValueError: The fields are not numbers.
    """
    year = int(first[18:20])
    start = datetime(year + (1900 if year >= 57 else 2000), 1, 1, tzinfo=UTC)
    return start + timedelta(days=float(first[20:32]) - 1)
