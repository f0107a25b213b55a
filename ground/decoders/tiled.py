"""Decode frames whose tiles are independent still pictures, without trusting any of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ...link.container import codestreams, masks
from ...link.container.band_groups import band_groups
from ...link.container.header import FrameHeader
from ...link.container.tiles import Tile, grid
from ...link.text import printable
from .base import Tiles

_LONGEST_FAULT: Final = 200


class TileDecodeError(Exception):
    """Raised if a tile's codestream does not match the frame's header."""


class TileDecoder(Protocol):
    """The ground half of a still-picture codec."""

    def decode(
        self, stream: bytes, shape: tuple[int, int, int], bit_depth: int
    ) -> NDArray[np.integer]:
        """Return the samples of a codestream.

        An implementation must check the codestream's own header against `shape` before decoding,
        because a size that the stream claims must not be allocated unchecked.

        Raises:
            Exception: The stream is damaged or does not have this shape.
        """
        ...


class TiledDecoder:
    """The decoder for every codec whose tiles are independent pictures."""

    def __init__(self, codec: TileDecoder) -> None:
        self.codec = codec

    def decode(self, header: FrameHeader, payloads: Sequence[bytes | None], threads: int) -> Tiles:
        """Return the samples; tiles that cannot be decoded are listed as lost and stay 0."""
        shape = (header.height, header.width, header.bands)
        samples = np.zeros(shape, np.uint8 if header.bit_depth <= 8 else np.uint16)
        holes = room_for_holes(header, payloads)
        places = grid(header.width, header.height, header.tile)

        def work(place: Tile) -> str | None:
            payload = payloads[place.index]
            if payload is None:
                return None
            return self._tile(header, place, payload, samples, holes)

        if threads > 1 and len(places) > 1:
            with ThreadPoolExecutor(threads) as pool:
                faults = list(pool.map(work, places))
        else:
            faults = [work(place) for place in places]
        lost = [place.index for place, fault in zip(places, faults, strict=True) if fault]
        return Tiles(samples, holes, tuple(lost), why=(faults[lost[0]] or "") if lost else "")

    def _tile(
        self,
        header: FrameHeader,
        place: Tile,
        payload: bytes,
        samples: NDArray[np.integer],
        holes: NDArray[np.bool_] | None,
    ) -> str | None:
        """Decode one tile into the frame; return why it cannot be decoded, or None."""
        try:
            start = 0
            if holes is not None:
                empty, start = masks.unpack(payload, place.rows, place.columns, header.bands)
                if empty.all():
                    holes[place.window] = True
                    return None if start == len(payload) else "bytes follow a mask of nodata"
            groups = header.groups or band_groups(header.codec, header.bands)
            streams = codestreams.split(payload, start, len(groups))
            bands = np.zeros((place.rows, place.columns, header.bands), samples.dtype)
            for group, stream in zip(groups, streams, strict=True):
                shape = (place.rows, place.columns, len(group))
                part = self.codec.decode(stream, shape, header.bit_depth)
                if part.size != bands[..., :1].size * len(group) or part.dtype.kind != "u":
                    raise TileDecodeError(f"samples {part.dtype} {part.shape}, expected {shape}")
                if int(part.max()) > _most(header):
                    part = np.minimum(part, _most(header))
                bands[..., list(group)] = part.reshape(shape)
        except Exception as error:  # a hostile stream may make a codec raise anything
            return printable(str(error), _LONGEST_FAULT) or type(error).__name__
        samples[place.window] = bands
        if holes is not None:
            holes[place.window] = empty
        return None


def room_for_holes(
    header: FrameHeader, payloads: Sequence[bytes | None]
) -> NDArray[np.bool_] | None:
    """Return an array for a frame's nodata masks, all False; None if the frame has none.

    The shape is (rows, columns, bands) if a tile has a mask for each band, otherwise (rows,
    columns, 1).
    """
    if not header.masks:
        return None
    by_band = any(payload is not None and masks.is_by_band(payload) for payload in payloads)
    return np.zeros((header.height, header.width, header.bands if by_band else 1), np.bool_)


def _most(header: FrameHeader) -> int:
    return (1 << header.bit_depth) - 1
