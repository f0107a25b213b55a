"""The power budget: a battery, solar input in sunlight, and loads that switch on and off.

Energies are whole nanojoules (milliwatts × microseconds), so the charge is exact at every event.
"""

from __future__ import annotations

NANOJOULES_PER_JOULE = 1_000_000_000


class Battery:
    """A battery whose charge changes linearly between events.

    Call `advance` with the current time before reading or changing anything else; the net power is
    constant between two calls. The charge stays between empty and full: energy that a full battery
    cannot store is lost, and energy that an empty one cannot supply is not drawn.
    """

    __slots__ = ("_now", "capacity", "charge", "load", "solar")

    def __init__(self, capacity: int, charge: int) -> None:
        """Begin at tick 0 with `charge` of `capacity` nanojoules, no load and no solar input."""
        if not 0 <= charge <= capacity:
            raise ValueError(f"a charge lies between 0 and {capacity}; found {charge}")
        self.capacity = capacity
        self.charge = charge
        self.load = 0
        """Power drawn by the loads, in milliwatts."""
        self.solar = 0
        """Power from the solar panels, in milliwatts."""
        self._now = 0

    @property
    def share(self) -> float:
        """State of charge, 0 to 1."""
        return self.charge / self.capacity

    def advance(self, now: int) -> None:
        """Update the charge to tick `now`."""
        energy = (self.solar - self.load) * (now - self._now)
        self.charge = min(self.capacity, max(0, self.charge + energy))
        self._now = now

    def ticks_until(self, level: int) -> int | None:
        """Return how many ticks pass until the charge is `level` nanojoules at this net power.

        Returns None if the charge never reaches the level, and 0 if it is there already.
        """
        gap = level - self.charge
        net = self.solar - self.load
        if gap == 0:
            return 0
        if net == 0 or (gap > 0) != (net > 0):
            return None
        return -(-abs(gap) // abs(net))
