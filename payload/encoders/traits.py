"""The capabilities and needs of each codec in one table; nothing here depends on the pixels.

Code that treats codecs differently checks a trait, never a name, and need not import the codec's
library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...link.serial.constants import Feature
from ...link.student.frame_layout import BLOCK


@dataclass(frozen=True, slots=True)
class CodecTraits:
    """What a codec can do, and what it needs from a board.

    Attributes:
        lossless: Whether quality 100 restores every sample, at every bit depth of the codec.
        lossy: Whether there are qualities below 100, and rates.
        learned: Whether the codec uses a model from the package; every frame's header then has
            the model's fingerprint.
        deepest: Largest bit depth.
        tile_multiple: Number of pixels of which the sides of tiles are multiples.
        longest_side: Longest side of a tile in pixels.
        board_features: Features that a board must have to encode tiles of this codec.
        job_bands: Most bands of a board's job. A tile of more bands is split into several jobs,
            filled up to this many bands. A tile of one band is a job of one band, which sends a
            third of the bytes over the line. None: a job is a whole tile.
        job_bit_depth: Bit depth of a job's samples. None: that of the frame.
        foreign: Whether encoder and decoder come from outside (`link.foreign`). Then nothing is
            known of them: the codec may lose nothing at quality 100, and no board has it.
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
    foreign: bool = False

    def takes_tile(self, side: int) -> bool:
        """Return whether tiles may have this side, in pixels."""
        return side % self.tile_multiple == 0

    def nearest_tile(self, side: int) -> int:
        """Return the allowed side of a tile, in pixels, that is nearest to this one."""
        return max(1, round(side / self.tile_multiple)) * self.tile_multiple

    def tile_from(self, side: int) -> int:
        """Return the smallest allowed side of a tile, in pixels, that is not below this one."""
        return side + -side % self.tile_multiple

    def tile_up_to(self, side: int) -> int:
        """Return the largest allowed side of a tile, in pixels, that is not above this one."""
        return side - side % self.tile_multiple

    def job(self, bands: int, bit_depth: int) -> tuple[int, int]:
        """Return bands and bit depth of the board jobs for the tiles of such a frame."""
        if self.job_bands is not None and bands > 1:
            bands = self.job_bands
        return bands, self.job_bit_depth or bit_depth


TRAITS: Final[dict[str, CodecTraits]] = {
    "jpeg2000": CodecTraits(),
    "jpegxl": CodecTraits(),
    # The SOF55 segment has 16 bits for each side (14495-1, C.2.2).
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
    "command": CodecTraits(lossless=False, foreign=True),
    "onnx": CodecTraits(lossless=False, foreign=True),
}
"""The traits of every codec, by name."""


def lossless_codecs() -> str:
    """Return the names of the codecs that can be lossless, as a list for a sentence."""
    *others, last = (name for name, traits in TRAITS.items() if traits.lossless)
    return f"{', '.join(others)} and {last}"
