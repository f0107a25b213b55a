"""Meet a byte budget with one codec parameter for the whole frame.

A codec has a ladder of steps, from coarsest to finest. The size of a frame is nearly exponential
in the step, so the secant method on log(bytes) comes close to the budget in two or three tries. A
bracket makes the search converge even if a codec's sizes are irregular. The remaining budget is
spent by coding some tiles at the next finer step. No tile is coded twice at the same step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

REVISION: Final = 2
"""Revision of what is chosen within a budget, here and in `tiled`; part of the caches' keys.
Increase it with every change after which another bitstream is made."""
GOOD_ENOUGH: Final = 0.97
_AIM: Final = 0.985

Lengths = Callable[[int], Sequence[int]]
"""Returns the payload lengths of all tiles at a step; it must cache what it has coded."""


def fit(
    lengths: Lengths,
    packed: Callable[[Sequence[int]], int],
    budget: int,
    steps: int,
    first: int,
    slope: float,
    good_enough: float = GOOD_ENOUGH,
) -> list[int] | None:
    """Return a step for each tile so that the frame's size stays within the budget.

    Args:
        lengths: Payload lengths of all tiles at a step.
        packed: Computes the bytes of the container from its payloads' lengths. What a payload
            adds must not depend on the others.
        budget: Largest allowed size in bytes.
        steps: Number of steps; 0 is the coarsest.
        first: The step to try first.
        slope: Expected growth of log(bytes) from one step to the next, until two tries bracket
            the budget.
        good_enough: Share of the budget at which the search stops.

    Returns:
        One step per tile; None if even step 0 exceeds the budget.
    """
    low, high = -1, steps
    low_log = high_log = math.nan
    step, aim = min(max(first, 0), steps - 1), math.log(budget * _AIM)
    stuck, stride = 0, 0
    while high - low > 1:
        total = packed(lengths(step))
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
    if low < 0:
        return None
    chosen = [low] * len(lengths(low))
    if high == low + 1 and high < steps:
        _top_up(chosen, lengths(low), lengths(high), packed, budget)
    return chosen


def _top_up(
    chosen: list[int],
    coarse: Sequence[int],
    fine: Sequence[int],
    packed: Callable[[Sequence[int]], int],
    budget: int,
) -> None:
    """Give tiles the next finer step within the budget, those that grow most first."""
    left = budget - packed(coarse)
    for index in sorted(range(len(chosen)), key=lambda tile: coarse[tile] - fine[tile]):
        cost = packed(fine[index : index + 1]) - packed(coarse[index : index + 1])
        if cost <= left:
            left -= cost
            chosen[index] += 1
