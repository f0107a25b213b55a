"""SimPy's clock held to the clock on the wall."""

from __future__ import annotations

from time import monotonic
from typing import Final

from simpy.rt import RealtimeEnvironment

from ...link.clock import TICKS_PER_SECOND
from .ticks import TickEnvironment

BEHIND_S: Final = 0.1
"""Later than this is behind: nearer, the operating system's own timers are not sure."""


class PacedEnvironment(TickEnvironment, RealtimeEnvironment):
    """An environment in which nothing happens before its time on the wall.

    What takes longer than it may makes the run late, never wrong: it goes on at full speed until
    it has caught up, and remembers how far it was behind.

    Attributes:
        behind_s: Seconds that it was behind at worst.
        behind_at: Tick at which it was first behind by more than `BEHIND_S`; None if never.

    Args:
        factor: Seconds on the wall for one simulated second.
    """

    def __init__(self, factor: float) -> None:
        RealtimeEnvironment.__init__(self, 0, factor / TICKS_PER_SECOND, strict=False)
        self.behind_s = 0.0
        self.behind_at: int | None = None
        self._begun = False

    def step(self) -> None:
        """Wait for the next event's time, and let it happen."""
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
