"""Epochs of messages, and the time systems that they are in.

An epoch becomes whole nanoseconds of terrestrial time (TT) since 2000-01-01T12:00:00 TT, so that
sums are exact. TAI = TT - 32.184 s and GPS = TAI - 19 s by definition; UTC follows the leap seconds
of `earth_time.py`.

Source of the formats: CCSDS 502.0-B-3, section 7.5.10: calendar dates and days of the year.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from ..clock import julian_date
from ..earth_time import tt_minus_utc

SYSTEMS: Final = ("UTC", "TAI", "GPS", "TT")
NANOSECONDS: Final = 1_000_000_000

_TT_MINUS: Final = {"TT": 0, "TAI": 32_184_000_000, "GPS": 51_184_000_000}
_EPOCH: Final = re.compile(
    r"(\d{4})-(?:(\d\d)-(\d\d)|(\d{3}))T(\d\d):(\d\d):(\d\d)(?:\.(\d{0,18}))?Z?", re.A
)
_J2000: Final = datetime(2000, 1, 1, 12)


def tt_nanoseconds(text: str, system: str) -> int:
    """Return an epoch as nanoseconds of TT since J2000.

    Args:
        text: `2024-12-02T03:28:11.355` or `2024-337T03:28:11.355`, with or without a Z.
        system: One of `SYSTEMS`.

    Raises:
        ValueError: The text is no epoch of the years 1957 to 2066; the message says why.
    """
    midnight, seconds, nanoseconds = _parts(text, system)
    since = midnight - _J2000
    count = (since.days * 86_400 + since.seconds + seconds) * NANOSECONDS + nanoseconds
    if system == "UTC":
        return count + _utc_offset(midnight)
    return count + _TT_MINUS[system]


def utc_datetime(text: str) -> datetime:
    """Return an epoch in UTC, to the microsecond.

    Raises:
        ValueError: As for `tt_nanoseconds`, or the epoch is within a leap second.
    """
    midnight, seconds, nanoseconds = _parts(text, "UTC")
    if seconds == 86_400:
        raise ValueError("a leap second")
    return midnight.replace(tzinfo=UTC) + timedelta(
        seconds=seconds, microseconds=round(nanoseconds / 1000)
    )


def tt_of(moment: datetime) -> int:
    """Return a moment in UTC as nanoseconds of TT since J2000."""
    midnight = moment.astimezone(UTC).replace(
        tzinfo=None, hour=0, minute=0, second=0, microsecond=0
    )
    since = moment.astimezone(UTC).replace(tzinfo=None) - _J2000
    whole = since // timedelta(microseconds=1)
    return whole * 1000 + _utc_offset(midnight)


def utc_text(tt: int) -> str:
    """Return nanoseconds of TT since J2000 as a moment in UTC, to the second, for messages."""
    moment = _J2000 + timedelta(microseconds=(tt - _TT_MINUS["GPS"]) // 1000)
    for _ in range(2):  # the second time from the right side of a leap second
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        moment = _J2000 + timedelta(microseconds=(tt - _utc_offset(midnight)) // 1000)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _parts(text: str, system: str) -> tuple[datetime, int, int]:
    """Return the midnight before an epoch, whole seconds since then, and nanoseconds."""
    match = _EPOCH.fullmatch(text)
    if match is None:
        raise ValueError("no epoch such as 2024-12-02T03:28:11.355")
    year, month, day, day_of_year, hour, minute, second, fraction = match.groups()
    try:
        if day_of_year is None:
            midnight = datetime(int(year), int(month), int(day))
        else:
            midnight = datetime(int(year), 1, 1) + timedelta(days=int(day_of_year) - 1)
    except (ValueError, OverflowError):
        raise ValueError("a day that does not exist") from None
    if not 1957 <= int(year) <= 2066 or midnight.year != int(year) or day_of_year == "000":
        raise ValueError("a day that does not exist, or not of the years 1957 to 2066")
    leap = hour == "23" and minute == "59" and second == "60" and system == "UTC"
    if leap:
        leap = _utc_offset(midnight + timedelta(days=1)) > _utc_offset(midnight)
    if int(hour) > 23 or int(minute) > 59 or (int(second) > 59 and not leap):
        raise ValueError("a time of day that does not exist")
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second)
    return midnight, seconds, int(((fraction or "") + "0" * 9)[:9])


def _utc_offset(midnight: datetime) -> int:
    """Return TT - UTC in nanoseconds on the day that begins at a midnight."""
    whole, _ = julian_date(midnight.replace(tzinfo=UTC))
    return round(tt_minus_utc(whole) * 1000) * 1_000_000
