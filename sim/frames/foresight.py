"""What a satellite can know of its future: frames that it will take, contacts that it will have.

Both follow from orbit and timetable, which a satellite has on board. It does not know which other
satellite will get an antenna, so where more satellites are in view than a station has antennas,
it counts on an equal share. It knows neither losses nor a low battery in advance.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from ..model.setup import Contact, MissionSetup


class Foresight:
    """Bytes that one satellite can expect to send until any time.

    Args:
        setup: The mission.
        satellite: Index of the satellite.
    """

    def __init__(self, setup: MissionSetup, satellite: int) -> None:
        self._contacts: list[tuple[int, int, Contact, float]] = []
        self._sent_before = [0]
        busy = 0
        own = [one for one in setup.contacts if one.satellite == satellite]
        for contact in sorted(own, key=lambda one: one.downlink.start):
            # A satellite has one transmitter: of two stations in view, it uses one.
            start, end = max(busy, contact.downlink.start), contact.downlink.end
            if start >= end:
                continue
            share = _share(setup.contacts, contact, setup.stations[contact.station].antennas)
            self._contacts.append((start, end, contact, share))
            self._sent_before.append(self._sent_before[-1] + _carried(contact, start, end, share))
            busy = end
        self._starts = [start for start, *_ in self._contacts]

    def sendable(self, tick: int) -> int:
        """Return the bytes that can be sent from the start of the run until a tick."""
        index = bisect_right(self._starts, tick) - 1
        if index < 0:
            return 0
        start, end, contact, share = self._contacts[index]
        return self._sent_before[index] + _carried(contact, start, min(tick, end), share)


def _carried(contact: Contact, start: int, end: int, share: float) -> int:
    carried = contact.downlink.carried_by
    return int(share * (carried(end) - carried(start)))


def _share(contacts: Sequence[Contact], contact: Contact, antennas: int) -> float:
    """Return the share of a contact's time that a satellite can expect to have an antenna."""
    begin, over = contact.downlink.start, contact.downlink.end
    others = [
        (max(begin, one.downlink.start), min(over, one.downlink.end))
        for one in contacts
        if one.station == contact.station
        and one.satellite != contact.satellite
        and one.downlink.start < over
        and one.downlink.end > begin
    ]
    edges = sorted({begin, over, *(edge for span in others for edge in span)})
    ticks = 0.0
    for start, end in pairwise(edges):
        rivals = sum(a <= start and b >= end for a, b in others)
        ticks += (end - start) * min(1.0, antennas / (1 + rivals))
    return ticks / (over - begin)
