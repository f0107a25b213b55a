"""Arbitration looks only at contacts that may have changed; looking at all gives the same."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

from downpass.sim.model import simulation
from downpass.sim.model.network import Network
from downpass.sim.model.setup import MissionSetup
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ledger_holds import SLOW, RandomSource, S, missions


class LooksAtAll(Network):
    """Looks at every contact in view whenever anything happens to any satellite."""

    def _allocate(self) -> None:
        self._changed.update(range(len(self._seen_from)))
        super()._allocate()


def turning(
    mission: tuple[MissionSetup, list[RandomSource]], turn_around_s: int
) -> tuple[MissionSetup, list[RandomSource]]:
    """Return the mission with a turn-around time at every station."""
    setup, sources = mission
    stations = tuple(replace(one, turn_around=turn_around_s * S) for one in setup.stations)
    return replace(setup, stations=stations), sources


@settings(SLOW, max_examples=150)
@given(missions(), st.sampled_from([0, 0, 1, 7, 60]))
def test_looking_at_every_contact_in_view_gives_the_same_run(
    mission: tuple[MissionSetup, list[RandomSource]], turn_around_s: int
) -> None:
    mission = turning(mission, turn_around_s)
    outcome = simulation.simulate(*mission)
    with patch.object(simulation, "Network", LooksAtAll):
        other = simulation.simulate(*mission)
    assert outcome.events == other.events
    assert outcome.uses == other.uses
