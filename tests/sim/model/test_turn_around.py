"""An antenna needs its turn-around time between two satellites, and no longer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from downpass.sim.model.antennas import Antennas
from downpass.sim.model.events import Event
from downpass.sim.model.network import ANTENNA_BUSY, ANTENNA_TURNING
from downpass.sim.model.setup import Contact, MissionSetup, StationSetup
from downpass.sim.model.simulation import Outcome, simulate
from hypothesis import given
from hypothesis import strategies as st
from model_builders import Frames, S, capture, contact, events, mission, satellite


def flown(
    contacts: Sequence[Contact],
    turn_around: float,
    *,
    satellites: int,
    antennas: int = 1,
    size: int = 5000,
) -> Outcome:
    setup = mission(
        [
            satellite(capture(n, 1), capture(n + satellites, 40), name=f"sat {n}")
            for n in range(satellites)
        ],
        contacts,
        antennas=(antennas,),
    )
    station = StationSetup("station", antennas, round(turn_around * S))
    setup = MissionSetup(
        setup.duration, setup.seed, setup.satellites, (station,), setup.contacts,
        setup.arbitration, setup.targets,
    )  # fmt: skip
    return simulate(setup, [Frames(size=size)] * satellites, audit_every_event=True)


def sessions(outcome: Outcome) -> list[tuple[int, float, float]]:
    """Satellite, start and end of each session, in order of start."""
    found, since = [], {}
    for row in events(outcome, Event.GRANT, Event.RELEASE):
        if row.event is Event.GRANT:
            since[row.satellite] = row.time
        else:
            found.append((row.satellite, since.pop(row.satellite) / S, row.time / S))
    return sorted(found, key=lambda one: one[1])


def test_the_second_satellite_waits_for_the_antenna_to_turn() -> None:
    """Each has 5000 bytes, five seconds of the link."""
    both = [contact(10, 100, satellite=0), contact(12, 100, satellite=1)]
    assert sessions(flown(both, 0, satellites=2))[:2] == [(0, 10, 15), (1, 15, 20)]
    assert sessions(flown(both, 7, satellites=2))[:2] == [(0, 10, 15), (1, 22, 27)]


def test_the_same_satellite_gets_it_back_at_once() -> None:
    """The satellite's second frame is there at 40 s, in the same contact."""
    outcome = flown([contact(10, 100)], 30, satellites=1)
    assert sessions(outcome) == [(0, 10, 15), (0, 40, 45)]


def test_a_contact_that_ends_while_the_antenna_turns_says_so() -> None:
    outcome = flown([contact(10, 18), contact(14, 20, satellite=1)], 60, satellites=2)
    assert [use.cause_unused for use in outcome.uses] == ["", ANTENNA_TURNING]
    outcome = flown([contact(10, 14), contact(12, 14, satellite=1)], 60, satellites=2)
    assert [use.cause_unused for use in outcome.uses] == ["", ANTENNA_BUSY]


def test_a_second_antenna_has_not_turned_yet() -> None:
    outcome = flown([contact(10, 100), contact(16, 100, satellite=1)], 30, satellites=2, antennas=2)
    assert sessions(outcome)[:2] == [(0, 10, 15), (1, 16, 21)]


CONTACTS = st.lists(
    st.tuples(st.integers(0, 80), st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=10
)


def disjoint(spans: Sequence[tuple[int, int, int]]) -> list[Contact]:
    """Contacts of one station; those of one satellite do not overlap."""
    busy: dict[int, int] = {}
    made = []
    for start, length, who in sorted(spans):
        if start >= busy.get(who, 0):
            busy[who] = start + length
            made.append(contact(start, start + length, satellite=who))
    return made


@given(spans=CONTACTS, turn_around=st.integers(0, 30))
def test_no_two_satellites_of_one_antenna_are_closer_than_the_turn_around(
    spans: list[tuple[int, int, int]], turn_around: int
) -> None:
    found = sessions(flown(disjoint(spans), turn_around, satellites=4))
    for (one, _, end), (other, start, _) in pairwise(found):
        assert start >= end + (turn_around if one != other else 0)


@given(spans=CONTACTS, antennas=st.integers(1, 3))
def test_without_turn_around_nothing_changes(
    spans: list[tuple[int, int, int]], antennas: int
) -> None:
    """Three antennas and no turn-around: whoever asks is served while one is free."""
    found = sessions(flown(disjoint(spans), 0, satellites=4, antennas=antennas))
    for _, start, _ in found:
        assert sum(begin <= start < end for _, begin, end in found) <= antennas


@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10)), max_size=60),
    count=st.integers(1, 3),
    turn_around=st.integers(0, 12),
)
def test_the_pool_of_antennas(steps: list[tuple[int, int]], count: int, turn_around: int) -> None:
    """Random requests and releases: each antenna keeps the turn-around, and none is held back."""
    antennas = Antennas(count, turn_around)
    held: dict[int, int] = {}
    last: dict[int, tuple[int, int]] = {}  # antenna: who had it, until when
    now = 0
    for who, wait in steps:
        now += wait
        if who in held:
            antenna = held.pop(who)
            antennas.release(antenna, now)
            last[antenna] = who, now
            continue
        free = set(range(count)) - set(held.values())
        ready = {
            a for a in free if a not in last or last[a][0] == who or now >= last[a][1] + turn_around
        }
        got = antennas.ready_for(who, now)
        assert (got is None) == (not ready)
        if got is None:
            expected = min((last[a][1] + turn_around for a in free), default=None)
            assert antennas.next_ready(who) == expected
        else:
            assert got in ready
            antennas.take(got, who)
            held[who] = got


def test_antennas_are_taken_and_given_back_once() -> None:
    antennas = Antennas(1)
    with pytest.raises(ValueError, match="antenna 0 is free already"):
        antennas.release(0, 5)
    antennas.take(0, 1)
    with pytest.raises(ValueError, match="antenna 0 is not free"):
        antennas.take(0, 2)
