"""Write a comparison of codecs into a folder: compare.json and figures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ...link.errors import InputError
from ...link.files import whole_file

_TABLE: Final = "compare.json"
_MEAN: Final = "rd.png"
_LONGEST_NAME: Final = 200
"""Most bytes of a picture's name in the name of its figure."""


def check_out(folder: Path, pictures: Iterable[Path]) -> None:
    """Refuse, before the work begins, a folder that cannot take a comparison's files.

    Args:
        folder: Folder that `write_out` will write into.
        pictures: Pictures that are compared.

    Raises:
        InputError: The folder cannot be written, or one of the pictures in it has the name of a
            file that is written.
    """
    place = folder.absolute()
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise InputError(f"{folder}: cannot be written ({place} is no folder)")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: cannot be written ({place} may not be changed)")
    inside = folder.resolve()
    for picture in pictures:
        with suppress(OSError, RuntimeError):  # a picture that cannot be read is refused later
            place = picture.resolve()
            if place.parent == inside and (
                place.name == _MEAN or (place.name.startswith("rd-") and place.suffix == ".png")
            ):
                raise InputError(
                    f"--out {folder}: holds {picture}, a picture to compare with the name of a "
                    "figure; allowed: another folder"
                )


def write_out(folder: Path, found: dict[str, Any]) -> None:
    """Write compare.json, a figure of each picture's curves, and a figure of their mean.

    Raises:
        InputError: The folder cannot be written.
    """
    from .figure import mean_figure, picture_figure

    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, indent=2) + "\n"
        _replace(folder / _TABLE, text.encode())
        _replace(folder / _MEAN, mean_figure(found))
        for name, image in found["images"].items():
            _replace(folder / f"rd-{_short(name)}.png", picture_figure(name, image))
    except OSError as error:
        raise _refusal(folder, error) from None


def _refusal(folder: Path, error: OSError) -> InputError:
    return InputError(f"{folder}: cannot be written ({error.strerror})")


def _short(name: str) -> str:
    """Return a picture's name, or its beginning and a digest if it is too long for a file name."""
    data = os.fsencode(name)
    if len(data) <= _LONGEST_NAME:
        return name
    return f"{data[:_LONGEST_NAME].decode(errors='ignore')}-{sha256(data).hexdigest()[:16]}"


def _replace(path: Path, data: bytes) -> None:
    with whole_file(path) as file:
        file.write(data)
