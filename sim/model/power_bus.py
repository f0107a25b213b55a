"""The satellite's power bus: signals when the battery runs low and when work may continue."""

from __future__ import annotations

from collections.abc import Callable

from ...payload.power import Battery
from .charge_meter import ChargeHistory, ChargeMeter
from .setup import PowerSetup
from .ticks import Process, TickEnvironment


class PowerBus:
    """Watches the battery and turns threshold crossings into events.

    Loads change at known ticks and the net power is constant in between, so the next crossing
    is computed, not polled.

    Attributes:
        setup: Battery, solar power and loads.
        ok: Whether work may go on.
        low: Fires when the charge falls to the low level; replaced by a new event each time.
        restored: Fires when the charge is back at the resume level; replaced likewise.
    """

    def __init__(
        self, env: TickEnvironment, setup: PowerSetup, on_change: Callable[[bool], None]
    ) -> None:
        """Start at tick 0 with the idle load; `on_change` is called with each new value of `ok`."""
        self._env = env
        self.setup = setup
        self._on_change = on_change
        self._battery = Battery(setup.capacity, setup.charge)
        self._battery.load = setup.idle
        self._battery.solar = setup.solar
        self._meter = ChargeMeter(self._battery)
        self._plan_number = 0
        self.ok = True
        self.low = env.event()
        self.restored = env.event()
        env.process(self._sun())
        self._plan()

    @property
    def charge(self) -> float:
        """State of charge now, 0 to 1."""
        self._meter.advance(self._env.now)
        return self._battery.share

    def history(self, end: int) -> ChargeHistory:
        """Return the charge over the run, which ends at tick `end`."""
        return self._meter.history(end)

    def draw(self, milliwatts: int) -> None:
        """Add a load, or remove one with a negative number."""
        self._meter.advance(self._env.now)
        self._battery.load += milliwatts
        self._plan()

    def _sun(self) -> Process:
        for start, end in self.setup.eclipses:
            yield self._env.timeout(max(0, start - self._env.now))
            self._shine(0)
            yield self._env.timeout(end - self._env.now)
            self._shine(self.setup.solar)

    def _shine(self, milliwatts: int) -> None:
        self._meter.advance(self._env.now)
        self._battery.solar = milliwatts
        self._plan()

    def _plan(self) -> None:
        """Schedule the next crossing, and invalidate the one scheduled before."""
        self._plan_number += 1
        battery, setup = self._battery, self.setup
        if self.ok:
            delay = 0 if battery.charge <= setup.low else battery.ticks_until(setup.low)
        else:
            delay = 0 if battery.charge >= setup.resume else battery.ticks_until(setup.resume)
        if delay is None:
            return
        number = self._plan_number
        self._env.call_later(delay, lambda: self._cross(number))

    def _cross(self, number: int) -> None:
        if number != self._plan_number:
            return
        self._meter.advance(self._env.now)
        self.ok = not self.ok
        self._meter.set_low(not self.ok)
        if self.ok:
            fired, self.restored = self.restored, self._env.event()
        else:
            fired, self.low = self.low, self._env.event()
        self._plan()
        self._on_change(self.ok)
        fired.succeed()
