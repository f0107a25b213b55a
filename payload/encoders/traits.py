"""What each codec can do, in one table: what does not depend on the pixels.

Whoever wants to know something of a codec by its name asks here, without importing its library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CodecTraits:
    """What a codec can do.

    Attributes:
        lossless: Quality 100 gives back every sample, at every bit depth that the codec takes.
        lossy: There are qualities below 100, and rates.
        deepest: Largest bit depth.
        tile_multiple: Sides of tiles are multiples of this many pixels.
        longest_side: Longest side of a tile in pixels.
    """

    lossless: bool = True
    lossy: bool = True
    deepest: int = 16
    tile_multiple: int = 1
    longest_side: int = 1 << 24


TRAITS: Final = {
    "jpeg2000": CodecTraits(),
    "jpegxl": CodecTraits(),
    # SOF55 has 16 bits for each side (14495-1, C.2.2).
    "jpegls": CodecTraits(longest_side=(1 << 16) - 1),
    "ccsds121": CodecTraits(lossy=False),
    # AV1's sequence header has 16 bits for each side less one (AV1 specification, 5.5.1).
    "avif": CodecTraits(deepest=12, longest_side=1 << 16),
    "student": CodecTraits(lossless=False, tile_multiple=16),
}
"""The traits of every codec, by its name."""


def lossless_codecs() -> str:
    """Return the names of the codecs that can be lossless, as a sentence lists them."""
    *others, last = (name for name, traits in TRAITS.items() if traits.lossless)
    return f"{', '.join(others)} and {last}"
