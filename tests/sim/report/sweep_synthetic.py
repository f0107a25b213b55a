"""Synthetic sweeps for the tests of their page, made without a run."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

from downpass.sim.report.sweep_data import (
    BACKLOG,
    DROPPED,
    FIGURES,
    LATENCY,
    PIXELS,
    PSNR,
    UNDAMAGED,
    WHOLE,
    Figure,
    SweepAxis,
    SweepData,
    SweepPoint,
)
from downpass.sim.sweep.intervals import Interval

CAPACITY = "satellites.0.recorder.capacity"


def sweep(
    rates: int = 4, capacities: int = 3, stations: tuple[str, ...] = (), pixels: bool = True
) -> SweepData:
    """Return a grid of rates, capacities and stations; the first point cannot be run."""
    axes = [
        SweepAxis("satellites.0.codec.bpp", tuple(f"{1 + n / 4:g}" for n in range(rates))),
        SweepAxis(CAPACITY, tuple(f"{n + 1} MB" for n in range(capacities))),
    ]
    if stations:
        axes.append(SweepAxis("stations", stations))
    points = [
        _point(number, values, axes, pixels)
        for number, values in enumerate(product(*(axis.values for axis in axes)))
    ]
    return SweepData(
        "a-sweep-<b>of</b>-everything",
        "A scenario with a \u202e hostile description.",
        datetime(2024, 12, 2, tzinfo=UTC),
        86_400.0,
        "0.1.0",
        "downpass sweep 'x<script>.yaml' --over a=1,2",
        tuple(axes),
        3,
        tuple(points),
        False,
    )


def _point(number: int, values: tuple[str, ...], axes: list[SweepAxis], pixels: bool) -> SweepPoint:
    failed = number == 0
    places = [axis.values.index(v) / len(axis.values) for axis, v in zip(axes, values, strict=True)]
    rate, memory = places[0], places[1]
    other = places[2] if len(places) > 2 else 0.0
    figures: dict[Figure, float] = {
        PIXELS: round(9e7 * (0.4 + 0.5 * memory - 0.2 * rate + 0.1 * other)),
        WHOLE: round(300 * (0.4 + 0.5 * memory - 0.2 * rate)),
        DROPPED: max(0, round(120 * (rate - memory + 0.2))),
        LATENCY: 3600.0 * (1 + 4 * rate + 2 * memory - other),
        BACKLOG: 4e6 * (0.1 + memory),
    }
    if pixels:
        figures |= {PSNR: 30 + 9 * rate - other, UNDAMAGED: 31 + 9 * rate}
    found = {
        figure.key: None
        if failed or figure not in figures
        else Interval(figures[figure], figures[figure] * 0.98, figures[figure] * 1.01, 3)
        for figure in FIGURES
    }
    error = "--set satellites.0.codec.bpp: found <b>1</b>; allowed: more" if failed else ""
    return SweepPoint(number, values, 3, 3 if failed else 0, error, found)
