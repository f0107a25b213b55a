"""Find encoders by name; a codec's library is imported only if the codec is used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from ...link.errors import InputError
from ...link.foreign.codec import ForeignCodec
from ...link.suggestion import did_you_mean
from .base import Encoder
from .traits import TRAITS

Factory = Callable[[int, int], Encoder]
_STILL_LIBRARY = "imagecodecs"


def _tiled(module: str, codec: str) -> Factory:
    def build(tile: int, threads: int) -> Encoder:
        if not has_still_codecs():
            raise InputError(
                f"codec {module!r} needs imagecodecs, which is not installed: "
                "pip install imagecodecs"
            )
        from .tiled import TiledEncoder

        return TiledEncoder(
            getattr(import_module(f".{module}", __package__), codec)(), tile, threads
        )

    return build


def _student(tile: int, threads: int) -> Encoder:
    from .student.encoder import StudentEncoder

    return StudentEncoder(tile, threads)


_FACTORIES: dict[str, Factory] = {
    "jpeg2000": _tiled("jpeg2000", "Jpeg2000"),
    "jpegxl": _tiled("jpegxl", "JpegXl"),
    "jpegls": _tiled("jpegls", "JpegLs"),
    "ccsds121": _tiled("ccsds121", "Ccsds121"),
    "avif": _tiled("avif", "Avif"),
    "student": _student,
}


def has_still_codecs() -> bool:
    """Return whether the still-picture codecs' library is installed, which a board may lack."""
    return find_spec(_STILL_LIBRARY) is not None


def default_codec() -> str:
    """Return the codec that a board runs if none is named: the student if there is no other."""
    return "jpeg2000" if has_still_codecs() else "student"


def names() -> tuple[str, ...]:
    """Return the names of downpass's own codecs, JPEG 2000 first."""
    return tuple(_FACTORIES)


def foreign_encoder(codec: ForeignCodec, tile: int = 512, threads: int = 1) -> Encoder:
    """Return an encoder that uses a codec from outside.

    Args:
        codec: Its encoder and decoder.
        tile: Side of a tile in pixels; 0 for one tile per frame.
        threads: Number of tiles coded at once.

    Raises:
        InputError: The tile size is not allowed.
    """
    from .foreign import ForeignEncoder

    return ForeignEncoder(codec, tile, threads)


def encoder(name: str, tile: int = 512, threads: int = 1) -> Encoder:
    """Return an encoder.

    Args:
        name: One of `names()`.
        tile: Side of a tile in pixels; 0 for one tile per frame.
        threads: Number of tiles coded at once; every tile is coded on one thread.

    Raises:
        InputError: There is no codec of that name, or the tile size is not allowed.
    """
    if name in TRAITS and TRAITS[name].foreign:
        raise InputError(
            f"codec {name!r}: it comes from outside; allowed: a scenario whose codec names it, or "
            "a file with its section, such as --codec ours.yaml"
        )
    if name not in _FACTORIES:
        raise InputError(
            f"codec {name!r}: allowed are {', '.join(_FACTORIES)}{did_you_mean(name, _FACTORIES)}"
        )
    return _FACTORIES[name](tile, threads)
