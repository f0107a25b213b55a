"""The description of a tile in a JOB message: its properties and how to encode it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .constants import JobFlag, SampleCode, SettingCode

NO_ROTATION: Final = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class TileForm:
    """A tile's properties and how to encode it; everything except its samples.

    Attributes:
        tile_bytes: Bytes of the samples.
        tile_crc: CRC-32 of the samples.
        columns: Width in pixels.
        rows: Height in pixels.
        bands: Number of bands; samples are in order of row, column and band.
        bit_depth: Bits that a sample uses.
        sample: Type of a sample; 16-bit samples are little-endian.
        flags: Its `JobFlag`s.
        setting_kind: Whether `setting` is a quality, a budget or a step.
        nodata: Sample value that means no data; 0 without the flag.
        setting: The quality, budget or step, in the units of `SettingCode`.
        rotation: How a learned codec rotates the three bands: the quaternion w, x, y, z of
            `link.student.rotation`, in signed bytes; `NO_ROTATION` for codecs that do not rotate.
    """

    tile_bytes: int
    tile_crc: int
    columns: int
    rows: int
    bands: int
    bit_depth: int
    sample: SampleCode
    flags: int
    setting_kind: SettingCode
    nodata: int
    setting: int
    rotation: tuple[int, int, int, int] = NO_ROTATION

    def __post_init__(self) -> None:
        size = 1 if self.sample == SampleCode.UINT8 else 2
        if min(self.columns, self.rows, self.bands) < 1:
            raise ValueError(f"a tile of {self.columns} x {self.rows} x {self.bands}")
        if self.tile_bytes != self.columns * self.rows * self.bands * size:
            raise ValueError(
                f"{self.tile_bytes} bytes for a tile of {self.columns} x {self.rows} x "
                f"{self.bands} samples of {size} bytes"
            )
        if not 1 <= self.bit_depth <= 8 * size:
            raise ValueError(f"bit depth {self.bit_depth} of samples of {size} bytes")
        if self.flags & ~7:
            raise ValueError(f"job flags {self.flags:#x}")
        if self.flags & JobFlag.NEGATIVE and self.sample != SampleCode.INT16:
            raise ValueError(f"negative samples of type {self.sample.name}")
        if len(self.rotation) != 4 or not all(-128 <= part <= 127 for part in self.rotation):
            raise ValueError(f"rotation {self.rotation}: allowed are four signed bytes")
