"""Arbitration looks only at contacts that may have changed; looking at all gives the same."""

from __future__ import annotations

from unittest.mock import patch

from downpass.sim.model import simulation
from downpass.sim.model.network import Network
from downpass.sim.model.setup import MissionSetup
from hypothesis import given, settings
from test_ledger_holds import SLOW, RandomSource, missions


class LooksAtAll(Network):
    """Looks at every contact in view whenever anything happens to any satellite."""

    def _allocate(self) -> None:
        self._changed.update(range(len(self._seen_from)))
        super()._allocate()


@settings(SLOW, max_examples=150)
@given(missions())
def test_looking_at_every_contact_in_view_gives_the_same_run(
    mission: tuple[MissionSetup, list[RandomSource]],
) -> None:
    outcome = simulation.simulate(*mission)
    with patch.object(simulation, "Network", LooksAtAll):
        other = simulation.simulate(*mission)
    assert outcome.events == other.events
    assert outcome.uses == other.uses
