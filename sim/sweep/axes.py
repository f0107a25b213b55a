"""The axes of a sweep: which field varies, and over which values.

An axis comes from the scenario's `sweep` section or from `--over` on the command line:

    satellites.0.codec.bpp=0.5,1,2               a list
    satellites.0.recorder.capacity=1 MB..16 MB:5:log   five values by equal factors
    stations=[svalbard],[svalbard, awarua]       values may be lists or mappings
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from ...link.errors import InputError
from ...link.text import printable
from ..scenario.refusal import shown
from ..scenario.sweep import LONGEST_FIELD, MOST_CELLS, SweepRange
from ..scenario.yamltree import YamlError, parse

SEED: Final = "seed"
"""The field that repeats a point with other random draws, instead of making another point."""

Values: TypeAlias = tuple[Any, ...]

_LONGEST: Final = 100_000
_DIGITS: Final = 4
_NUMBER: Final = r"[+-]?\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?"
_UNIT: Final = r"[A-Za-z°/%]{0,20}(?:\s?/\s?[a-z]{1,10})?"
_QUANTITY: Final = re.compile(rf"({_NUMBER})\s*({_UNIT})", re.ASCII | re.IGNORECASE)
_RANGE: Final = re.compile(
    rf"({_NUMBER}\s*{_UNIT})\s*\.\.\s*({_NUMBER}\s*{_UNIT})(?::(\d{{1,6}}))?(?::(linear|log))?"
)


@dataclass(frozen=True, slots=True)
class Interval:
    """The ends of a range, as numbers and as people write them.

    Attributes:
        low: First value.
        high: Last value.
        unit: Unit of both; empty if they have none.
        whole: Whether both are whole numbers without a unit, so that the values between may be.
        log: Whether values are spaced by equal factors.
    """

    low: Decimal
    high: Decimal
    unit: str
    whole: bool
    log: bool

    def at(self, share: float) -> Any:
        """Return the value at a share of the way from `low` to `high`.

        It is rounded to four digits, or more if the ends are close to each other.
        """
        if share <= 0:
            return self._written(self.low)
        if share >= 1:
            return self._written(self.high)
        low, high = float(self.low), float(self.high)
        if self.log:
            value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            value = low + share * (high - low)
        close = math.log10(max(abs(low), abs(high)) / (high - low))
        digits = min(15, _DIGITS + max(0, math.floor(close)))
        return self._written(Decimal(f"{value:.{digits}g}"))

    def steps(self, step: Decimal) -> Iterator[Any]:
        """Yield the values at a distance of `step`, exactly."""
        number = 0
        while (value := self.low + number * step) <= self.high:
            yield self._written(value)
            number += 1

    def _written(self, value: Decimal) -> Any:
        plain = int(value) if value == value.to_integral_value() and self.whole else float(value)
        return f"{float(value):.15g} {self.unit}" if self.unit else plain


@dataclass(frozen=True, slots=True)
class Axis:
    """One field with its values.

    Attributes:
        field: The field, as for `--set`.
        values: Its values as a scenario file has them; empty if `interval` is to be sampled.
        interval: The range that the values were made from, if any.
    """

    field: str
    values: Values
    interval: Interval | None = None

    @property
    def is_numeric(self) -> bool:
        """Whether all values are plain numbers."""
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)

    def drawn(self, slices: Sequence[int], within: Sequence[float]) -> Axis:
        """Return the axis with one value for each slice of it.

        Args:
            slices: Number of each slice, from 0; as many as the axis is cut into.
            within: Where in its slice each value lies, 0 to 1. A list's values ignore it.
        """
        count = len(slices)
        if self.interval is None:
            picked = tuple(self.values[n * len(self.values) // count] for n in slices)
            return Axis(self.field, picked)
        shares = ((n + part) / count for n, part in zip(slices, within, strict=True))
        return Axis(self.field, tuple(map(self.interval.at, shares)), self.interval)


def override(field: str, value: Any) -> str:
    """Return the override that sets a field to a value, as `load_scenario` takes it."""
    # JSON is YAML; quotes keep text such as `10:30` or `1e3` what it is.
    return f"{field}={json.dumps(value, ensure_ascii=False)}"


def written(value: Any) -> str:
    """Return a value as people write it: `0.5`, `4 MB`, `[svalbard, awarua]`."""
    match value:
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case float():
            return f"{value:.15g}"
        case list() | tuple():
            return "[" + ", ".join(map(written, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}"
    return printable(str(value))


def axis(field: str, values: Sequence[Any] | SweepRange) -> Axis:
    """Return the axis of a field.

    Args:
        field: The field, as for `--set`.
        values: Its values, or a range of them.

    Raises:
        InputError: The field or the range cannot be used, or a value appears twice.
    """
    if isinstance(values, SweepRange):
        interval = _interval(field, values)
        return Axis(field, tuple(_spread(field, values, interval)), interval)
    # By their text, which names the points: 1 and 1.0 would be two points of one name.
    seen: set[str] = set()
    for value in values:
        if written(value) in seen:
            raise InputError(
                f"--over {shown(field)}: found {shown(written(value))} twice; allowed: once"
            )
        seen.add(written(value))
    return Axis(field, tuple(values))


def parse_axis(text: str) -> Axis:
    """Read an axis from the command line: `FIELD=VALUE,VALUE,…` or `FIELD=FROM..TO:COUNT`.

    Raises:
        InputError: The text is no axis.
    """
    field, equals, rest = text.partition("=")
    field, rest = field.strip(), rest.strip()
    if not equals or not field or not rest:
        raise InputError(
            f"--over {shown(text)}: allowed: FIELD=VALUE,VALUE,… or FIELD=FROM..TO:COUNT, such as "
            "satellites.0.codec.bpp=0.5,1,2"
        )
    if len(rest) > _LONGEST or len(field) > LONGEST_FIELD:
        raise InputError(
            f"--over {shown(field)}: found {len(text)} characters; allowed: at most {_LONGEST}"
        )
    found = _RANGE.fullmatch(rest)
    if found is not None:
        low, high, count, scale = found.groups()
        given = {"from": low.strip(), "to": high.strip(), "scale": scale or "linear"}
        if count is not None:
            given["count"] = int(count)
        return axis(field, _checked_range(field, given))
    value = _yaml(field, rest) if rest.startswith("{") and _closes(rest) else None
    if isinstance(value, dict) and {"from", "to"} <= value.keys():
        return axis(field, _checked_range(field, value))
    return axis(field, [_yaml(field, part) for part in _parts(rest)])


def _checked_range(field: str, given: dict[str, Any]) -> SweepRange:
    try:
        return SweepRange.model_validate(given, context={"file": True})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        context = first.get("ctx", {})
        words = context.get("message", first["msg"])
        raise InputError(
            f"--over {shown(field)}: {f'{where}: ' if where else ''}{printable(str(words))}"
        ) from None


def _yaml(field: str, text: str) -> Any:
    try:
        return parse(text).checked().value
    except YamlError as error:
        raise InputError(f"--over {shown(field)}: {error.message}") from None


def _parts(text: str) -> Iterator[str]:
    """Split text at commas that lie outside brackets, braces and quotes."""
    depth, quote, start = 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


def _closes(text: str) -> bool:
    """Return whether the text is one mapping, and not several with commas between them."""
    return len(list(_parts(text))) == 1


def _interval(field: str, given: SweepRange) -> Interval:
    ends = [_quantity(field, value) for value in (given.from_, given.to)]
    (low, low_unit), (high, high_unit) = ends
    if low_unit != high_unit:
        raise InputError(
            f"--over {shown(field)}: found a range from {shown(given.from_)} to "
            f"{shown(given.to)}; allowed: both in the same unit"
        )
    if low >= high:
        raise InputError(
            f"--over {shown(field)}: found a range from {shown(given.from_)} to "
            f"{shown(given.to)}; allowed: from below to"
        )
    if given.scale == "log" and low <= 0:
        raise InputError(
            f"--over {shown(field)}: found {shown(given.from_)} with scale log; allowed: above 0"
        )
    whole = not low_unit and all(value == value.to_integral_value() for value in (low, high))
    return Interval(low, high, low_unit, whole, given.scale == "log")


def _quantity(field: str, value: Any) -> tuple[Decimal, str]:
    found = _QUANTITY.fullmatch(str(value).strip()) if len(str(value)) <= 60 else None
    if found is None:
        raise InputError(
            f"--over {shown(field)}: found {shown(value)} in a range; allowed: numbers, with "
            "their unit if the field has one, such as 4 MB"
        )
    return Decimal(found[1]), re.sub(r"\s+", "", found[2])


def _spread(field: str, given: SweepRange, interval: Interval) -> Iterator[Any]:
    if given.count is not None:
        values = [interval.at(place / (given.count - 1)) for place in range(given.count)]
        numbers = [_quantity(field, value)[0] for value in values]
        if any(first >= second for first, second in pairwise(numbers)):
            raise InputError(
                f"--over {shown(field)}: found {given.count} values from {shown(given.from_)} to "
                f"{shown(given.to)}, some of them equal after rounding; allowed: fewer values, or "
                "a list"
            )
        yield from values
    elif given.step is not None:
        step, unit = _quantity(field, given.step)
        if step <= 0 or unit != interval.unit:
            raise InputError(
                f"--over {shown(field)}: found step {shown(given.step)}; allowed: above 0, in the "
                "unit of the range"
            )
        if (interval.high - interval.low) / step >= MOST_CELLS:
            raise InputError(
                f"--over {shown(field)}: found step {shown(given.step)}; allowed: a step that "
                f"makes at most {MOST_CELLS} values"
            )
        fine = Interval(
            interval.low,
            interval.high,
            interval.unit,
            interval.whole and step == step.to_integral_value(),
            interval.log,
        )
        yield from fine.steps(step)
