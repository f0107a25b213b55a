"""The power budget: a battery, solar input in sunlight, and loads that come and go.

Energies are whole nanojoules (milliwatts × microseconds), so the charge is exact at every event.
"""

from __future__ import annotations

NANOJOULES_PER_JOULE = 1_000_000_000


class Battery:
    """A charge that changes linearly between events.

    Call `advance` with the current time before anything else; between two calls the net power
    is constant. The charge stays between empty and full: what a full battery can't take is
    lost, and what an empty one can't give is not drawn.
    """

    __slots__ = ("_now", "capacity", "charge", "load", "solar")

    def __init__(self, capacity: int, charge: int) -> None:
        """Begin at tick 0 with `charge` of `capacity` nanojoules, no load and no sun."""
        if not 0 <= charge <= capacity:
            raise ValueError(f"a charge lies between 0 and {capacity}; found {charge}")
        self.capacity = capacity
        self.charge = charge
        self.load = 0
        """Milliwatts drawn."""
        self.solar = 0
        """Milliwatts coming in."""
        self._now = 0

    @property
    def share(self) -> float:
        """State of charge, 0 to 1."""
        return self.charge / self.capacity

    def advance(self, now: int) -> None:
        """Bring the charge up to tick `now`."""
        energy = (self.solar - self.load) * (now - self._now)
        self.charge = min(self.capacity, max(0, self.charge + energy))
        self._now = now

    def ticks_until(self, level: int) -> int | None:
        """Return how long until the charge reaches `level` nanojoules as things stand.

        None if it never does at this net power; 0 if it is there already.
        """
        gap = level - self.charge
        net = self.solar - self.load
        if gap == 0:
            return 0
        if net == 0 or (gap > 0) != (net > 0):
            return None
        return -(-abs(gap) // abs(net))
