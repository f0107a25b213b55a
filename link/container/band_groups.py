"""The rules by which still-picture codecs group bands, shared by encoder and decoder.

If a header has no *groups*, these rules give them, so they are part of the bitstream's format
(docs/bitstream.md, "A tile's bytes"). The learned codec has its own rule: it codes bands in
triples (`link.student.band_map.triples`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Groups = list[list[int]]
"""Band numbers of each codestream, in coding order."""

_JPEG2000_MOST: Final = 8
"""Most bands of a codestream after the colour triple.

More than nine bands of one bit overflow a buffer that OpenJPEG sizes by their depth.
"""


def band_groups(codec: str, bands: int) -> Groups:
    """Return which bands share a codestream, in coding order.

    Args:
        codec: Name of a codec whose tiles are still pictures (`link.container.header.CODECS`).
        bands: Number of bands of the frame.

    Raises:
        KeyError: The codec has no such rule.
    """
    return _RULES[codec](bands)


def _colour_then_eights(bands: int) -> Groups:
    """Return the first three bands as a colour triple, the others up to eight at a time.

    ISO/IEC 15444-1 applies its multiple component transform (annex G) to components 0 to 2 alone.
    """
    if bands <= 3:
        return [list(range(bands))]
    rest = range(3, bands)
    starts = range(0, len(rest), _JPEG2000_MOST)
    return [[0, 1, 2], *(list(rest[start : start + _JPEG2000_MOST]) for start in starts)]


def _colour_then_single(bands: int) -> Groups:
    """Return the first three bands as a colour triple, every other band alone."""
    if bands < 3:
        return [[band] for band in range(bands)]
    return [[0, 1, 2], *([band] for band in range(3, bands))]


def _interleaved_fours(bands: int) -> Groups:
    """Return three or four bands as one group; of more, groups of four, then single bands.

    A scan of ISO/IEC 14495-1 interleaves at most four components (C.2.3).
    """
    if bands in (3, 4):
        return [list(range(bands))]
    fours = bands // 4 * 4
    return [
        *(list(range(band, band + 4)) for band in range(0, fours, 4)),
        *([band] for band in range(fours, bands)),
    ]


def _all_together(bands: int) -> Groups:
    """Return all bands as one group."""
    return [list(range(bands))]


_RULES: Final[dict[str, Callable[[int], Groups]]] = {
    "jpeg2000": _colour_then_eights,
    "jpegxl": _colour_then_single,
    "jpegls": _interleaved_fours,
    "ccsds121": _all_together,
    "avif": _colour_then_single,
    "command": _all_together,
    "onnx": _all_together,
}
