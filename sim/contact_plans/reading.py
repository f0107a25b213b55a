"""Read a contact plan of any form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...link.errors import InputError
from ...link.text import printable
from ...link.textfile import read_text
from .contact import PlannedContact
from .csv_form import read_csv
from .ion_form import read_ion
from .json_form import read_json

LARGEST_FILE: Final = 32_000_000

_READERS: Final[dict[str, Callable[[str, str], list[PlannedContact]]]] = {
    ".csv": read_csv,
    ".json": read_json,
    ".ion": read_ion,
    ".ionrc": read_ion,
    ".rc": read_ion,
}


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A contact plan that was read, with an index by station and satellite.

    Attributes:
        contacts: All contacts in the order of the file.
    """

    contacts: tuple[PlannedContact, ...]
    _index: dict[str, dict[str, list[PlannedContact]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        index: dict[str, dict[str, list[PlannedContact]]] = {}
        for one in self.contacts:
            index.setdefault(one.station, {}).setdefault(one.satellite, []).append(one)
        object.__setattr__(self, "_index", index)

    @property
    def stations(self) -> Collection[str]:
        """Names of the stations that have a contact."""
        return self._index.keys()

    def between(self, satellite: str, station: str) -> Sequence[PlannedContact]:
        """Return the contacts of a satellite with a station."""
        return self._index.get(station, {}).get(satellite, ())


def read_plan(path: Path) -> PlanFile:
    """Read a contact plan; the end of its name says the form.

    Raises:
        InputError: The form is not known, or the file has a fault.
    """
    reader = _READERS.get(path.suffix.lower())
    name = printable(path.name)
    if reader is None:
        raise InputError(f"{name}: found no contact plan; allowed: {', '.join(_READERS)}")
    return PlanFile(tuple(reader(read_text(path, LARGEST_FILE), name)))
