"""The rate policy `lookahead`: bits go where they raise the delivered quality most.

    contacts to come ─┐
    frames to come ───┼─► allocation by equal slopes ─► size of the frame that is encoded now
    stored bytes ─────┘          ▲
                     rate-distortion curves of this frame and, of those to come, of their targets

The plan is made anew for each frame, so whatever went otherwise than expected is made up for by the
frames that follow. For a frame that is not yet taken, the mean curve of its target's frames so far
stands in; before the first of them, that of all frames so far.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ...payload.encoders.base import Setting
from ..model.setup import Capture, MissionSetup, Situation
from .allocation import ValueCurve, allocate, concave, together
from .expected_quality import LARGEST_DB
from .foresight import Foresight

Point = tuple[float, float]
"""Bits per pixel of a frame, and its PSNR in dB."""
Points = Sequence[Point | None]
"""A frame's curve: a point for each setting, None where the codec cannot meet it."""

STEPS_PER_OCTAVE: Final = 8
"""Settings per doubling of the rate. Frames with the same view and setting are encoded once."""
CURVE_POINTS: Final = 6
PLANNED_ALONE: Final = 200
"""Frames to come that are planned each by itself; later ones are planned in groups."""
MOST_GROUPS: Final = 100
_GENERIC_DB: Final = 3.0
"""dB per doubling of the rate, for frames without pixels (the slope at one bit per pixel of
natural pictures, about half of the 6.02 dB per bit of independent samples)."""
_ALL: Final = -1


class Lookahead:
    """Chooses each frame's rate from the contacts and frames to come.

    Args:
        setup: The mission.
        satellite: Index of the satellite.
        least_bpp: Lowest rate, in bits per pixel.
        most_bpp: Highest rate.
        measure: Returns a frame's rate-distortion curve; None for a frame without pixels.
    """

    def __init__(
        self,
        setup: MissionSetup,
        satellite: int,
        *,
        least_bpp: float,
        most_bpp: float,
        measure: Callable[[Capture, Sequence[Setting]], Points | None],
    ) -> None:
        self._captures = setup.satellites[satellite].captures
        self._ends = [capture.end for capture in self._captures]
        self._foresight = Foresight(setup, satellite)
        self._duration = setup.duration
        steps = max(1, math.ceil(STEPS_PER_OCTAVE * math.log2(most_bpp / least_bpp)))
        ratio = (most_bpp / least_bpp) ** (1 / steps)
        self._rates = [least_bpp * ratio**step for step in range(steps)] + [most_bpp]
        last = min(CURVE_POINTS - 1, steps)
        self._measured = tuple(
            Setting(bpp=self._rates[round(number * steps / last)]) for number in range(last + 1)
        )
        self._measure = measure
        self._curves = _CurveBook(self._measured)
        self._asked: set[int] = set()

    @property
    def measured(self) -> Sequence[Setting]:
        """The settings at which curves are measured."""
        return self._measured

    def planned(self, capture: Capture) -> None:  # noqa: ARG002
        """Return None: no setting is known before the run."""
        return

    def setting(self, capture: Capture, situation: Situation) -> Setting:
        """Return the setting that the plan gives this frame."""
        self._asked.add(capture.number)
        points = self._measure(capture, self._measured)
        own = self._curves.add(capture, points)
        now = situation.time
        curves = [ValueCurve((situation.recorder_used,), (0.0,)), own]
        times = [now, now]
        taken = bisect_right(self._ends, now)
        waiting = [c for c in self._captures[:taken] if c.number not in self._asked]
        if situation.queued_bytes <= capture.raw_bytes:
            waiting = []  # they were dropped, and are not in working memory any more
        for group, time in _grouped([*waiting, *self._captures[taken:]]):
            curves.append(self._curves.expected(group))
            times.append(max(now, time))
        begin = self._foresight.sendable(now)
        sendable = [self._foresight.sendable(time) - begin for time in times]
        at_end = self._foresight.sendable(self._duration) - begin
        capacity = situation.recorder_capacity
        sizes = allocate(curves, sendable, at_end, capacity)
        # A file keeps all its memory until its last byte has arrived, so besides the bytes to send
        # there may be one file that is all but sent.
        sizes = allocate(curves, sendable, at_end, capacity - max(sizes[1:]))
        bpp = sizes[1] * 8 / (capture.width * capture.height)
        step = bisect_right(self._rates, bpp * (1 + 1e-9)) - 1
        return Setting(bpp=max(self._rates[max(0, step)], self._least_possible(points)))

    def _least_possible(self, points: Points | None) -> float:
        """Return the lowest of the measured rates that the codec can meet with this frame."""
        pairs = zip(self._measured, points or (), strict=False)
        return next((setting.bpp or 0.0 for setting, point in pairs if point is not None), 0.0)


def _grouped(captures: Sequence[Capture]) -> list[tuple[Sequence[Capture], int]]:
    """Return frames in groups, each with the tick at which all of it is there."""
    alone = [([capture], capture.end) for capture in captures[:PLANNED_ALONE]]
    rest = captures[PLANNED_ALONE:]
    size = -(-len(rest) // MOST_GROUPS) if rest else 1
    groups = [rest[i : i + size] for i in range(0, len(rest), size)]
    return [*alone, *((group, group[-1].end) for group in groups)]


class _CurveBook:
    """Value curves: measured ones, and the means that stand in for frames not yet taken."""

    def __init__(self, settings: Sequence[Setting]) -> None:
        self._settings = settings
        self._sums: dict[int, list[_Mean]] = {}

    def add(self, capture: Capture, points: Points | None) -> ValueCurve:
        """Take in a frame's curve, and return it with the frame's priority as weight."""
        if points is None:
            return _curve(capture, self._generic())
        for key in (capture.target, _ALL):
            means = self._sums.setdefault(key, [_Mean() for _ in self._settings])
            for mean, point in zip(means, points, strict=True):
                if point is not None:
                    mean.add(point)
        return _curve(capture, [point for point in points if point is not None])

    def expected(self, captures: Sequence[Capture]) -> ValueCurve:
        """Return the curve of frames to come, all together."""
        return together([_curve(capture, self._mean(capture.target)) for capture in captures])

    def _mean(self, target: int) -> list[Point]:
        means = self._sums.get(target) or self._sums.get(_ALL)
        if means is None:
            return self._generic()
        return [mean.point for mean in means if mean.count]

    def _generic(self) -> list[Point]:
        rates = [float(setting.bpp or 0.0) for setting in self._settings]
        return [(rate, _GENERIC_DB * math.log2(rate / rates[0])) for rate in rates]


@dataclass(slots=True)
class _Mean:
    """The mean of the points of several frames at one setting."""

    count: int = 0
    bpp: float = 0.0
    psnr_db: float = 0.0

    def add(self, point: Point) -> None:
        self.count += 1
        self.bpp += point[0]
        self.psnr_db += min(point[1], LARGEST_DB)

    @property
    def point(self) -> Point:
        return self.bpp / self.count, self.psnr_db / self.count


def _curve(capture: Capture, points: Sequence[Point]) -> ValueCurve:
    pixels = capture.width * capture.height
    sizes = [(math.ceil(bpp * pixels / 8), min(level, LARGEST_DB)) for bpp, level in points]
    return concave(sizes).weighted(float(capture.priority))
