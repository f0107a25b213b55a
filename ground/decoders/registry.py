"""Decoders by codec. A codec's library is imported when a bitstream needs it, not before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...link.bitstream import NO_MODEL, BitstreamError, FrameHeader


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """What a decoder made of a frame's payloads.

    Attributes:
        samples: (rows, columns, bands), unsigned, counted from the header's lowest value.
        holes: (rows, columns), True at nodata pixels; None where the frame has no masks.
        lost: Indices of tiles that arrived whole but do not decode.
    """

    samples: NDArray[np.integer]
    holes: NDArray[np.bool_] | None
    lost: tuple[int, ...]


class FrameDecoder(Protocol):
    """A codec's half on the ground: it sees all tiles of a frame at once."""

    def decode(self, header: FrameHeader, payloads: Sequence[bytes | None], threads: int) -> Tiles:
        """Return the frame's samples; never raises for what is in a payload."""
        ...


Factory = Callable[[FrameHeader], FrameDecoder]


def _tiled(module: str, codec: str) -> Factory:
    def build(header: FrameHeader) -> FrameDecoder:
        from .tiled import TiledDecoder

        if header.fingerprint != NO_MODEL:
            raise BitstreamError(
                f"model {header.fingerprint.hex()} in a {header.codec} frame: it takes no model"
            )
        return TiledDecoder(getattr(import_module(f".{module}", __package__), codec)())

    return build


_FACTORIES: dict[str, Factory] = {
    "jpeg2000": _tiled("jpeg2000", "Jpeg2000Tiles"),
    "jpegxl": _tiled("jpegxl", "JpegXlTiles"),
    "jpegls": _tiled("jpegls", "JpegLsTiles"),
    "ccsds121": _tiled("ccsds121", "Ccsds121Tiles"),
    "avif": _tiled("avif", "AvifTiles"),
}


def decoder(header: FrameHeader) -> FrameDecoder:
    """Return the decoder of a frame.

    Raises:
        BitstreamError: No decoder of this codec here, or none of this model.
    """
    if header.codec not in _FACTORIES:
        raise BitstreamError(f"codec {header.codec}: this downpass decodes {', '.join(_FACTORIES)}")
    return _FACTORIES[header.codec](header)
