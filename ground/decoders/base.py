"""The interface of every decoder, which turns the payloads of a frame's tiles into samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...link.container.header import FrameHeader


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """The decoded tiles of a frame.

    Attributes:
        samples: Unsigned samples (rows, columns, bands), less the header's lowest value.
        holes: Mask (rows, columns, bands), or (rows, columns, 1) if all bands share it; True
            where there is no data. None if the frame has no masks.
        lost: Indices of tiles that arrived whole but cannot be decoded.
        concealed: Whether the decoder has filled the lost tiles itself.
        why: Why the first of `lost` cannot be decoded; empty if it is not known.
    """

    samples: NDArray[np.integer]
    holes: NDArray[np.bool_] | None
    lost: tuple[int, ...]
    concealed: bool = False
    why: str = ""


class FrameDecoder(Protocol):
    """The ground half of a codec, which gets all tiles of a frame at once."""

    def decode(self, header: FrameHeader, payloads: Sequence[bytes | None], threads: int) -> Tiles:
        """Return the frame's samples; no content of a payload may make it raise."""
        ...
