"""What each codec can do and what it needs, in one table; nothing here depends on the pixels.

Code that treats codecs differently asks for a trait, never for a name, and need not import the
codec's library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...link.serial.constants import Feature
from ...link.student.frame_layout import BLOCK


@dataclass(frozen=True, slots=True)
class CodecTraits:
    """What a codec can do, and what it needs of a board.

    Attributes:
        lossless: Quality 100 gives back every sample, at every bit depth that the codec takes.
        lossy: There are qualities below 100, and rates.
        learned: A model in the package codes; its fingerprint is in every frame's header.
        deepest: Largest bit depth.
        tile_multiple: Sides of tiles are multiples of this many pixels.
        longest_side: Longest side of a tile in pixels.
        board_features: What a board must offer to encode its tiles.
        job_bands: Most bands of a board's job; a tile of more is several jobs, filled up to this
            many bands. A tile of one band is a job of one band, which costs a third of the
            bytes on the line. None: a job is a whole tile.
        job_bit_depth: Bits of a job's samples; None: those of the frame.
    """

    lossless: bool = True
    lossy: bool = True
    learned: bool = False
    deepest: int = 16
    tile_multiple: int = 1
    longest_side: int = 1 << 24
    board_features: Feature = Feature.QUALITY
    job_bands: int | None = None
    job_bit_depth: int | None = None

    def takes_tile(self, side: int) -> bool:
        """Return whether tiles may have this side, in pixels."""
        return side % self.tile_multiple == 0

    def nearest_tile(self, side: int) -> int:
        """Return the side of a tile, in pixels, that is allowed and nearest to this one."""
        return max(1, round(side / self.tile_multiple)) * self.tile_multiple

    def tile_from(self, side: int) -> int:
        """Return the smallest side of a tile, in pixels, that is allowed and not below this one."""
        return side + -side % self.tile_multiple

    def tile_up_to(self, side: int) -> int:
        """Return the largest side of a tile, in pixels, that is allowed and not above this one."""
        return side - side % self.tile_multiple

    def job(self, bands: int, bit_depth: int) -> tuple[int, int]:
        """Return bands and bit depth of the jobs that a board gets of such a frame's tiles."""
        if self.job_bands is not None and bands > 1:
            bands = self.job_bands
        return bands, self.job_bit_depth or bit_depth


TRAITS: Final[dict[str, CodecTraits]] = {
    "jpeg2000": CodecTraits(),
    "jpegxl": CodecTraits(),
    # SOF55 has 16 bits for each side (14495-1, C.2.2).
    "jpegls": CodecTraits(longest_side=(1 << 16) - 1),
    "ccsds121": CodecTraits(lossy=False),
    # AV1's sequence header has 16 bits for each side less one (AV1 specification, 5.5.1).
    "avif": CodecTraits(deepest=12, longest_side=1 << 16),
    "student": CodecTraits(
        lossless=False,
        learned=True,
        tile_multiple=BLOCK,
        board_features=Feature.STEP | Feature.ROTATION,
        job_bands=3,
        job_bit_depth=8,
    ),
}
"""The traits of every codec, by its name."""


def lossless_codecs() -> str:
    """Return the names of the codecs that can be lossless, as a sentence lists them."""
    *others, last = (name for name, traits in TRAITS.items() if traits.lossless)
    return f"{', '.join(others)} and {last}"
