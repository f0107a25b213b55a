"""Contact plans as JSON: a list of contacts, alone or under `contacts`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...link.boundedjson import parse_json
from ...link.errors import InputError
from .contact import PlannedContact, bounded, checked, moment, moment_text


def json_rows(contacts: Iterable[PlannedContact]) -> list[dict[str, Any]]:
    """Return a plan as a list of objects."""
    return [
        {
            "satellite": one.satellite,
            "station": one.station,
            "start": moment_text(one.start),
            "end": moment_text(one.end),
            "duration_s": round(one.duration_s, 3),
            "max_elevation_deg": None
            if one.max_elevation_deg is None
            else round(one.max_elevation_deg, 2),
            "bits_per_second": one.bits_per_second,
            "bytes": one.bytes,
        }
        for one in contacts
    ]


def read_json(text: str, file: str) -> list[PlannedContact]:
    """Read a plan. Keys other than satellite, station, start and end are left out.

    Args:
        text: The content of the file.
        file: Its name, for messages.

    Raises:
        InputError: The text is no JSON of this form, or a value is wrong.
    """
    found = parse_json(text, file)
    rows = found.get("contacts") if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise InputError(f"{file}: found no list of contacts; allowed: a list, or one as contacts")
    contacts: list[PlannedContact] = []
    for number, row in enumerate(rows):
        place = f"{file}: contacts.{number}"
        if not isinstance(row, dict):
            raise InputError(f"{place}: found no object; allowed: satellite, station, start, end")
        start, end = (moment(row.get(key), place) for key in ("start", "end"))
        contacts.append(checked(row.get("satellite"), row.get("station"), start, end, place))
        bounded(contacts, place)
    return contacts
