"""Looks: which cells frames see, how often, and with what time between.

A cell is seen if its centre lies in a frame. Frames of one satellite that follow each other within
ten minutes are one look, so neighbouring frames that overlap are no revisit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from ..orbit.areas import geocentric
from .footprints import Footprints

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

SAME_LOOK_MS: Final = 600_000
"""Frames of one satellite less than this apart, in milliseconds, are one look."""

_PAIRS: Final = 2_000_000
_FRAMES: Final = 2_000  # footprints whose cells are looked up together
_DIGITS: Final = 12  # of the distance to a footprint's edge on the unit sphere: 6 micrometres


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Which footprint sees which cell."""

    footprint: Index
    cell: Index


class LookBook:
    """Counts the looks at each of many cells.

    Attributes:
        looks: Number of looks at each cell, shape ``(n,)``.
        delivered: Whether a delivered frame shows the cell, shape ``(n,)``.
        whole: Whether a frame that was delivered whole does, shape ``(n,)``.
        gap_sum_ms: Sum of the times between a cell's looks, in milliseconds, shape ``(n,)``.
        gap_most_ms: The longest of them; 0 for fewer than two looks, shape ``(n,)``.
    """

    def __init__(self, latitude_deg: Array, longitude_deg: Array) -> None:
        number = len(latitude_deg)
        self.looks = np.zeros(number, dtype=np.int64)
        self.delivered = np.zeros(number, dtype=np.bool_)
        self.whole = np.zeros(number, dtype=np.bool_)
        self.gap_sum_ms = np.zeros(number, dtype=np.int64)
        self.gap_most_ms = np.zeros(number, dtype=np.int64)
        self._last_ms = np.zeros(number, dtype=np.int64)
        self._last_satellite = np.full(number, -1, dtype=np.intp)
        self._direction = geocentric(latitude_deg, longitude_deg)
        self._tree = shapely.STRtree(shapely.points(*_map(self._direction)))

    def add(self, footprints: Footprints, delivered: Mask | None, whole: Mask | None) -> None:
        """Add the next footprints in order of time.

        Args:
            footprints: The footprints.
            delivered: For each frame of the run whether it was delivered, whole or damaged; None
                if that is not known.
            whole: For each frame whether it was delivered whole.
        """
        for low in range(0, len(footprints.frame), _FRAMES):
            rows = np.arange(low, min(low + _FRAMES, len(footprints.frame)))
            for pairs in self._pairs(footprints, rows):
                self._note(footprints, pairs, delivered, whole)

    def _pairs(self, footprints: Footprints, rows: Index) -> list[_Pairs]:
        corner = footprints.corner[:, :, rows]
        which, boxes = _boxes(corner)
        found = self._tree.query(boxes)
        footprint, cell = which[found[0]], found[1]
        # In order of footprints, which is that of time; boxes cut by the map's edge share none.
        order = np.argsort(footprint, kind="stable")
        footprint, cell = footprint[order], cell[order]
        normal = np.cross(corner, np.roll(corner, -1, axis=0), axis=1)
        middle = corner.sum(axis=0)
        turn = np.sign(np.sum(normal * middle, axis=1, keepdims=True))
        normal = (
            normal * turn / np.maximum(np.sqrt(np.sum(normal**2, axis=1, keepdims=True)), 1e-30)
        )
        parts = []
        for low in range(0, len(cell), _PAIRS):
            f, c = footprint[low : low + _PAIRS], cell[low : low + _PAIRS]
            place = self._direction[:, c]
            inside = np.sum(middle[:, f] * place, axis=0) > 0.0
            for edge in normal:
                inside &= np.round(np.sum(edge[:, f] * place, axis=0), _DIGITS) >= 0.0
            parts.append(_Pairs(rows[f[inside]], c[inside]))
        return parts

    def _note(
        self, footprints: Footprints, pairs: _Pairs, delivered: Mask | None, whole: Mask | None
    ) -> None:
        if not len(pairs.cell):
            return
        frame = footprints.frame[pairs.footprint]
        if delivered is not None:
            self.delivered[pairs.cell[delivered[frame]]] = True
        if whole is not None:
            self.whole[pairs.cell[whole[frame]]] = True
        satellite = footprints.satellite[pairs.footprint]
        time = footprints.time_ms[pairs.footprint]
        order = np.lexsort((pairs.footprint, pairs.cell))
        cell, satellite, time = pairs.cell[order], satellite[order], time[order]
        first = np.diff(cell, prepend=-1) != 0
        before = np.where(first, self._last_satellite[cell], np.roll(satellite, 1))
        since_ms = time - np.where(first, self._last_ms[cell], np.roll(time, 1))
        new = (satellite != before) | (since_ms >= SAME_LOOK_MS)
        gap = np.where(new & (before >= 0), since_ms, 0)
        np.add.at(self.looks, cell[new], 1)
        np.add.at(self.gap_sum_ms, cell, gap)
        np.maximum.at(self.gap_most_ms, cell, gap)
        last = np.append(first[1:], True)
        self._last_satellite[cell[last]], self._last_ms[cell[last]] = satellite[last], time[last]


def _map(direction: Array) -> tuple[Array, Array]:
    """Return longitude and geocentric latitude of directions, in degrees."""
    x, y, z = direction
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arcsin(np.clip(z, -1.0, 1.0)))


def _boxes(corner: Array) -> tuple[Index, NDArray[np.object_]]:
    """Return boxes on the map that together hold each footprint, and the footprint of each.

    A footprint lies within the cap around its middle that holds its corners, so the cap's limits
    serve. A box across the antimeridian is two; one that holds a pole is all round.
    """
    middle = corner.sum(axis=0)
    middle /= np.sqrt(np.sum(middle**2, axis=0))
    nearest = np.min(np.sum(corner * middle, axis=1), axis=0)
    cap = np.degrees(np.arccos(np.clip(nearest, -1.0, 1.0))) + 1e-6
    east, north = _map(middle)
    low, high = north - cap, north + cap
    # Half the width in longitude of a cap that holds no pole: asin(sin cap / cos latitude).
    cosine = np.cos(np.radians(north))
    polar = np.abs(north) + cap >= 90.0
    ratio = np.sin(np.radians(cap)) / np.maximum(cosine, 1e-12)
    half = np.where(polar, 180.0, np.degrees(np.arcsin(np.clip(ratio, 0.0, 1.0))) + 1e-6)
    west, end = east - half, east + half
    which, boxes = [], []
    number = np.arange(corner.shape[2])
    for turn in (-360.0, 0.0, 360.0):
        a, b = np.maximum(west + turn, -180.0), np.minimum(end + turn, 180.0)
        there = b >= a
        which.append(number[there])
        boxes.append(shapely.box(a[there], low[there], b[there], high[there]))
    whose, made = np.concatenate(which), np.concatenate(boxes)
    return np.asarray(whose, dtype=np.intp), made
