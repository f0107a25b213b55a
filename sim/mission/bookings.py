"""Which contacts are used: those within a station's bookings, and long enough.

```
contacts ─► cut to booked times ─► not shorter than the least pass ─► limit per day ─► plan
```
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from ...link.channel.downlink import Downlink
from ...link.clock import to_whole_milliseconds
from ..model.setup import Contact
from ..scenario.ground import StationSpec
from ..scenario.scenario import Scenario

NOT_BOOKED: Final = "not booked"
TOO_SHORT: Final = "contact too short"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ContactPlan:
    """The contacts that a run may use.

    Attributes:
        contacts: The contacts, in the order of the passes.
        refused: Why a pass has no contact, by its index, if it would have one without bookings
            and least passes.
    """

    contacts: tuple[Contact, ...]
    refused: Mapping[int, str]


def contact_plan(
    scenario: Scenario, contacts: Iterable[Contact], foreseen: Iterable[Contact] | None = None
) -> ContactPlan:
    """Choose the contacts that are used.

    Args:
        scenario: Stations with their bookings, and satellites.
        contacts: All contacts in the order of the passes, less outages.
        foreseen: The contacts from which a limit per day chooses, if they differ: the weather may
            prevent some, and nobody knows that when passes are booked.
    """
    kept, refused = _booked(scenario, contacts)
    ahead = kept if foreseen is None else _booked(scenario, foreseen)[0]
    for index, station in enumerate(scenario.stations):
        limit = None if station.bookings is None else station.bookings.per_day
        if limit is not None:
            listed = [c for c in ahead if c.station == index]
            booked = _within_limit(scenario, station, listed, limit)
            over = {c.pass_index for c in (*kept, *ahead) if c.station == index} - booked
            kept = [c for c in kept if c.pass_index not in over]
            refused |= dict.fromkeys(over, NOT_BOOKED)
    used = {contact.pass_index for contact in kept}
    return ContactPlan(
        tuple(kept), {index: why for index, why in sorted(refused.items()) if index not in used}
    )


def _booked(
    scenario: Scenario, contacts: Iterable[Contact]
) -> tuple[list[Contact], dict[int, str]]:
    """Return the contacts within booked times that are long enough, and why others are not."""
    booked: dict[tuple[int, int], list[Span] | None] = {}
    refused: dict[int, str] = {}
    kept: list[Contact] = []
    for contact in contacts:
        link = contact.satellite, contact.station
        if link not in booked:
            booked[link] = _booked_spans(scenario, *link)
        least = _least_ticks(scenario, *link)
        spans = booked[link]
        parts = [contact] if spans is None else list(_within(contact, spans))
        if not parts:
            refused[contact.pass_index] = NOT_BOOKED
        for part in parts:
            if _length(part) >= least:
                kept.append(part)
            else:
                refused[contact.pass_index] = TOO_SHORT
    return kept, refused


def _booked_spans(scenario: Scenario, satellite: int, station: int) -> list[Span] | None:
    """Return the booked times of a link in ticks, joined and in order; None if all are."""
    bookings = scenario.stations[station].bookings
    if bookings is None or bookings.per_day is not None:
        return None
    name, receiver = scenario.satellites[satellite].name, scenario.stations[station].name
    if bookings.passes is not None:
        moments = [(b.from_, b.to) for b in bookings.passes if b.satellite in (None, name)]
    elif bookings.file is not None:
        moments = [(one.start, one.end) for one in bookings.file.between(name, receiver)]
    else:
        moments = []
    spans: list[Span] = []
    for start, end in sorted(
        (to_whole_milliseconds(scenario.seconds(a)), to_whole_milliseconds(scenario.seconds(b)))
        for a, b in moments
    ):
        if spans and start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((start, end))
    return spans


def _within(contact: Contact, spans: Sequence[Span]) -> Iterator[Contact]:
    """Yield the parts of a contact within spans, which are in order and apart."""
    link = contact.downlink
    first = max(bisect_left(spans, (link.start,)) - 1, 0)
    for start, end in spans[first:]:
        if start >= link.end:
            break
        low, high = max(start, link.start), min(end, link.end)
        if (low, high) == (link.start, link.end):
            yield contact
        elif low < high:
            yield replace(contact, downlink=_cut(link, low, high))


def _cut(link: Downlink, start: int, end: int) -> Downlink:
    return Downlink(
        [
            replace(segment, start=max(segment.start, start), end=min(segment.end, end))
            for segment in link.segments
            if segment.start < end and segment.end > start
        ]
    )


def _length(contact: Contact) -> int:
    return contact.downlink.end - contact.downlink.start


def _least_ticks(scenario: Scenario, satellite: int, station: int) -> int:
    return max(
        to_whole_milliseconds(scenario.satellites[satellite].transmitter.least_pass),
        to_whole_milliseconds(scenario.stations[station].least_pass),
    )


@dataclass(frozen=True, slots=True, order=True)
class _Pass:
    """A pass with its contacts: from the first one's start to the last one's end."""

    start: int
    end: int
    satellite: int
    index: int
    length: int


def _within_limit(
    scenario: Scenario, station: StationSpec, contacts: Sequence[Contact], limit: int
) -> set[int]:
    """Return the indices of the passes that are booked under a limit per day.

    The longest passes are booked first, since what a pass carries grows with its length and
    highest elevation, and both are known days ahead, which the weather is not. A pass is left
    out if all antennas are booked at its time.
    """
    parts: defaultdict[int, list[Contact]] = defaultdict(list)
    for contact in contacts:
        parts[contact.pass_index].append(contact)
    passes = [
        _Pass(
            some[0].downlink.start,
            some[-1].downlink.end,
            some[0].satellite,
            index,
            sum(map(_length, some)),
        )
        for index, some in parts.items()
    ]
    turn = to_whole_milliseconds(station.turn_around)
    longest = max((one.end - one.start for one in passes), default=0) + turn
    booked: list[_Pass] = []
    days: Counter[date] = Counter()
    for one in sorted(passes, key=lambda p: (-p.length, p.start, p.satellite)):
        day = (scenario.start + timedelta(microseconds=one.start)).date()
        near = booked[
            bisect_left(booked, _Pass(one.start - longest, 0, 0, 0, 0)) : bisect_left(
                booked, _Pass(one.end + turn, 0, 0, 0, 0)
            )
        ]
        if days[day] < limit and _fits(one, near, station.antennas, turn):
            insort(booked, one)
            days[day] += 1
    return {one.index for one in booked}


def _fits(one: _Pass, near: Sequence[_Pass], antennas: int, turn: int) -> bool:
    """Return whether an antenna is left for a pass beside those that are booked."""
    beside = [p for p in near if p.start < one.end + turn and p.end + turn > one.start]
    # The number of busy antennas changes only where a pass begins.
    moments = [one.start, *(p.start for p in beside if one.start < p.start < one.end + turn)]
    return all(
        sum(p.start <= moment < p.end + turn for p in beside) < antennas for moment in moments
    )
