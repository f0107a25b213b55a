"""How many bits samples need, and how an imager of fewer bits sees them."""

from __future__ import annotations

import numpy as np

from ...link.container.frame import Frame


def bits_needed(lowest: int, highest: int) -> int:
    """Return the bits that hold all samples from `lowest` to `highest`, at least 8.

    If `lowest` is negative, the samples are in two's complement.
    """
    if lowest < 0:
        return max(8, max(highest, 0).bit_length() + 1, (-lowest - 1).bit_length() + 1)
    return max(8, highest.bit_length())


def without_low_bits(frame: Frame, shift: int, negative: bool) -> Frame:
    """Return the frame as a coarser A/D converter reads it: floor(sample / 2**shift).

    A valid sample that would become nodata takes the next value that the new bit depth has.

    Args:
        frame: The frame at its full depth.
        shift: Number of low bits to drop, less than the frame's bit depth.
        negative: Whether valid samples may be negative.
    """
    bits, nodata = frame.bit_depth - shift, frame.nodata
    pixels = frame.pixels >> np.array(shift, frame.pixels.dtype)
    if nodata is not None:
        empty = frame.pixels == nodata
        highest = (1 << (bits - negative)) - 1
        pixels[(pixels == nodata) & ~empty] = nodata + 1 if nodata < highest else nodata - 1
        pixels[empty] = nodata
    return Frame(pixels, bits, nodata, frame.mask)
