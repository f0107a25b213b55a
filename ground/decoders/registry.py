"""Find decoders by codec; a codec's library is imported only if a bitstream needs it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ...link.container.header import NO_MODEL, FrameHeader
from ...link.errors import BitstreamError
from ...link.foreign.codec import ForeignCodec
from .base import FrameDecoder
from .student_networks import check_name, load_network

Factory = Callable[[FrameHeader, str], FrameDecoder]


def _tiled(module: str, codec: str) -> Factory:
    def build(header: FrameHeader, _network: str) -> FrameDecoder:
        from .tiled import TiledDecoder

        if header.fingerprint != NO_MODEL:
            raise BitstreamError(
                f"model {header.fingerprint.hex()} in a {header.codec} frame: it takes no model"
            )
        return TiledDecoder(getattr(import_module(f".{module}", __package__), codec)())

    return build


def _student(header: FrameHeader, network: str) -> FrameDecoder:
    from .student import StudentDecoder

    return StudentDecoder(header, network)


_FACTORIES: dict[str, Factory] = {
    "jpeg2000": _tiled("jpeg2000", "Jpeg2000Tiles"),
    "jpegxl": _tiled("jpegxl", "JpegXlTiles"),
    "jpegls": _tiled("jpegls", "JpegLsTiles"),
    "ccsds121": _tiled("ccsds121", "Ccsds121Tiles"),
    "avif": _tiled("avif", "AvifTiles"),
    "student": _student,
}
_FOREIGN = ("command", "onnx")


def decoder(
    header: FrameHeader, network: str = "fast", foreign: ForeignCodec | None = None
) -> FrameDecoder:
    """Return the decoder for a frame.

    Args:
        header: Header of the frame.
        network: Which of its networks a learned codec decodes with, see `student_networks`.
        foreign: Decodes frames of a codec from outside.

    Raises:
        BitstreamError: There is no decoder for this codec or for this model.
        InputError: There is no such network.
    """
    check_name(network)
    if header.codec in _FOREIGN:
        return _foreign(header, foreign)
    if header.codec not in _FACTORIES:
        raise BitstreamError(f"codec {header.codec}: this downpass decodes {', '.join(_FACTORIES)}")
    return _FACTORIES[header.codec](header, network)


def _foreign(header: FrameHeader, codec: ForeignCodec | None) -> FrameDecoder:
    from .foreign import ForeignTiles
    from .tiled import TiledDecoder

    if codec is None or codec.name != header.codec:
        raise BitstreamError(
            f"codec {header.codec}: its decoder comes from outside; allowed: with that codec, such "
            "as --codec ours.yaml"
        )
    if header.fingerprint != codec.fingerprint:
        raise BitstreamError(
            f"model {header.fingerprint.hex()} in a {header.codec} frame: the codec given decodes "
            f"{codec.fingerprint.hex()}"
        )
    return TiledDecoder(ForeignTiles(codec))


def decoder_identity(codec: str, network: str = "fast", foreign: ForeignCodec | None = None) -> str:
    """Return what a codec's decoded pixels depend on besides the bitstream, for keys of caches.

    Args:
        codec: Name of the codec.
        network: As for `decoder`.
        foreign: As for `decoder`.

    Returns:
        The network's fingerprint in hexadecimal, or the identity of a codec from outside; empty if
        the codec has one decoder only.

    Raises:
        InputError: There is no such network.
    """
    check_name(network)
    if codec in _FOREIGN:
        return "" if foreign is None else foreign.decoder_identity
    return load_network(network).fingerprint.hex() if codec == "student" else ""
