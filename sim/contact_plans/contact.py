"""One line of a contact plan."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ...link.errors import InputError
from ...link.text import printable

MOST_CONTACTS: Final = 200_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.A)
_EXAMPLE: Final = "2024-12-02T05:00:00Z"


@dataclass(frozen=True, slots=True)
class PlannedContact:
    """A time in which a satellite may send to a station.

    Attributes:
        satellite: Name of the satellite.
        station: Name of the station.
        start: When it begins, UTC.
        end: When it ends, UTC; after `start`.
        bytes: Bytes that the link carries in this time; None if the plan does not say.
        max_elevation_deg: Largest elevation of the pass in degrees; None if the plan does not say.
    """

    satellite: str
    station: str
    start: datetime
    end: datetime
    bytes: int | None = None
    max_elevation_deg: float | None = None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return (self.end - self.start).total_seconds()

    @property
    def bits_per_second(self) -> int | None:
        """Mean information rate; None if the plan does not say."""
        if self.bytes is None:
            return None
        microseconds = (self.end - self.start) // timedelta(microseconds=1)
        return (self.bytes * 16_000_000 + microseconds) // (2 * microseconds)  # to the nearest


def moment_text(moment: datetime) -> str:
    """Return a moment as `2024-12-02T05:00:00.250Z`: to the millisecond, or finer if it is."""
    spec = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def moment(text: object, place: str) -> datetime:
    """Return a moment of a plan in UTC.

    Args:
        text: ISO 8601 with a time zone.
        place: File and line, for the message.

    Raises:
        InputError: It is no such text.
    """
    allowed = f"allowed: a UTC moment such as {_EXAMPLE}"
    found = printable(str(text), 60)
    try:
        if not isinstance(text, str) or len(text) > 40:
            raise ValueError
        when = datetime.fromisoformat(text)
        if when.tzinfo is None:
            raise InputError(f"{place}: found {found}, which has no zone; {allowed}")
        when = when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(f"{place}: found {found or 'nothing'}; {allowed}") from None
    if not 1957 <= when.year <= 2066:
        raise InputError(f"{place}: found {found}; allowed: years 1957 to 2066")
    return when


def checked(
    satellite: object, station: object, start: datetime, end: datetime, place: str
) -> PlannedContact:
    """Return a contact of a plan.

    Raises:
        InputError: A name is none, or the contact ends before it begins.
    """
    names = []
    for what, name in (("satellite", satellite), ("station", station)):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InputError(
                f"{place}: found {what} {printable(str(name), 60) or 'without a name'}; allowed: "
                "letters, digits, dot, dash and underscore, a letter or digit first, 64 at most"
            )
        names.append(name)
    if end <= start:
        raise InputError(
            f"{place}: found {moment_text(start)} to {moment_text(end)}; allowed: start before end"
        )
    return PlannedContact(names[0], names[1], start, end)


def bounded(contacts: list[PlannedContact], place: str) -> list[PlannedContact]:
    """Return the contacts of a plan so far.

    Raises:
        InputError: They are too many.
    """
    if len(contacts) > MOST_CONTACTS:
        raise InputError(
            f"{place}: found more than {MOST_CONTACTS} contacts; allowed: at most that"
        )
    return contacts
