"""Measure the battery's state of charge over a run: its range in even bins, and its lowest point.

The charge is linear between two changes of a load or of the Sun, so its extremes in a bin are at
those changes and at the bin's edges. Events alone would miss them: nothing happens at the end of an
eclipse, where the charge is lowest.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final

from ...payload.power import Battery

MOST_BINS: Final = 1024
"""Number of bins at which two become one. Memory does not grow with the length of a run."""

FIRST_BIN: Final = 15_000_000
"""Width of a bin at the start in ticks: a quarter of a minute."""


@dataclass(frozen=True, slots=True)
class ChargeHistory:
    """The state of charge of one battery over a run. Energies are whole nanojoules.

    Attributes:
        capacity: Energy of the full battery.
        bin_ticks: Width of a bin in ticks; the last one may be cut by the run's end.
        lowest: Lowest charge in each bin, from tick 0 on.
        highest: Highest charge in each bin.
        minimum: Lowest charge of the run.
        minimum_at: Tick at which it was first reached.
        end: Charge at the end.
        low_ticks: Ticks for which work waited, because the charge had fallen to the low level.
    """

    capacity: int
    bin_ticks: int
    lowest: array[int]
    highest: array[int]
    minimum: int
    minimum_at: int
    end: int
    low_ticks: int


class ChargeMeter:
    """Advances a battery and measures its charge on the way.

    Args:
        battery: The battery, at tick 0.
    """

    __slots__ = (
        "_battery",
        "_highest",
        "_low_since",
        "_low_ticks",
        "_lowest",
        "_minimum",
        "_minimum_at",
        "_now",
        "_width",
    )

    def __init__(self, battery: Battery) -> None:
        self._battery = battery
        self._now = 0
        self._width = FIRST_BIN
        self._lowest = array("q", [battery.charge])
        self._highest = array("q", [battery.charge])
        self._minimum, self._minimum_at = battery.charge, 0
        self._low_since: int | None = None
        self._low_ticks = 0

    def advance(self, now: int) -> None:
        """Update the battery to tick `now`; the net power has been constant since the last call."""
        battery = self._battery
        while self._now < now:
            # A tick at an edge belongs to both bins, so that the curve has no gap there.
            edge = (self._now // self._width + 1) * self._width
            step = min(now, edge)
            self._note_minimum(step)
            self._extend(self._now // self._width, battery.charge)
            battery.advance(step)
            self._extend(self._now // self._width, battery.charge)
            self._now = step

    def set_low(self, low: bool) -> None:
        """Note that work begins to wait for the battery, or may go on, from now on."""
        if low and self._low_since is None:
            self._low_since = self._now
        elif not low and self._low_since is not None:
            self._low_ticks += self._now - self._low_since
            self._low_since = None

    def history(self, end: int) -> ChargeHistory:
        """Return the charge up to the run's end, at tick `end`."""
        self.advance(end)
        # A bin that only begins at the end has no length.
        bins = max(1, -(-end // self._width))
        waiting = 0 if self._low_since is None else self._now - self._low_since
        return ChargeHistory(
            capacity=self._battery.capacity,
            bin_ticks=self._width,
            lowest=self._lowest[:bins],
            highest=self._highest[:bins],
            minimum=self._minimum,
            minimum_at=self._minimum_at,
            end=self._battery.charge,
            low_ticks=self._low_ticks + waiting,
        )

    def _note_minimum(self, step: int) -> None:
        """Find out whether the charge falls below all before it until tick `step`."""
        battery = self._battery
        drop = (battery.load - battery.solar) * (step - self._now)
        reached = max(0, battery.charge - drop)
        if reached < self._minimum:
            self._minimum = reached
            # It falls all the time, unless it is empty before.
            empty = battery.ticks_until(0) if reached == 0 else None
            self._minimum_at = step if empty is None else min(step, self._now + empty)

    def _extend(self, index: int, charge: int) -> None:
        """Take a charge into a bin."""
        if index == MOST_BINS:
            self._halve()
            index //= 2
        if index == len(self._lowest):
            self._lowest.append(charge)
            self._highest.append(charge)
        else:
            self._lowest[index] = min(self._lowest[index], charge)
            self._highest[index] = max(self._highest[index], charge)

    def _halve(self) -> None:
        """Make one bin of two neighbours."""
        lowest, highest = self._lowest, self._highest
        self._lowest = array("q", map(min, lowest[::2], lowest[1::2]))
        self._highest = array("q", map(max, highest[::2], highest[1::2]))
        self._width *= 2
