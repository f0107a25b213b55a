"""Orbit Mean-Elements Messages (OMM): SGP4's elements without the limits of a TLE.

A TLE has five characters for the catalogue number and two for the year, so it has no room for the
numbers of six digits that follow 99999. An OMM has. CelesTrak and Space-Track publish it as JSON,
XML and KVN, with the keywords of the standard in all three.

Source: CCSDS 502.0-B-3, section 4, tables 4-1 to 4-3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ....link.boundedjson import parse_json
from ....link.errors import InputError
from ....link.text import printable
from ....link.textfile import read_text
from ..elements import Elements
from ..tle import MOST_REVOLUTIONS
from . import kvn, times, xml
from .fields import Fields, Value, fault, shown

LARGEST_FILE: Final = 32_000_000
"""Bytes: CelesTrak's largest group, as XML, has about half as many."""
MOST_MESSAGES: Final = 50_000
_MOST_ELEMENTS: Final = 1_000_000
_THEORIES: Final = ("SGP4", "SGP/SGP4")
_SHOWN: Final = 3


class OmmFile:
    """The messages of a file, with an index by name and number.

    Args:
        file: Name of the file, for messages.
        messages: The messages, at least one.
    """

    def __init__(self, file: str, messages: Sequence[Fields]) -> None:
        self._file = file
        self._messages = messages
        self._index: dict[str, list[Fields]] = {}
        for message in messages:
            number = (message.optional("NORAD_CAT_ID") or "").lstrip("0")
            names = {message.optional("OBJECT_NAME"), message.optional("OBJECT_ID"), number}
            for name in names - {None, ""}:
                self._index.setdefault(str(name), []).append(message)

    def elements(self, wanted: str | None = None) -> Elements:
        """Return the mean elements of one satellite.

        Args:
            wanted: OBJECT_NAME, OBJECT_ID or NORAD_CAT_ID of the satellite; None if the file has
                only one.

        Raises:
            InputError: No message or several fit, or the elements are not those of SGP4 about the
                Earth, in TEME and UTC.
        """
        number = len(self._messages)
        if wanted is None:
            if number > 1:
                raise fault(
                    self._file,
                    f"found {number} messages ({_names(self._messages)}); allowed: one, or object: "
                    "with the name or number of one of them",
                )
            return elements_of(self._messages[0])
        key = wanted.lstrip("0") if wanted.isdecimal() else wanted
        chosen = self._index.get(key, [])
        if len(chosen) != 1:
            raise fault(
                self._file,
                f"found {len(chosen) or 'no'} messages of {shown(wanted)} among {number} "
                f"({_names(self._messages)}); allowed: exactly one",
            )
        return elements_of(chosen[0])


def read_omm(path: Path) -> OmmFile:
    """Read a file of messages.

    Args:
        path: The file: JSON, XML or KVN, told apart by its first character.

    Raises:
        InputError: The file cannot be read, or has no message.
    """
    messages = _messages(read_text(path, LARGEST_FILE), path.name)
    if not messages:
        raise fault(path.name, "found no message; allowed: an OMM in JSON, XML or KVN")
    return OmmFile(path.name, messages)


