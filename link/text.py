"""Make text from outside safe to show in a terminal, on a page or in a picture.

File names, scenario files, GDAL's messages and boards' texts may contain anything: an escape
sequence repaints the terminal, U+202E reverses the rest of a line, a line feed forges a new line.
Every output goes through `printable`; letters of all scripts stay as they are.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final

LONGEST: Final = 2000
"""Most characters of a line that are shown."""

_SPACES: Final = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_SUSPECT: Final = re.compile(r"[^ -~\u00a0-\u00ac\u00ae-\u02ff]")
_SHOWS_NOTHING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS: Final = "\u200c\u200d"
_INVISIBLE_LETTERS: Final = "\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5"


def printable(text: str, limit: int = LONGEST) -> str:
    r"""Return text on one line, without characters that control the terminal or the layout.

    Line breaks and tabs become a space. Control characters (C0, C1, escape sequences with them),
    bidirectional and other format characters, lone surrogates and unassigned characters become
    their escape, such as `\x1b` or `\u202e`. The two joiners stay between letters of the scripts
    that need them, such as Persian's and Hindi's.

    Args:
        text: Any text.
        limit: Largest number of characters of the result; longer text loses its middle.
    """
    if len(text) > 4 * limit:  # bounds the work on hostile text
        text = f"{text[: 2 * limit]}…{text[-2 * limit :]}"
    text = _SPACES.sub(" ", text)
    text = _SUSPECT.sub(lambda found: _shown(text, found.start()), text)
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def defused(text: str) -> str:
    """Return text of any length and any number of lines, without control characters.

    Unlike `printable`, this keeps line feeds and tabs.
    """
    return _SUSPECT.sub(
        lambda found: found[0] if found[0] in "\n\t" else _shown(text, found.start()), text
    )


def json_text(value: Any, indent: int | None = 2) -> str:
    """Return `value` as JSON that is safe to show: control characters are escaped.

    Raises:
        ValueError: A number is not finite.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    return _SUSPECT.sub(lambda found: _escaped_for_json(found[0]), text)


def _shown(text: str, at: int) -> str:
    character = text[at]
    if not _acts(character):
        return character
    if character in _JOINERS and _is_letter(text, at - 1) and _is_letter(text, at + 1):
        return character
    return _escaped(character)


def _acts(character: str) -> bool:
    return unicodedata.category(character) in _SHOWS_NOTHING or character in _INVISIBLE_LETTERS


def _is_letter(text: str, at: int) -> bool:
    """Return whether the character is a letter or a mark of a script without capitals."""
    if not 0 <= at < len(text) or text[at] in _INVISIBLE_LETTERS:
        return False
    return unicodedata.category(text[at]) in {"Lo", "Mn", "Mc"}


def _escaped(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _escaped_for_json(character: str) -> str:
    if character in "\n" or not _acts(character):
        return character
    code = ord(character)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
