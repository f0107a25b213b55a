"""Contact plans as CSV (RFC 4180): a row of names, then one row for each contact."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

from ...link.errors import InputError
from ...link.text import printable
from .contact import PlannedContact, bounded, checked, moment, moment_text

COLUMNS: Final = (
    *("satellite", "station", "start", "end"),
    *("duration_s", "max_elevation_deg", "bits_per_second", "bytes"),
)
_NEEDED: Final = COLUMNS[:4]
_MOST_COLUMNS: Final = 100


def write_csv(contacts: Iterable[PlannedContact]) -> str:
    """Return a plan as CSV."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in contacts:
        rows.writerow(
            (
                *(one.satellite, one.station, moment_text(one.start), moment_text(one.end)),
                f"{one.duration_s:.3f}",
                "" if one.max_elevation_deg is None else f"{one.max_elevation_deg:.2f}",
                *("" if value is None else value for value in (one.bits_per_second, one.bytes)),
            )
        )
    return text.getvalue()


def read_csv(text: str, file: str) -> list[PlannedContact]:
    """Read a plan. Columns other than satellite, station, start and end are left out.

    Args:
        text: The content of the file.
        file: Its name, for messages.

    Raises:
        InputError: A column is missing or twice, a row has another number of values, or a value
            is wrong.
    """
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    contacts: list[PlannedContact] = []
    try:
        names = [name.strip() for name in next(rows, [])]
        place = f"{file}:1"
        if len(names) > _MOST_COLUMNS:
            raise InputError(f"{place}: found {len(names)} columns; allowed: {_MOST_COLUMNS}")
        for name in _NEEDED:
            if names.count(name) != 1:
                found = printable(", ".join(names), 100) or "nothing"
                raise InputError(
                    f"{place}: found columns {found}; allowed: {', '.join(_NEEDED)}, each once"
                )
        at = [names.index(name) for name in _NEEDED]
        for row in rows:
            if not row:
                continue
            place = f"{file}:{rows.line_num}"
            if len(row) != len(names):
                raise InputError(f"{place}: found {len(row)} values; allowed: {len(names)}")
            satellite, station, start, end = (row[column].strip() for column in at)
            contacts.append(
                checked(satellite, station, moment(start, place), moment(end, place), place)
            )
            bounded(contacts, place)
    except csv.Error as error:
        raise InputError(
            f"{file}:{rows.line_num}: found no CSV ({error}); allowed: one contact a row"
        ) from None
    return contacts
