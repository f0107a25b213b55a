"""A program with its arguments, as a scenario names it: found, checked and identified.

    [python3, "{folder}/dpcm.py", encode, "{width}", "{height}", "{quality}"]

Words in braces stand for values of each call (`PLACEHOLDERS`). No shell reads the line.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import InputError
from ..text import printable
from .regular_file import opened

PLACEHOLDERS: Final = {
    "input": "path of the file to read; without it, the file is standard input",
    "output": "path of the file to write; without it, that is standard output",
    "width": "columns of the tile",
    "height": "rows of the tile",
    "bands": "bands of the tile",
    "bits": "bits per sample, 1 to 16",
    "bytes": "bytes per sample, 1 or 2",
    "quality": "quality of the tile (encode only)",
    "folder": "folder of the file that names the program",
    "python": "the Python that runs downpass",
}
"""Words that may stand in braces in an argument, and what they stand for."""

MOST_WORDS: Final = 100
LONGEST_WORD: Final = 4096
FIXED: Final = ("folder", "python")
"""Placeholders that are the same for all tiles, and may stand in the program's name."""
_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments.

    Attributes:
        label: What messages call it.
        program: Path of the program.
        arguments: Arguments, with placeholders for what differs from tile to tile.
        digest: SHA-256 over the arguments, in which the path of a file counts by its name and
            content, and over the further files.
    """

    label: str
    program: Path
    arguments: tuple[str, ...]
    digest: str

    @classmethod
    def find(cls, label: str, words: Sequence[str], files: Sequence[Path] = ()) -> Command:
        """Find a program, and read it and the files that its arguments name.

        Args:
            label: What messages call it.
            words: The program and its arguments. A program without a slash is looked for in PATH.
            files: Further files on which its results depend.

        Raises:
            InputError: There is no such program, or a file cannot be read.
        """
        program, *arguments = (_filled(word, {"python": sys.executable}) for word in words)
        found = shutil.which(program)
        if found is None:
            where = "" if "/" in program else " in PATH"
            raise InputError(
                f"{label}: found no program {printable(program, 200)}{where} that can be executed"
            )
        parts = [_identity(word) for word in (str(Path(found).absolute()), *arguments)]
        parts += [_digest(path) for path in files]
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return cls(label, Path(found).absolute(), tuple(arguments), digest)

    def names(self, placeholder: str) -> bool:
        """Return whether an argument has this placeholder."""
        return any(f"{{{placeholder}}}" in word for word in self.arguments)

    def line(self, values: Mapping[str, str]) -> list[str]:
        """Return the command line with values in place of the placeholders."""
        return [str(self.program), *(_filled(word, values) for word in self.arguments)]


def unknown_placeholders(words: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """Return the placeholders in a command that have no meaning.

    Args:
        words: The program and its arguments.
        without: Placeholders that are not allowed here.
    """
    found = [name for word in words for name in _PLACEHOLDER.findall(word)]
    return [name for name in found if name not in PLACEHOLDERS or name in without]


def _digest(path: Path) -> str:
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _filled(word: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), word)


def _identity(word: str) -> str:
    """Return a word, or name and digest of the file that it is the path of."""
    path = Path(word)
    try:
        is_file = path.is_absolute() and path.is_file()
    except (OSError, ValueError):
        is_file = False
    return f"{path.name} {_digest(path)}" if is_file else word
