"""Decode a received bitstream of any codec into a frame, even if tiles are missing.

    bytes ──► header, tiles ──► codec's decoder ──► nodata put back ──► lost tiles concealed
                  └ CRC fails: the tile is lost ─────────────────────────────┘

Only a damaged header loses the frame; a damaged tile loses only its own pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...link.container.bitstream import unpack
from ...link.container.frame import Frame
from ...link.container.header import FrameHeader
from ...link.container.hole_filling import fill_holes
from ...link.container.tiles import grid
from ...link.errors import BitstreamError, InputError
from ...link.foreign.codec import ForeignCodec
from .base import FrameDecoder, Tiles
from .registry import decoder

MOST_SAMPLES: Final = 1 << 29
"""A frame of more samples than this is refused unless the caller allows it: 1 GiB at 16 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A decoded frame and the record of its lost tiles.

    Attributes:
        frame: The frame, in which the pixels of lost tiles are concealed.
        lost_tiles: Indices of tiles that were missing, damaged or undecodable, ascending.
        header: The bitstream's header.
        undecodable: Those of them that arrived whole and cannot be decoded.
        why: Why the first of these cannot be decoded, in one line; empty if it is not known.
    """

    frame: Frame
    lost_tiles: tuple[int, ...]
    header: FrameHeader
    undecodable: tuple[int, ...] = ()
    why: str = ""

    @property
    def missing_tiles(self) -> tuple[int, ...]:
        """Indices of the lost tiles that did not arrive, or not whole."""
        return tuple(sorted({*self.lost_tiles} - {*self.undecodable}))

    def lost_mask(self) -> NDArray[np.bool_]:
        """Return a mask (rows, columns), True where a pixel was not received but concealed."""
        mask = np.zeros((self.header.height, self.header.width), np.bool_)
        places = grid(self.header.width, self.header.height, self.header.tile)
        for index in self.lost_tiles:
            mask[places[index].window] = True
        return mask


def decode(
    bitstream: bytes,
    threads: int = 1,
    most_samples: int = MOST_SAMPLES,
    network: str = "fast",
    foreign: ForeignCodec | None = None,
) -> Decoded:
    """Return the frame of a bitstream.

    A lost tile is concealed: its pixels take the mean of the received pixels around it, at the
    scale of the hole. A learned codec does the same with its latents. If no tile was received, the
    frame is filled with its nodata value, or with zeros if it has none.

    Args:
        bitstream: Received bytes, which are not trusted.
        threads: Number of tiles decoded at once.
        most_samples: Largest number of samples of a frame that may be allocated.
        network: Which of its networks a learned codec decodes with, see `student_networks`.
        foreign: Decodes frames of a codec from outside.

    Raises:
        BitstreamError: The header is damaged or unknown, or the frame is larger than allowed.
        InputError: There is no such network, or fewer than one thread.
    """
    if threads < 1:
        raise InputError(f"threads {threads}: allowed is at least 1")
    container = unpack(bitstream)
    header = container.header
    if header.samples > most_samples:
        raise BitstreamError(
            f"a frame of {header.width} x {header.height} pixels in {header.bands} bands: "
            f"allowed are {most_samples} samples"
        )
    codec: FrameDecoder = decoder(header, network, foreign)
    tiles: Tiles = codec.decode(header, container.payloads, threads)
    pixels = _samples(header, tiles.samples)
    lost = tuple(sorted({*container.damaged, *tiles.lost}))
    mask: NDArray[np.bool_] | None = None
    if header.nodata is not None:
        _restore_nodata(pixels, header, header.nodata, tiles.holes)
    elif tiles.holes is not None:
        mask = np.asarray(tiles.holes.all(axis=2))
        pixels[mask] = 0
    frame = Frame(pixels, header.bit_depth, header.nodata, mask)
    decoded = Decoded(frame, lost, header, tiles.lost, tiles.why)
    if lost and not (tiles.concealed and len(lost) < header.tile_count):
        _conceal(decoded, tiles.holes)
    return decoded


def _samples(header: FrameHeader, samples: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the decoder's unsigned samples in the frame's type, plus the header's lowest value."""
    most = (1 << header.bit_depth) - 1
    if int(samples.max()) > most:
        samples = np.minimum(samples, most)
    if header.low:  # modulo 2**16, so no wider copy is needed
        return (samples.astype(np.uint16) + np.uint16(header.low & 0xFFFF)).view(np.int16)
    return samples.astype(header.sample_type, copy=False)


def _restore_nodata(
    pixels: NDArray[np.integer],
    header: FrameHeader,
    nodata: int,
    holes: NDArray[np.bool_] | None,
) -> None:
    """Write nodata into masked samples, and change valid samples that equal it by chance."""
    alike = pixels == nodata
    if holes is not None:
        every = np.broadcast_to(holes, pixels.shape)
        alike &= ~every
        pixels[every] = nodata
    if alike.any():
        highest = header.low + (1 << header.bit_depth) - 1
        pixels[alike] = nodata + 1 if nodata < highest else nodata - 1


def _conceal(decoded: Decoded, holes: NDArray[np.bool_] | None) -> None:
    pixels, lost = decoded.frame.pixels, decoded.lost_mask()
    if lost.all():
        pixels[...] = decoded.header.nodata or 0
        return
    if holes is None:
        fill_holes(pixels, lost)
        return
    fill_holes(pixels, lost[..., None] | holes)
    empty = np.broadcast_to(holes & ~lost[..., None], pixels.shape)
    pixels[empty] = decoded.header.nodata or 0
