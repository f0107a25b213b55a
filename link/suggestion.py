"""Suggest the allowed name that the user probably meant by an unknown one."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 64
"""Most characters of a name that are compared: difflib's work grows with the length's square."""
MOST: Final = 1000
"""Most names that are compared."""


def closest(found: object, allowed: Iterable[str]) -> str | None:
    """Return the allowed name that is most similar to what was found; None if none is similar.

    Capital and small letters count as equal. Of long names the beginning is compared, and of
    many names the first thousand, so that a hostile file costs little time.

    Args:
        found: What was found, of any type.
        allowed: Allowed names.
    """
    names = {name[:LONGEST].casefold(): name for name in itertools.islice(allowed, MOST)}
    matches = difflib.get_close_matches(str(found)[:LONGEST].casefold(), names, n=1)
    return names[matches[0]] if matches else None


def did_you_mean(found: object, allowed: Iterable[str]) -> str:
    """Return `; did you mean NAME?` to end a message with, or nothing if no name is close."""
    name = closest(found, allowed)
    return "" if name is None else f"; did you mean {name}?"