def elements_of(fields: Fields) -> Elements:
    """Return the mean elements of a message.

    The keywords that CelesTrak's JSON leaves out have the only values that are allowed.

    Raises:
        InputError: A value is missing, out of bounds or not allowed.
    """
    fields.one_of("CENTER_NAME", ("EARTH",), "EARTH")
    fields.one_of("REF_FRAME", ("TEME",), "TEME")
    fields.one_of("TIME_SYSTEM", ("UTC",), "UTC")
    fields.one_of("MEAN_ELEMENT_THEORY", _THEORIES, "SGP4")
    if fields.whole("EPHEMERIS_TYPE", 0, 9, 0) not in (0, 2):
        kind = fields.whole("EPHEMERIS_TYPE", 0, 9)
        raise fields.fault(
            f"found EPHEMERIS_TYPE {kind}{' (SGP4-XP)' * (kind == 4)}; allowed: 0, for elements of "
            "SGP4",
            fields.line_of("EPHEMERIS_TYPE"),
        )
    try:
        epoch = times.utc_datetime(fields.required("EPOCH"))
    except ValueError as error:
        raise fields.fault(
            f"found EPOCH {shown(fields.required('EPOCH'))}, {error}; allowed: a UTC epoch such as "
            "2024-12-02T03:28:11.355",
            fields.line_of("EPOCH"),
        ) from None
    revolutions = fields.number("MEAN_MOTION", 1e-3, MOST_REVOLUTIONS)
    elements = Elements(
        epoch=epoch,
        mean_motion=revolutions * 2.0 * math.pi / 1440.0,
        eccentricity=fields.number("ECCENTRICITY", 0.0, 0.999999),
        inclination_deg=fields.number("INCLINATION", 0.0, 180.0),
        raan_deg=fields.number("RA_OF_ASC_NODE", -360.0, 360.0),
        argument_of_perigee_deg=fields.number("ARG_OF_PERICENTER", -360.0, 360.0),
        mean_anomaly_deg=fields.number("MEAN_ANOMALY", -360.0, 360.0),
        bstar=fields.number("BSTAR", -100.0, 100.0, 0.0),
        name=printable(fields.optional("OBJECT_NAME") or ""),
    )
    try:
        record = elements.satrec()
        failure = record.sgp4(record.jdsatepoch, record.jdsatepochF)[0]
    except InputError:
        failure = -1
    if failure:
        # SGP4 fails even at the epoch.
        raise fields.fault(
            "found elements that are no orbit; allowed: those that SGP4 can propagate"
        )
    return elements


def _messages(text: str, file: str) -> list[Fields]:
    first = text.lstrip()[:1]
    if first in ("{", "["):
        return _from_json(text, file)
    if first == "<":
        return _from_xml(text, file)
    return _from_kvn(text, file)


def _from_json(text: str, file: str) -> list[Fields]:
    def once(pairs: list[tuple[str, Any]]) -> Fields:
        fields = Fields(file)
        for keyword, value in pairs:
            if isinstance(value, bool | list | Fields):
                raise fault(
                    file,
                    f"found {shown(keyword)} that is neither text nor a number; allowed: a list "
                    "of messages, each with keywords and values",
                )
            if value is not None:
                fields.add(keyword, Value(str(value).strip()))
        return fields

    found = parse_json(text, file, once, numbers_as_text=True)
    messages = found if isinstance(found, list) else [found]
    if not all(isinstance(message, Fields) for message in messages):
        raise fault(file, "found a list of something else than messages; allowed: a list of OMMs")
    _bound(len(messages), file)
    return messages


def _from_xml(text: str, file: str) -> list[Fields]:
    root = xml.parse(text, file, _MOST_ELEMENTS)
    if root.name not in ("ndm", "omm"):
        raise fault(file, f"found a document {shown(root.name)}; allowed: omm or ndm", root.line)
    messages = []
    for message in [root] if root.name == "omm" else root.all("omm"):
        for segment in message.inside("segment"):
            fields = Fields(file, line=segment.line)
            for name in ("metadata", "meanElements", "tleParameters"):
                for part in segment.inside(name):
                    part.add_to(fields)
            messages.append(fields)
    _bound(len(messages), file)
    return messages


def _from_kvn(text: str, file: str) -> list[Fields]:
    messages: list[Fields] = []
    for line in kvn.lines(text, file):
        if not line.keyword:
            allowed = "allowed: an OMM in JSON, XML or KVN"
            raise fault(file, f"found {shown(line.text)}; {allowed}", line.number)
        if line.keyword == "CCSDS_OMM_VERS":
            messages.append(Fields(file, line=line.number))
            _bound(len(messages), file)
        elif not messages:
            raise fault(
                file, f"found {line.keyword} first; allowed: CCSDS_OMM_VERS = 2.0", line.number
            )
        if not line.keyword.startswith("USER_DEFINED"):
            messages[-1].add(line.keyword, Value(line.text, line.number))
    return messages


def _bound(count: int, file: str) -> None:
    if count > MOST_MESSAGES:
        raise fault(file, f"found more than {MOST_MESSAGES} messages; allowed: at most that many")


def _names(messages: Sequence[Fields]) -> str:
    names = [
        shown(one.optional("OBJECT_NAME") or one.optional("NORAD_CAT_ID") or "without a name")
        for one in messages[:_SHOWN]
    ]
    return ", ".join(names) + (", …" if len(messages) > _SHOWN else "")
