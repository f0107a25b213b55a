"""Coverage of a mission's targets: how much is seen, how much is delivered, and how often.

```
flight ─► footprints ──┐
targets ─► cells ──────┴─► looks at each cell ─► coverage of each target, and of all together
outcome ─► delivered frames ─┘
```

Ground that lies in several targets counts for each of them, but only once for all together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from ...link.errors import InputError
from ..mission.flight import Flight, land_area
from ..model.simulation import Outcome
from ..orbit.polygon import polygon_of
from ..orbit.region import Region, region_of_land, region_of_polygon
from ..results.grade import Delivery, delivery, shows_something
from ..scenario.ground import TargetSpec
from .footprints import footprints
from .grid import Cells, cells_of_point, cells_of_region
from .looks import LookBook

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_CELLS: Final = 100
MOST_CELLS: Final = 1_000_000
USUAL_CELLS: Final = 100_000
_LEAST_OF_AREA: Final = 10
_MS_PER_S: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """Which frames reached the ground, for all satellites' timetables one after the other.

    Attributes:
        any: Delivered, whole or not, and not without a single byte, shape ``(frames,)``.
        whole: Delivered whole, shape ``(frames,)``.
    """

    any: Mask
    whole: Mask

    @classmethod
    def of(cls, outcome: Outcome) -> Delivered:
        """Read a run's outcome, whose captures are the frames of the timetables in order."""
        total = sum(len(satellite.captures) for satellite in outcome.setup.satellites)
        arrived, whole = np.zeros(total, np.bool_), np.zeros(total, np.bool_)
        for satellite in outcome.satellites:
            for record in satellite.frames.values():
                kind = delivery(record, None)
                arrived[record.capture.number] = shows_something(record, None)
                whole[record.capture.number] = kind is Delivery.WHOLE
        return cls(arrived, whole)


@dataclass(frozen=True, slots=True)
class Figures:
    """Coverage of one target, or of all areas together.

    Attributes:
        area_m2: Area; 0 for points.
        cells: Number of cells that stand for it.
        cell_m2: Area of one cell; 0 if cells of several sizes are counted together, and for points.
        seen: Share of the area of which a frame is in the timetable, 0 to 1; of points their share.
        delivered: Share that delivered frames show, whole or damaged; None if no run was made.
        delivered_whole: Share that frames delivered whole show.
        seen_twice: Share that has two looks or more: what the revisit is known of.
        looks: Mean number of looks.
        revisit_mean_s: Mean time between consecutive looks at a place; None without any.
        revisit_max_s: Longest of them.
    """

    area_m2: float
    cells: int
    cell_m2: float
    seen: float
    delivered: float | None
    delivered_whole: float | None
    seen_twice: float
    looks: float
    revisit_mean_s: float | None
    revisit_max_s: float | None


