"""The KVN notation: lines of `KEYWORD = value`, and lines of numbers between them.

Source: CCSDS 502.0-B-3, section 7.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .fields import LONGEST_VALUE, fault, shown

_ASSIGNMENT: Final = re.compile(r"([A-Z][A-Z0-9_]{0,63})\s*=\s*(.*?)\s*(?:\[[^\[\]]{1,32}\])?")


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is neither blank nor a comment.

    Attributes:
        number: Its number in the file, from 1.
        keyword: The keyword of an assignment; empty for any other line.
        text: The value of an assignment without its unit, or the whole line.
    """

    number: int
    keyword: str
    text: str


def lines(text: str, file: str) -> Iterator[Line]:
    """Yield the lines of a message.

    Args:
        text: The message.
        file: Its name, for messages.

    Raises:
        InputError: A line is longer than the standard allows.
    """
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line == "COMMENT" or line.startswith("COMMENT "):
            continue
        if len(line) > LONGEST_VALUE:
            found = f"found a line of {len(line)} characters"
            raise fault(file, f"{found}; allowed: at most {LONGEST_VALUE}", number)
        match = _ASSIGNMENT.fullmatch(line) if "=" in line else None
        if match is not None:
            yield Line(number, match[1], match[2])
        elif "=" in line:
            raise fault(file, f"found {shown(line)}; allowed: KEYWORD = value", number)
        else:
            yield Line(number, "", line)
