"""Contact plans for ION, the Interplanetary Overlay Network: commands that `ionadmin` reads.

    @ 2024/12/02-00:00:00
    a contact +3600 +4200 1 101 18750000
    a range +3600 +4200 1 101 1

A contact has whole seconds from the moment of the `@` line, the sender's and the receiver's node
number, and the rate in bytes a second. Contacts are rounded inwards to whole seconds, so that none
begins before the link is there. A range is the one-way light time in whole seconds, rounded up. ION
knows nodes by number; comment lines `# node 101 svalbard` say what they are, and are needed to read
a plan.

Source: ION's manual page ionrc(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from ...link.errors import InputError
from ...link.text import printable
from .contact import PlannedContact, bounded, checked

FIRST_STATION: Final = 1001
"""Node number of the first station, unless there are satellites of that number."""
_RANGE_S: Final = 1
_NODE: Final = re.compile(r"#\s*node\s+(\d{1,20})\s+(\S{1,64})\s*", re.A)
_RELATIVE: Final = re.compile(r"\+(\d{1,10})", re.A)
_MOMENT: Final = "%Y/%m/%d-%H:%M:%S"
# Commands that are about a node itself, not about contacts.
_OTHER_COMMANDS: Final = frozenset("1?ehilmqsvwx")


def write_ion(
    contacts: Iterable[PlannedContact],
    start: datetime,
    satellites: Sequence[str],
    stations: Sequence[str],
) -> str:
    """Return a plan as commands of ionadmin.

    Args:
        contacts: The contacts; one without a whole second is left out.
        start: The moment from which times count.
        satellites: Names of the satellites; they are nodes 1, 2, ….
        stations: Names of the stations; they are nodes 1001, 1002, …, or 10001, 10002, … with
            more than 1000 satellites, and so on.
    """
    start = start.astimezone(UTC).replace(microsecond=0)
    nodes = {name: number for number, name in enumerate(satellites, 1)}
    first = FIRST_STATION
    while first <= len(nodes):
        first = 10 * (first - 1) + 1
    receivers = {name: number for number, name in enumerate(stations, first)}
    lines = ["# Contact plan by downpass: times are UTC, rates are bytes per second."]
    for names in (nodes, receivers):
        lines += [f"# node {number} {name}" for name, number in names.items()]
    lines.append(f"@ {start:{_MOMENT}}")
    second = timedelta(seconds=1)
    for one in contacts:
        begin = -((start - one.start) // second)
        end = (one.end - start) // second
        if end <= begin:
            continue
        nodes_text = f"{nodes[one.satellite]} {receivers[one.station]}"
        rate = (one.bits_per_second or 0) // 8
        lines.append(f"a contact +{begin} +{end} {nodes_text} {rate}")
        lines.append(f"a range +{begin} +{end} {nodes_text} {_RANGE_S}")
    return "\n".join(lines) + "\n"


def read_ion(text: str, file: str) -> list[PlannedContact]:
    """Read a plan; the sender of a contact is taken as satellite, the receiver as station.

    Contacts of nodes without a name are left out.

    Args:
        text: The content of the file.
        file: Its name, for messages.

    Raises:
        InputError: A line is no command of ionadmin, or a value is wrong.
    """
    names: dict[str, str] = {}
    reference: datetime | None = None
    found: list[tuple[str, str, datetime, datetime, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{file}:{number}"
        node = _NODE.fullmatch(line.strip())
        if node is not None:
            first = names.setdefault(node[1].lstrip("0"), node[2])
            if first != node[2]:
                raise InputError(
                    f"{place}: found node {node[1]} called {printable(node[2])}, which is "
                    f"{printable(first)} above; allowed: one name for a node"
                )
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "@":
            reference = _moment(words[1] if len(words) > 1 else "", None, place)
        elif words[:2] == ["a", "contact"]:
            if not 7 <= len(words) <= 9:
                raise InputError(
                    f"{place}: found {len(words)} words; allowed: a contact START END FROM TO RATE"
                )
            begin, end = (_moment(word, reference, place) for word in words[2:4])
            sender, receiver = (word.lstrip("0") for word in words[4:6])
            found.append((sender, receiver, begin, end, place))
        elif words[:2] != ["a", "range"] and words[0] not in _OTHER_COMMANDS:
            raise InputError(
                f"{place}: found {printable(line.strip(), 60)}; allowed: commands of ionadmin"
            )
    contacts: list[PlannedContact] = []
    for sender, receiver, begin, end, place in found:
        if sender in names and receiver in names:
            contacts.append(checked(names[sender], names[receiver], begin, end, place))
            bounded(contacts, place)
    if found and not contacts:
        raise InputError(
            f"{file}: found {len(found)} contacts of nodes without names; allowed: comment lines "
            "such as # node 1 NAME"
        )
    return contacts


def _moment(word: str, reference: datetime | None, place: str) -> datetime:
    """Return a moment: seconds after the reference, or a date."""
    relative = _RELATIVE.fullmatch(word)
    try:
        if relative is not None and reference is not None:
            return reference + timedelta(seconds=int(relative[1]))
        if relative is None:
            when = datetime.strptime(word, _MOMENT).replace(tzinfo=UTC)
            if 1957 <= when.year <= 2066:
                return when
    except (ValueError, OverflowError):
        pass
    seen = printable(word, 60) or "nothing"
    hint = ", with no @ line before it" if relative is not None and reference is None else ""
    raise InputError(
        f"{place}: found {seen}{hint}; allowed: 2024/12/02-05:00:00, or +SECONDS after an @ line"
    )
