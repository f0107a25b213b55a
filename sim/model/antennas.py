"""The antennas of one ground station, and the time that one takes to turn to another satellite."""

from __future__ import annotations


class Antennas:
    """Which antennas of a station are free, and which satellite each followed last.

    After an antenna has followed a satellite, it needs the turn-around time before it can follow
    another one: to drive to where that rises, to lock on and to set up the receiver. The same
    satellite may get it back at once. An antenna that has followed none yet is ready.

    Args:
        count: Number of antennas.
        turn_around: Ticks from the release of one satellite to the start with another.
    """

    def __init__(self, count: int, turn_around: int = 0) -> None:
        self._turn_around = turn_around
        self._free = [True] * count
        self._last: list[int | None] = [None] * count
        self._released = [0] * count

    def ready_for(self, satellite: int, now: int) -> int | None:
        """Return the antenna that a satellite can have now; None if there is none.

        The one that followed this satellite last goes first, then one that has followed none,
        then the one that has been free for longest, so that antennas that have just been
        released are left to the satellites that they followed.

        Args:
            satellite: Index of the satellite.
            now: Current tick.
        """
        if True not in self._free:
            return None
        ready = [
            antenna
            for antenna, free in enumerate(self._free)
            if free and self._ready_at(antenna, satellite) <= now
        ]
        if not ready:
            return None
        return min(ready, key=lambda antenna: (*self._order(antenna, satellite), antenna))

    def next_ready(self, satellite: int) -> int | None:
        """Return when a free antenna is ready for a satellite; None if none is free."""
        return min(
            (self._ready_at(a, satellite) for a, free in enumerate(self._free) if free),
            default=None,
        )

    def take(self, antenna: int, satellite: int) -> None:
        """Give an antenna to a satellite."""
        if not self._free[antenna]:
            raise ValueError(f"antenna {antenna} is not free")
        self._free[antenna] = False
        self._last[antenna] = satellite

    def release(self, antenna: int, now: int) -> None:
        """Take an antenna back from the satellite that has it."""
        if self._free[antenna]:
            raise ValueError(f"antenna {antenna} is free already")
        self._free[antenna] = True
        self._released[antenna] = now

    def _ready_at(self, antenna: int, satellite: int) -> int:
        if self._last[antenna] in (None, satellite):
            return 0
        return self._released[antenna] + self._turn_around

    def _order(self, antenna: int, satellite: int) -> tuple[int, int]:
        last = self._last[antenna]
        if last == satellite:
            return 0, 0
        return (1, 0) if last is None else (2, self._released[antenna])