@dataclass(frozen=True, slots=True, eq=False)
class TargetCoverage:
    """Coverage of one target, cell by cell.

    Attributes:
        name: The target.
        is_area: Whether it has an extent.
        cells: Its cells.
        looks: Number of looks at each, shape ``(n,)``.
        delivered: Whether a delivered frame shows each, shape ``(n,)``; None if no run was made.
        figures: All of them together.
    """

    name: str
    is_area: bool
    cells: Cells
    looks: NDArray[np.int64]
    delivered: Mask | None
    figures: Figures


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Coverage of a scenario.

    Attributes:
        targets: Each target.
        areas: All areas together, each place counted once; None if there are none.
        points: All points together; None if there are none.
        frames: Number of frames in the timetables.
        delivered_frames: How many were delivered; None if no run was made.
    """

    targets: tuple[TargetCoverage, ...]
    areas: Figures | None
    points: Figures | None
    frames: int
    delivered_frames: int | None


def check_cells(cells: int) -> None:
    """Check the number of cells before anything is computed.

    Raises:
        InputError: It is not allowed.
    """
    if not LEAST_CELLS <= cells <= MOST_CELLS:
        raise InputError(f"--cells: found {cells}; allowed: {LEAST_CELLS} to {MOST_CELLS}")


def cover(flight: Flight, delivered: Delivered | None, cells: int = USUAL_CELLS) -> Coverage:
    """Compute the coverage of a flight.

    Args:
        flight: The flight.
        delivered: Which of its frames reached the ground; None leaves that out.
        cells: About how many cells stand for all areas together. Each area gets an equal part, and
            ten at least.

    Raises:
        InputError: The number of cells is not allowed, or the run has too many frames.
    """
    check_cells(cells)
    targets = flight.scenario.targets
    regions = [_region(target) for target in targets]
    areas = sum(region is not None for region in regions)
    share = max(cells // max(areas, 1), _LEAST_OF_AREA)
    grids = [_cells(t, r, share) for t, r in zip(targets, regions, strict=True)]
    book = LookBook(
        np.concatenate([grid.latitude_deg for grid in grids]),
        np.concatenate([grid.longitude_deg for grid in grids]),
    )
    for part in footprints(flight):
        if delivered is None:
            book.add(part, None, None)
        else:
            book.add(part, delivered.any, delivered.whole)
    first = np.concatenate(([0], np.cumsum([len(grid.latitude_deg) for grid in grids])))
    found = []
    for index, (target, region, grid) in enumerate(zip(targets, regions, grids, strict=True)):
        rows = np.arange(first[index], first[index + 1])
        found.append(
            TargetCoverage(
                target.name,
                region is not None,
                grid,
                book.looks[rows],
                None if delivered is None else book.delivered[rows],
                _figures(book, rows, np.ones(len(rows)), grid.area_m2, grid.cell_m2, delivered),
            )
        )
    weight = np.concatenate([np.full(len(g.latitude_deg), _weight(g)) for g in grids])
    own = _not_counted_before(grids, regions, first)
    of_area = np.concatenate(
        [np.full(len(g.latitude_deg), r is not None) for g, r in zip(grids, regions, strict=True)]
    )
    everywhere, places = np.flatnonzero(of_area & own), np.flatnonzero(~of_area)
    sizes = {grid.cell_m2 for grid, region in zip(grids, regions, strict=True) if region}
    return Coverage(
        tuple(found),
        _figures(
            book,
            everywhere,
            weight[everywhere],
            float(weight[everywhere].sum()),
            sizes.pop() if len(sizes) == 1 else 0.0,
            delivered,
        )
        if len(everywhere)
        else None,
        _figures(book, places, np.ones(len(places)), 0.0, 0.0, delivered) if len(places) else None,
        sum(len(timetable.shots) for timetable in flight.timetables),
        None if delivered is None else int(delivered.any.sum()),
    )


def _region(target: TargetSpec) -> Region | None:
    if target.area is not None:
        return region_of_land(land_area(target.area))
    if target.polygon is not None:
        return region_of_polygon(polygon_of(target.polygon))
    return None


def _cells(target: TargetSpec, region: Region | None, number: int) -> Cells:
    if region is not None:
        return cells_of_region(region, number)
    if target.at is None:
        raise ValueError(f"target {target.name} has no place")
    return cells_of_point(*target.at)


def _weight(grid: Cells) -> float:
    """Return the area that one of a target's cells stands for, so that they add up to its own."""
    return grid.area_m2 / len(grid.latitude_deg)


def _not_counted_before(
    grids: Sequence[Cells], regions: Sequence[Region | None], first: NDArray[np.intp]
) -> Mask:
    """Return which cells lie in no area that is listed before their own."""
    own = np.ones(int(first[-1]), dtype=np.bool_)
    shapes = [(n, region) for n, region in enumerate(regions) if region is not None]
    if len(shapes) < 2:
        return own
    tree = shapely.STRtree([shapely.box(*region.shape.bounds) for _, region in shapes])
    for place, (index, _) in enumerate(shapes):
        grid = grids[index]
        near = tree.query(shapely.box(*_bounds(grid)))
        rows = np.arange(first[index], first[index + 1])
        for other in sorted(near[near < place].tolist()):
            region = shapes[other][1]
            own[rows] &= ~region.contains(grid.latitude_deg, grid.longitude_deg)
    return own


def _bounds(grid: Cells) -> tuple[float, float, float, float]:
    x, y = grid.longitude_deg, grid.latitude_deg
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _figures(
    book: LookBook,
    rows: NDArray[np.intp],
    weight: Array,
    area_m2: float,
    cell_m2: float,
    delivered: Delivered | None,
) -> Figures:
    looks = book.looks[rows]
    whole = float(weight.sum())

    def share(mask: Mask) -> float:
        return round(float(weight[mask].sum()) / whole, 9)

    gaps = np.maximum(looks - 1, 0)
    weighted = float((weight * gaps).sum())
    mean_ms = float((weight * book.gap_sum_ms[rows]).sum()) / weighted if weighted else None
    return Figures(
        area_m2=area_m2,
        cells=len(rows),
        cell_m2=cell_m2,
        seen=share(looks > 0),
        delivered=None if delivered is None else share(book.delivered[rows]),
        delivered_whole=None if delivered is None else share(book.whole[rows]),
        seen_twice=share(looks > 1),
        looks=round(float((weight * looks).sum()) / whole, 6),
        revisit_mean_s=None if mean_ms is None else round(mean_ms / _MS_PER_S, 3),
        revisit_max_s=(
            None if mean_ms is None else float(book.gap_most_ms[rows].max()) / _MS_PER_S
        ),
    )
