"""The option `--codec` of `downpass codec`: a name, or the file of a codec from outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...link.errors import InputError

if TYPE_CHECKING:
    from ...payload.encoders.base import Encoder

_USUAL_TILE: Final = 512


def chosen_encoder(text: str, tile: int | None, threads: int = 1) -> Encoder:
    """Return the encoder that the option chooses.

    Args:
        text: A codec's name, or a file's, which ends in .yaml or .yml.
        tile: Side of a tile in pixels; 0 for one tile per picture; None for that of the codec's
            file, or 512.
        threads: Number of tiles coded at once.

    Raises:
        InputError: There is no such codec, or the file has faults.
    """
    from ...payload.encoders.registry import encoder
    from ..frames.onboard_encoders import onboard_encoder
    from ..scenario.codec_file import is_codec_file, load_codec

    if not is_codec_file(text):
        return encoder(text, _USUAL_TILE if tile is None else tile, threads)
    return onboard_encoder(load_codec(Path(text)), tile, threads)


def named_encoders(texts: list[str], tile: int) -> dict[str, Encoder]:
    """Return the encoders of several options by name; a file's is its name without the ending.

    Raises:
        InputError: As `chosen_encoder`, or two have the same name.
    """
    from ...payload.encoders.registry import names
    from ..scenario.codec_file import is_codec_file

    found: dict[str, Encoder] = {}
    files: dict[str, str] = {}
    for text in texts:
        name = Path(text).stem if is_codec_file(text) else text
        if name in found and files[name] == text:
            continue
        if name != text and name in names():
            raise InputError(
                f"--codec {text}: found the name of one of downpass's codecs; allowed: another "
                "one, so rename the file"
            )
        made = chosen_encoder(text, tile)
        if name in found:
            raise InputError(
                f"--codec {text}: a second codec called {name}; allowed: each name once, so rename "
                "the file"
            )
        found[name], files[name] = made, text
    return found
