"""Find the smallest value at which something holds, by few runs, without trusting monotony.

More memory usually means fewer dropped frames, but nothing guarantees it: a frame that is no
longer dropped takes the link from another. So a search ends with checks above and below what it
has found; if one of them disagrees, it goes on from there and says so.

A search is a generator that yields the value to try and is sent whether it holds, so many searches
can have their runs done together (`together`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

K = TypeVar("K")

_ABOVE: Final = (1.05, 1.25, 2.0)
_BELOW: Final = (0.95, 0.8, 0.5)
_MOST_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Threshold:
    """The result of a search.

    Attributes:
        value: The smallest value found at which the condition holds, with all larger ones that
            were tried; None if it does not hold even at the largest.
        monotone: Whether every value tried below fails. If not, some smaller value holds, too.
        tried: Every value tried, and whether the condition holds there.
    """

    value: int | None
    monotone: bool
    tried: Mapping[int, bool]


Search: TypeAlias = Generator[int, bool, Threshold]


def smallest(low: int, high: int, guess: int | None = None, precision: float = 0.005) -> Search:
    """Search the smallest whole number at which a condition holds.

    Args:
        low: Smallest number to try, above 0.
        high: Largest number to try.
        guess: A number that may be the exact answer; it is tried first, and one below it.
        precision: Relative distance between two tried numbers at which the search ends.
    """
    tried: dict[int, bool] = {}

    def ask(value: int) -> Generator[int, bool, bool]:
        value = min(max(value, low), high)
        if value not in tried:
            tried[value] = yield value
        return tried[value]

    if guess is not None and (yield from ask(guess)):
        yield from ask(guess - 1)
    elif not (yield from ask(high)):
        return Threshold(None, True, tried)
    for _ in range(_MOST_ROUNDS):
        found = yield from _narrowed(low, high, tried, precision)
        if found is None:
            return Threshold(None, False, tried)
        for factor in _ABOVE:
            yield from ask(math.ceil(found * factor))
        for factor in _BELOW:
            yield from ask(math.floor(found * factor))
        if _found(tried) == found:
            break
    answer = _found(tried)
    monotone = all(not holds for value, holds in tried.items() if answer and value < answer)
    return Threshold(answer, monotone, tried)


def _narrowed(
    low: int, high: int, tried: dict[int, bool], precision: float
) -> Generator[int, bool, int | None]:
    """Halve the gap, by equal factors, between the answer so far and the failure below it.

    None if the condition fails at the largest number, although it holds at a smaller one.
    """
    while True:
        found = _found(tried)
        if found is None:  # the guess held, and something above it does not
            if high in tried:
                return None
            tried[high] = yield high
            continue
        below = max((value for value, holds in tried.items() if value < found), default=None)
        if below is None:
            if found <= low:
                return found
            value = max(low, found // 2)
        elif found - below <= max(1, precision * found):
            return found
        else:
            value = min(max(math.isqrt(below * found), below + 1), found - 1)
        tried[value] = yield value


def _found(tried: Mapping[int, bool]) -> int | None:
    """Return the smallest tried number from which on every tried one holds."""
    answer = None
    for value in sorted(tried, reverse=True):
        if not tried[value]:
            break
        answer = value
    return answer


def together(
    searches: Mapping[K, Search], run: Callable[[Mapping[K, int]], Mapping[K, bool]]
) -> dict[K, Threshold]:
    """Run searches side by side.

    Args:
        searches: The searches by a key.
        run: Given the value that each search wants to try, returns for each whether it holds.
    """
    results: dict[K, Threshold] = {}
    wanted: dict[K, int] = {}

    def advance(key: K, answer: bool | None) -> None:
        try:
            wanted[key] = searches[key].send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            results[key] = end.value

    for key in searches:
        advance(key, None)
    while wanted:
        asked = dict(wanted)
        wanted.clear()
        for key, answer in run(asked).items():
            advance(key, answer)
    return {key: results[key] for key in searches}
