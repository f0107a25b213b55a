"""An encoder whose tiles are coded by a codec from outside (`link.foreign`).

What such a codec can do is known only by running it: a tile that it fails to encode is refused
with its own words.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...link.container.frame import Frame
from ...link.errors import InputError
from ...link.foreign.codec import ForeignCodec
from .base import Setting, check_lossless
from .tiled import Samples, TiledEncoder

_SPAN: Final = 3.0
"""Expected log of the ratio of the sizes at the two ends of a scale, to begin a search with."""


class ForeignEncoder(TiledEncoder):
    """An encoder that codes each tile independently with a codec from outside."""

    def __init__(self, codec: ForeignCodec, tile: int = 512, threads: int = 1) -> None:
        super().__init__(_ForeignTiles(codec), tile, threads)
        self._foreign = codec

    @property
    def fingerprint(self) -> bytes:
        """What the header says of the decoder that a frame needs."""
        return self._foreign.fingerprint

    @property
    def foreign(self) -> ForeignCodec:
        """The codec, which also decodes."""
        return self._foreign

    def _check_frame(self, frame: Frame) -> None:
        super()._check_frame(frame)
        rows, columns = frame.height, frame.width
        if self.tile:
            rows, columns = min(rows, self.tile), min(columns, self.tile)
        if why := self._foreign.refusal(rows, columns, frame.bands):
            raise InputError(f"{self.name}: {why}")


class _ForeignTiles:
    """A codec from outside as a tile codec: its ladder of steps and its encoder."""

    def __init__(self, codec: ForeignCodec) -> None:
        self._codec = codec
        self.name = codec.name
        self.version = f"{codec.name} {codec.identity}"
        self.slope = _SPAN / max(1, codec.scale.steps - 1)

    def steps(self, bit_depth: int) -> int:  # noqa: ARG002
        """Return the number of qualities that the codec knows."""
        return self._codec.scale.steps

    def step(self, quality: float, bit_depth: int) -> int:  # noqa: ARG002
        """Return the step for a quality; 0 and 100 are the ends of the codec's own scale."""
        return self._codec.scale.step(quality)

    def check(self, frame: Frame, setting: Setting) -> None:  # noqa: ARG002
        """Refuse the setting `lossless`, since nothing is known of the codec."""
        check_lossless(self.name, setting)

    def encode(
        self,
        samples: Samples,
        bit_depth: int,
        step: int,
        colour: bool,  # noqa: ARG002
    ) -> bytes:
        """Return what the codec makes of a tile."""
        return self._codec.encode(np.atleast_3d(samples), bit_depth, step)
