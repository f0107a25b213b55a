"""Check two-line element sets for errors that SGP4 does not detect, and read their epoch.

The format is that of Space-Track's "Basic Description of the Two Line Element Set Format". The
last column of a line is a check digit: the sum of the line's digits modulo 10, where each minus
counts as 1.
"""

from __future__ import annotations

from ..orbit.tle import MOST_REVOLUTIONS, misread, same_satellite
from ..orbit.tle import epoch as tle_epoch
from .refusal import fault, shown

__all__ = ["checksum", "tle_epoch", "tle_lines"]

_COLUMNS = 69


def checksum(line: str) -> int:
    """Return the check digit of a line of at least 68 columns."""
    return sum(int(c) if c.isdecimal() else c == "-" for c in line[:68]) % 10


def tle_lines(text: str) -> str:
    """Check an element set; return it without blank lines and without blanks around lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) not in (2, 3):
        found = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
        joined = len(lines) == 1 and len(text) > 1.5 * _COLUMNS  # which YAML does without `|`
        hint = " (write tle: |, which keeps the lines apart)" if joined else ""
        raise fault(f"found {found}; allowed: a TLE's two lines, or three with its name{hint}")
    for number, line in zip("12", lines[-2:], strict=True):
        if not line.startswith(number + " ") or not line.isascii():
            raise fault(f"found {shown(line)}; allowed: line {number} of a TLE")
        if len(line) != _COLUMNS:
            raise fault(f"found line {number} of {len(line)} columns; allowed: {_COLUMNS} columns")
        if line[68] != str(checksum(line)):
            raise fault(
                f"found check digit {line[68]} on line {number}, where its digits add up to "
                f"{checksum(line)}; a character was lost or changed"
            )
    if not same_satellite(lines[-2], lines[-1]):
        raise fault(
            f"found satellite {lines[-2][2:7]} on line 1 and {lines[-1][2:7]} on line 2; "
            "allowed: two lines of one satellite"
        )
    for where, what, allowed in misread(lines[-2], lines[-1]):
        raise fault(f"found {what} on line {where}; allowed: {allowed}")
    if float(lines[-1][52:63]) > MOST_REVOLUTIONS:
        raise fault(
            f"found mean motion {float(lines[-1][52:63]):g} on line 2; allowed: up to "
            f"{MOST_REVOLUTIONS:g} revolutions a day"
        )
    from sgp4.api import Satrec

    try:
        tle_epoch(lines[-2])
        satellite = Satrec.twoline2rv(lines[-2], lines[-1])
        # If SGP4 fails even at the epoch, the elements describe no orbit.
        failure = satellite.sgp4(satellite.jdsatepoch, satellite.jdsatepochF)[0]
    except (ValueError, OverflowError):
        failure = -1
    if failure:
        raise fault("found elements that are no orbit; allowed: a TLE that SGP4 can propagate")
    return "\n".join(lines)
