"""Fields of a message: its keywords with values, and the checks that all messages share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ....link.errors import InputError
from ....link.text import printable

LONGEST_VALUE: Final = 254
"""Longest line of KVN in CCSDS 502.0-B-3, section 7.3.2; no value is longer."""

NUMBER: Final = re.compile(
    r"[+-]?(?:\d{1,20}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.A
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value as text, and where it stands.

    Attributes:
        text: The value without blanks around it.
        line: Its line in the file, from 1; 0 if the notation has no lines.
    """

    text: str
    line: int = 0


@dataclass(slots=True)
class Fields:
    """The keywords of one part of a message, each at most once.

    Attributes:
        file: Name of the file, for messages.
        values: Value by keyword.
        line: Line at which the part begins; 0 if unknown.
    """

    file: str
    values: dict[str, Value] = field(default_factory=dict)
    line: int = 0

    def add(self, keyword: str, value: Value) -> None:
        """Add a keyword.

        Raises:
            InputError: The keyword is there already, or its value is too long.
        """
        if keyword in self.values:
            raise self.fault(f"found a second {keyword}; allowed: each keyword once", value.line)
        if len(value.text) > LONGEST_VALUE:
            raise self.fault(
                f"found {len(value.text)} characters in {keyword}; allowed: at most "
                f"{LONGEST_VALUE}",
                value.line,
            )
        self.values[keyword] = value

    def fault(self, message: str, line: int = 0) -> InputError:
        """Return an error that begins with the file and the line."""
        return fault(self.file, message, line or self.line)

    def optional(self, keyword: str) -> str | None:
        """Return a value as text; None if the keyword is missing or its value is empty."""
        value = self.values.get(keyword)
        return value.text if value is not None and value.text else None

    def required(self, keyword: str) -> str:
        """Return a value as text.

        Raises:
            InputError: The keyword is missing or empty.
        """
        text = self.optional(keyword)
        if text is None:
            raise self.fault(f"{keyword} is missing")
        return text

    def one_of(self, keyword: str, allowed: Sequence[str], default: str | None = None) -> str:
        """Return a value that must be on a list; capitals do not matter.

        Args:
            keyword: The keyword.
            allowed: What is allowed, in capitals.
            default: Value if the keyword is missing; None if it must not be.

        Raises:
            InputError: The value is missing or not on the list.
        """
        text = self.optional(keyword) if default is not None else self.required(keyword)
        if text is None:
            return str(default)
        if text.upper() not in allowed:
            raise self.fault(
                f"found {keyword} {shown(text)}; allowed: {', '.join(allowed)}",
                self.line_of(keyword),
            )
        return text.upper()

    def number(
        self, keyword: str, least: float, most: float, default: float | None = None
    ) -> float:
        """Return a number within bounds.

        Args:
            keyword: The keyword.
            least: Smallest allowed number.
            most: Largest allowed number.
            default: Value if the keyword is missing; None if it must not be.

        Raises:
            InputError: The value is missing, no finite number, or out of bounds.
        """
        text = self.optional(keyword) if default is not None else self.required(keyword)
        if text is None:
            return float(default or 0.0)
        value = float(text) if NUMBER.fullmatch(text) else float("nan")
        if not least <= value <= most:
            raise self.fault(
                f"found {keyword} {shown(text)}; allowed: a number from {least:g} to {most:g}",
                self.line_of(keyword),
            )
        return value

    def whole(self, keyword: str, least: int, most: int, default: int | None = None) -> int:
        """Return a whole number within bounds; see `number`."""
        value = self.number(keyword, least, most, default)
        if value != int(value):
            raise self.fault(
                f"found {keyword} {value:g}; allowed: a whole number from {least} to {most}",
                self.line_of(keyword),
            )
        return int(value)

    def line_of(self, keyword: str) -> int:
        """Return the line of a keyword, or that of the part's beginning."""
        value = self.values.get(keyword)
        return value.line if value is not None and value.line else self.line


def fault(file: str, message: str, line: int = 0) -> InputError:
    """Return an error on a file, with the line if it is known."""
    place = f"{file}:{line}" if line else file
    return InputError(f"{printable(place)}: {message}")


def shown(text: str) -> str:
    """Return a refused value as text that is short and safe to show."""
    return printable(text if len(text) <= 60 else text[:60] + "…") or "nothing"
