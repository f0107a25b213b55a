"""Find decoders by codec; a codec's library is imported only if a bitstream needs it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ...link.container.header import NO_MODEL, FrameHeader
from ...link.errors import BitstreamError
from .base import FrameDecoder

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


def _student(header: FrameHeader) -> FrameDecoder:
    from .student import StudentDecoder

    return StudentDecoder(header)


_FACTORIES: dict[str, Factory] = {
    "jpeg2000": _tiled("jpeg2000", "Jpeg2000Tiles"),
    "jpegxl": _tiled("jpegxl", "JpegXlTiles"),
    "jpegls": _tiled("jpegls", "JpegLsTiles"),
    "ccsds121": _tiled("ccsds121", "Ccsds121Tiles"),
    "avif": _tiled("avif", "AvifTiles"),
    "student": _student,
}


def decoder(header: FrameHeader) -> FrameDecoder:
    """Return the decoder for a frame.

    Raises:
        BitstreamError: There is no decoder for this codec or for this model.
    """
    if header.codec not in _FACTORIES:
        raise BitstreamError(f"codec {header.codec}: this downpass decodes {', '.join(_FACTORIES)}")
    return _FACTORIES[header.codec](header)
