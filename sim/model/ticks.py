"""SimPy's environment with a clock of whole ticks."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import simpy
from simpy.events import EventPriority

_LAST = EventPriority(2)  # SimPy uses 0 (urgent) and 1 (normal)

Process = Generator[simpy.Event, object, None]


class TickEnvironment(simpy.Environment):
    """An environment whose time is in whole microseconds, because all its delays are."""

    if TYPE_CHECKING:

        @property
        def now(self) -> int:
            """The current tick."""

    def call_later(self, ticks: int, call: Callable[[], None]) -> None:
        """Call a function `ticks` from now, without the cost of a process."""
        wait = self.timeout(ticks)
        if wait.callbacks is not None:
            wait.callbacks.append(lambda _: call())

    def call_last(self, call: Callable[[], None]) -> None:
        """Call a function in this tick, after everything else that is due in it."""
        event = simpy.Event(self)
        event._ok, event._value = True, None
        if event.callbacks is not None:
            event.callbacks.append(lambda _: call())
        self.schedule(event, _LAST)
