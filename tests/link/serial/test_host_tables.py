"""The host's two tables: every entry that the protocol's document asks for, and no other."""

from __future__ import annotations

import pytest
from downpass.link.serial.constants import Stage
from downpass.link.serial.host_job import REACTIONS, JobState, Reaction
from downpass.link.serial.session import TRANSITIONS, SessionState, Signal


def test_the_handshake_has_one_way_forward() -> None:
    state = SessionState.IDLE
    for signal in (Signal.RESTART, Signal.HELLO, Signal.CAPS, Signal.READY):
        state = TRANSITIONS[state][signal]
    assert state is SessionState.OPEN


@pytest.mark.parametrize("state", SessionState, ids=lambda state: state.name)
def test_every_session_can_end(state: SessionState) -> None:
    row = TRANSITIONS[state]
    if state is SessionState.GONE:
        assert set(row.values()) == {SessionState.GONE}
    else:
        assert row[Signal.RESTART] is SessionState.AWAIT_HELLO
        assert row[Signal.LINE_LOST] is SessionState.IDLE
        assert row[Signal.GIVE_UP] is SessionState.GONE


def test_an_answer_is_expected_in_one_state_only() -> None:
    for signal in (Signal.HELLO, Signal.CAPS, Signal.READY):
        assert sum(signal in row for row in TRANSITIONS.values()) == 1


@pytest.mark.parametrize("state", JobState, ids=lambda state: state.name)
def test_no_report_takes_a_job_back(state: JobState) -> None:
    """A STATE that is older than what the host knows is ignored; an unknown job is announced."""
    row = REACTIONS[state]
    assert set(row) == set(Stage)
    older = [row[stage] for stage in Stage if stage < state]
    assert all(reaction is Reaction.IGNORE for reaction in older)
    assert (row[Stage.FREE] is Reaction.ANNOUNCE) == (state is JobState.ANNOUNCED)
    expected = Reaction.FORGET if state is JobState.RELEASING else Reaction.LOSE
    assert row[Stage.RELEASED] is expected
