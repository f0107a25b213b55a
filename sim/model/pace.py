"""Paces a simulation by the wall clock."""

from __future__ import annotations

from time import monotonic
from typing import Final

from simpy.rt import RealtimeEnvironment

from ...link.clock import TICKS_PER_SECOND
from .ticks import TickEnvironment

BEHIND_S: Final = 0.1
"""Seconds of delay above which a run is behind; smaller ones may be the timers' inaccuracy."""


class PacedEnvironment(TickEnvironment, RealtimeEnvironment):
    """An environment in which no event happens before its time on the wall clock.

    If the computation is too slow, the run is late but its results are the same. It continues at
    full speed until it has caught up, and remembers the largest delay.

    Attributes:
        behind_s: Largest delay, in seconds.
        behind_at: Tick at which the delay first exceeded `BEHIND_S`; None if never.

    Args:
        factor: Wall-clock seconds for one simulated second.
    """

    def __init__(self, factor: float) -> None:
        RealtimeEnvironment.__init__(self, 0, factor / TICKS_PER_SECOND, strict=False)
        self.behind_s = 0.0
        self.behind_at: int | None = None
        self._begun = False

    def step(self) -> None:
        """Wait until the next event is due, and process it."""
        if not self._begun:
            self._begun = True
            self.sync()
        due = self.peek()
        late = monotonic() - self.real_start - (due - self.env_start) * self.factor
        if late > self.behind_s:
            self.behind_s = late
        if late > BEHIND_S and self.behind_at is None:
            self.behind_at = int(due)
        super().step()
