"""Meet a byte budget with one codec parameter for the whole frame.

A codec has a ladder of steps, from coarsest to finest. The size of a frame is nearly exponential
in the step, so the secant method on log(bytes) comes close to the budget in two or three tries. A
bracket makes the search converge even if a codec's sizes are irregular. At the coarse end they may
even fall: if the coarsest step exceeds the budget, the next ones are tried. The remaining budget is
spent by coding some tiles at the next finer step. No tile is coded twice at the same step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

REVISION: Final = 3
"""Revision of what is chosen within a budget, here and in `tiled`; part of the caches' keys.
Increase it with every change after which another bitstream is made."""
GOOD_ENOUGH: Final = 0.97
AHEAD: Final = 8
"""Steps that are tried beyond the smallest size so far, at the coarse end of the ladder."""
_AIM: Final = 0.985

Lengths = Callable[[int], Sequence[int]]


@dataclass(frozen=True)
class Ladder:
    """The sizes of a frame at a codec's steps; 0 is the coarsest.

    Attributes:
        lengths: Returns the payload lengths of all tiles at a step; it must cache what it has
            coded.
        packed: Computes the bytes of the container from its payloads' lengths. What a payload adds
            must not depend on the others.
        steps: Number of steps.
    """

    lengths: Lengths
    packed: Callable[[Sequence[int]], int]
    steps: int

    def size(self, step: int) -> int:
        """Return the bytes of the frame's container at a step."""
        return self.packed(self.lengths(step))


def fit(
    ladder: Ladder,
    budget: int,
    first: int,
    slope: float,
    good_enough: float = GOOD_ENOUGH,
    ahead: int = AHEAD,
) -> list[int] | None:
    """Return a step for each tile so that the frame's size stays within the budget.

    Args:
        ladder: The sizes that the frame can have.
        budget: Largest allowed size in bytes.
        first: The step to try first.
        slope: Expected growth of log(bytes) from one step to the next, until two tries bracket
            the budget.
        good_enough: Share of the budget at which the search stops.
        ahead: As for `smallest_step`; 0 if sizes never fall.

    Returns:
        One step per tile; None if even the smallest size exceeds the budget.
    """
    low, high = _bracket(ladder, budget, first, slope, good_enough, -1)
    if low < 0:
        least = smallest_step(ladder, ahead)
        if ladder.size(least) > budget:
            return None
        low, high = _bracket(ladder, budget, first, slope, good_enough, least)
    chosen = [low] * len(ladder.lengths(low))
    if high == low + 1 and high < ladder.steps:
        _top_up(chosen, ladder, low, budget)
    return chosen


def smallest_step(ladder: Ladder, ahead: int = AHEAD) -> int:
    """Return the step of the smallest size at the coarse end of the ladder.

    That is not always step 0. JPEG-LS with two levels per sample, for example, may take several
    times the bytes of the next step.

    Args:
        ladder: The sizes that the frame can have.
        ahead: How many steps without a smaller size end the search.
    """
    least, smallest = 0, ladder.size(0)
    step = 1
    while step < ladder.steps and step <= least + ahead:
        total = ladder.size(step)
        if total < smallest:
            least, smallest = step, total
        step += 1
    return least


def _bracket(
    ladder: Ladder, budget: int, first: int, slope: float, good_enough: float, low: int
) -> tuple[int, int]:
    """Return a step within the budget that is good enough, and the next one if that exceeds it.

    The arguments are those of `fit`. `low` is a step within the budget, or -1 if none is known;
    that is returned if no step is found.
    """
    high = ladder.steps
    low_log = high_log = math.nan
    if low >= 0:
        low_log = math.log(ladder.size(low))
    step, aim = min(max(first, low + 1), high - 1), math.log(budget * _AIM)
    stuck, stride = 0, 0
    while high - low > 1:
        total = ladder.size(step)
        width = high - low
        if total <= budget:
            low, low_log = step, math.log(total)
            if total >= good_enough * budget:
                break
        else:
            high, high_log = step, math.log(total)
        if not (math.isnan(low_log) or math.isnan(high_log)):
            stuck = stuck + 1 if high - low > width / 2 else 0
            share = (aim - low_log) / max(high_log - low_log, 1e-12)
            step = (low + high) // 2 if stuck > 1 else low + round(share * (high - low))
        else:
            here = low_log if math.isnan(high_log) else high_log
            jump = (aim - here) / slope
            stride = max(abs(round(jump)) + 1, 2 * stride)
            step += int(math.copysign(stride, jump))
        step = min(max(step, low + 1), high - 1)
    return low, high


def _top_up(chosen: list[int], ladder: Ladder, step: int, budget: int) -> None:
    """Give tiles of a step the next finer one within the budget, those that grow most first."""
    packed, coarse, fine = ladder.packed, ladder.lengths(step), ladder.lengths(step + 1)
    left = budget - packed(coarse)
    for index in sorted(range(len(chosen)), key=lambda tile: coarse[tile] - fine[tile]):
        cost = packed(fine[index : index + 1]) - packed(coarse[index : index + 1])
        if cost <= left:
            left -= cost
            chosen[index] += 1
