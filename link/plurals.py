"""Nouns beside numbers: 1 frame, 2 frames, 2 passes, 2 retries."""

from __future__ import annotations


def noun_of(number: float, noun: str) -> str:
    """Return a noun in the form that fits a number."""
    if number == 1:
        return noun
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch")) else "s")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, for the terminal: `2 passes`."""
    return f"{number} {noun_of(number, noun)}"
