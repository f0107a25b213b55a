"""The types of a frame's samples in memory, the same at both ends."""

from __future__ import annotations

from typing import Final, Literal

SampleType = Literal["uint8", "uint16", "int16"]

SAMPLE_TYPES: Final[tuple[SampleType, ...]] = ("uint8", "uint16", "int16")
"""In the order of their numbers in a header."""


def sample_range(sample_type: SampleType) -> tuple[int, int]:
    """Return the lowest and the highest value that a sample type holds."""
    return {"uint8": (0, 0xFF), "uint16": (0, 0xFFFF), "int16": (-0x8000, 0x7FFF)}[sample_type]
