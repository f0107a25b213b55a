"""Refuse a value of a scenario: the error, and the value as the message quotes it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import PydanticCustomError

_LONGEST = 60
"""Characters of a refused value that a message quotes."""


def fault(message: str, at: str = "") -> PydanticCustomError:
    """Return an error whose message the loader prints unchanged.

    Args:
        message: What was found, and what is allowed.
        at: Field within the checked value that is wrong; empty for the value itself.
    """
    return PydanticCustomError("downpass", "{message}", {"message": message, "at": at})


def shown(value: object) -> str:
    """Return a refused value as text that is short enough for a one-line message."""
    match value:
        case None:
            return "nothing"
        case bool():
            text = "true" if value else "false"
        case str():
            text = value[: _LONGEST + 1]
            text = text if text.strip() == text and text else repr(text)
        case int() | float():
            try:
                text = repr(value)
            except ValueError:
                return "a number of thousands of digits"
        case Mapping():
            return "a mapping with no keys" if not value else "a mapping"
        case list() | tuple():
            return "an empty list" if not value else "a list"
        case _:
            text = str(value)
    # Cut the text first, because it may be a megabyte long.
    text = one_line(text[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def one_line(text: str) -> str:
    """Return a text on one line, with the escapes of what cannot be printed."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
