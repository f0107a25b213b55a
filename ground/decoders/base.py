"""The interface of every decoder: payloads of a frame's tiles go in, samples come out."""

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
        samples: (rows, columns, bands), unsigned, counted from the header's lowest value.
        holes: (rows, columns, bands), or (rows, columns, 1) where all bands share them; True
            where there is no data. None where the frame has no masks.
        lost: Indices of tiles that arrived whole but do not decode.
        concealed: The decoder filled lost tiles itself.
    """

    samples: NDArray[np.integer]
    holes: NDArray[np.bool_] | None
    lost: tuple[int, ...]
    concealed: bool = False


class FrameDecoder(Protocol):
    """A codec's half on the ground: it sees all tiles of a frame at once."""

    def decode(self, header: FrameHeader, payloads: Sequence[bytes | None], threads: int) -> Tiles:
        """Return the frame's samples; never raises for what is in a payload."""
        ...
