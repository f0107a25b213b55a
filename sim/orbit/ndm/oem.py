"""Orbit Ephemeris Messages (OEM): states of one satellite over time.

Accelerations and covariances are skipped: positions and velocities say where the satellite is.

Source: CCSDS 502.0-B-3, section 5, tables 5-2 to 5-4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from ....link.errors import InputError
from ....link.text import printable
from ....link.textfile import read_text
from ..frames import Axes
from ..interpolation import HIGHEST_DEGREE, Interpolation, Method
from ..states import StateSegment, StateTable
from . import kvn, times, xml
from .fields import NUMBER, Fields, Value, fault, shown

LARGEST_FILE: Final = 64_000_000
MOST_STATES: Final = 500_000
MOST_SEGMENTS: Final = 10_000
_MOST_ELEMENTS: Final = 1_000_000

_AXES: Final = {"GCRF": Axes.GCRF, "ICRF": Axes.GCRF, "EME2000": Axes.EME2000, "TEME": Axes.TEME}
_ITRF: Final = re.compile(r"ITRF-?(\d{2}|\d{4})?")
_ROW: Final = re.compile(rf"(?:{NUMBER.pattern}\s+){{6}}(?:(?:{NUMBER.pattern}\s+){{3}})?", re.A)
_COMPONENTS: Final = ("X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT")
_DEFAULT: Final = Interpolation(Method.HERMITE, 7)
"""The interpolation if a segment names none: four states, in position and velocity."""

State = tuple[int, tuple[float, ...]]


@dataclass(slots=True)
class _Part:
    """A segment while it is read: metadata, and for each state TT and six numbers in km."""

    metadata: Fields
    states: list[State] = field(default_factory=list)
    system: str = ""


def read_oem(path: Path) -> StateTable:
    """Read an ephemeris.

    Args:
        path: The file: XML or KVN, told apart by its first character.

    Raises:
        InputError: The file cannot be read, is no OEM, or has frames, time systems or
            interpolations that are not on the list, or states that are no orbit.
    """
    file = path.name
    text = read_text(path, LARGEST_FILE)
    parts = _from_xml(text, file) if text.lstrip()[:1] == "<" else _from_kvn(text, file)
    if not parts:
        raise fault(file, "found no segment; allowed: an OEM in KVN or XML")
    identities = {
        (part.metadata.required("OBJECT_ID"), part.metadata.required("OBJECT_NAME"))
        for part in parts
    }
    if len(identities) > 1:
        names = ", ".join(sorted(shown(name) for _, name in identities)[:3])
        raise fault(file, f"found {len(identities)} satellites ({names}); allowed: one")
    segments = sorted((_segment(part) for part in parts), key=lambda one: one.start)
    return StateTable(printable(parts[0].metadata.required("OBJECT_NAME")), tuple(segments))


def _segment(part: _Part) -> StateSegment:
    metadata = part.metadata
    metadata.one_of("CENTER_NAME", ("EARTH",))
    if metadata.optional("REF_FRAME_EPOCH") is not None:
        raise metadata.fault(
            "found REF_FRAME_EPOCH; allowed: frames of date, without it",
            metadata.line_of("REF_FRAME_EPOCH"),
        )
    if not part.states:
        raise metadata.fault("found a segment without states; allowed: at least two")
    tt = np.array([when for when, _ in part.states], dtype=np.int64)
    states = np.array([numbers for _, numbers in part.states]).T * 1e3
    try:
        start, stop = (
            _edge(part, f"USEABLE_{edge}", _edge(part, edge, int(default)))
            for edge, default in (("START_TIME", tt[0]), ("STOP_TIME", tt[-1]))
        )
        start, stop = max(start, int(tt[0])), min(stop, int(tt[-1]))
        if start > stop:
            raise InputError("found a segment that ends before it begins; allowed: rising epochs")
        return StateSegment(
            _axes(metadata), _interpolation(metadata), tt, states[:3], states[3:], start, stop
        )
    except InputError as error:
        text = str(error)
        raise (error if text.startswith(metadata.file) else metadata.fault(text)) from None


def _edge(part: _Part, keyword: str, default: int) -> int:
    """Return an epoch of the metadata; the default if it is missing."""
    text = part.metadata.optional(keyword)
    if text is None:
        return default
    return _epoch(part, text, part.metadata.line_of(keyword), keyword)


def _epoch(part: _Part, text: str, line: int, what: str = "an epoch") -> int:
    try:
        return times.tt_nanoseconds(text, part.system)
    except ValueError as error:
        raise fault(
            part.metadata.file,
            f"found {what} {shown(text)}, {error}; allowed: an epoch such as "
            "2024-12-02T03:28:11.355",
            line,
        ) from None


def _axes(metadata: Fields) -> Axes:
    text = metadata.required("REF_FRAME").upper()
    if _ITRF.fullmatch(text):
        return Axes.ITRF
    if text not in _AXES:
        raise metadata.fault(
            f"found REF_FRAME {shown(text)}; allowed: ITRF of any year, {', '.join(_AXES)}",
            metadata.line_of("REF_FRAME"),
        )
    return _AXES[text]


def _interpolation(metadata: Fields) -> Interpolation:
    name = metadata.one_of("INTERPOLATION", ("HERMITE", "LAGRANGE", "LINEAR"), "")
    if not name:
        return _DEFAULT
    if name == "LINEAR":
        return Interpolation(Method.LAGRANGE, 1)
    degree = metadata.whole("INTERPOLATION_DEGREE", 1, HIGHEST_DEGREE)
    return Interpolation(Method(name), degree)


def _begun(metadata: Fields) -> _Part:
    return _Part(metadata, system=metadata.one_of("TIME_SYSTEM", times.SYSTEMS))


def _from_kvn(text: str, file: str) -> list[_Part]:
    lines = kvn.lines(text, file)
    first = next(lines, None)
    if first is None or first.keyword != "CCSDS_OEM_VERS":
        number = first.number if first else 0
        raise fault(file, "found no CCSDS_OEM_VERS; allowed: an OEM in KVN or XML", number)
    parts: list[_Part] = []
    count = 0
    for line in lines:
        if line.text == "META_START" and not line.keyword:
            parts.append(_begun(_metadata(lines, file, line.number)))
            if len(parts) > MOST_SEGMENTS:
                raise _too_many(file, "segments", MOST_SEGMENTS, line.number)
        elif line.text == "COVARIANCE_START" and not line.keyword:
            _skip(lines, "COVARIANCE_STOP")
        elif line.keyword:
            if parts or line.keyword not in _HEADER:
                allowed = "allowed: META_START, or states"
                raise fault(file, f"found {line.keyword}; {allowed}", line.number)
        elif not parts:
            raise fault(file, f"found {shown(line.text)}; allowed: META_START", line.number)
        else:
            count += 1
            if count > MOST_STATES:
                raise _too_many(file, "states", MOST_STATES, line.number)
            parts[-1].states.append(_row(parts[-1], line))
    return parts


_HEADER: Final = ("CREATION_DATE", "ORIGINATOR", "CLASSIFICATION", "MESSAGE_ID")


def _metadata(lines: Iterator[kvn.Line], file: str, begin: int) -> Fields:
    """Return the keywords up to META_STOP."""
    fields = Fields(file, line=begin)
    for line in lines:
        if line.keyword:
            fields.add(line.keyword, Value(line.text, line.number))
        elif line.text == "META_STOP":
            return fields
        else:
            raise fault(file, f"found {shown(line.text)}; allowed: META_STOP", line.number)
    raise fault(file, "found a META_START without META_STOP; allowed: both", begin)


def _skip(lines: Iterator[kvn.Line], last: str) -> None:
    for line in lines:
        if line.text == last:
            return


def _row(part: _Part, line: kvn.Line) -> State:
    epoch, _, numbers = line.text.partition(" ")
    if not _ROW.fullmatch(f"{numbers.strip()} "):
        raise fault(
            part.metadata.file,
            f"found {shown(line.text)}; allowed: an epoch, x y z in km and their rates in km/s",
            line.number,
        )
    values = tuple(float(number) for number in numbers.split()[:6])
    return _epoch(part, epoch, line.number), values


def _from_xml(text: str, file: str) -> list[_Part]:
    root = xml.parse(text, file, _MOST_ELEMENTS)
    messages = [root] if root.name == "oem" else root.all("oem") if root.name == "ndm" else []
    if len(messages) != 1:
        found = f"{len(messages)} messages" if root.name == "ndm" else f"a document {root.name}"
        raise fault(file, f"found {shown(found)}; allowed: one oem", root.line)
    parts = []
    for segment in messages[0].inside("segment"):
        metadata = Fields(file, line=segment.line)
        for element in segment.all("metadata"):
            element.add_to(metadata)
        part = _begun(metadata)
        for data in segment.all("data"):
            part.states += [_state(part, element) for element in data.all("stateVector")]
        parts.append(part)
    if len(parts) > MOST_SEGMENTS:
        raise _too_many(file, "segments", MOST_SEGMENTS, root.line)
    return parts


def _state(part: _Part, element: xml.Element) -> State:
    fields = Fields(part.metadata.file, line=element.line)
    element.add_to(fields)
    values = tuple(fields.number(keyword, -1e9, 1e9) for keyword in _COMPONENTS)
    return _epoch(part, fields.required("EPOCH"), element.line, "EPOCH"), values


def _too_many(file: str, what: str, most: int, line: int) -> InputError:
    return fault(file, f"found more than {most} {what}; allowed: at most {most}", line)
