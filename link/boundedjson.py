"""Read JSON that comes from outside: bounded depth, no NaN, no keyword twice."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from .errors import InputError
from .text import printable

DEEPEST: Final = 16
_BRACKETS: Final = re.compile(r"[\[\]{}]")

Pairs = list[tuple[str, Any]]


def parse_json(
    text: str,
    file: str,
    pairs: Callable[[Pairs], Any] | None = None,
    *,
    numbers_as_text: bool = False,
) -> Any:
    """Return the value of a JSON text.

    Args:
        text: The text.
        file: Name of its file, for messages.
        pairs: Makes a value of the keywords and values of an object; by default a dictionary.
        numbers_as_text: Whether numbers are returned as they are written.

    Raises:
        InputError: The text is no JSON, is nested too deeply, or has a keyword twice, or a number
            that is not finite or has thousands of digits.
    """
    name = printable(file)
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(text):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > DEEPEST:  # Python's reader would fail on a nesting of thousands
        raise InputError(f"{name}: found JSON {deepest} deep; allowed: at most {DEEPEST}")

    def once(found: Pairs) -> dict[str, Any]:
        values = dict(found)
        if len(values) != len(found):
            twice = Counter(key for key, _ in found).most_common(1)[0][0]
            raise InputError(f"{name}: found {_short(twice)} twice; allowed: each key once")
        return values

    def not_finite(word: str) -> Any:
        if numbers_as_text:
            return word
        raise InputError(f"{name}: found {word}; allowed: finite numbers")

    number: dict[str, Any] = {"parse_int": str, "parse_float": str} if numbers_as_text else {}
    try:
        return json.loads(
            text, object_pairs_hook=pairs or once, parse_constant=not_finite, **number
        )
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}"
        raise InputError(f"{place}: found no JSON ({error.msg}); allowed: JSON") from None
    except ValueError:
        raise InputError(f"{name}: found a number of thousands of digits") from None


def _short(text: str) -> str:
    return printable(text, 60)
