"""An encoder made of a still-picture codec: frame → tiles → codec → container.

    Frame ── samples from 0 ── tiles ── nodata filled ──► TileCodec.encode ──► container
                                  └──── nodata mask ───────────────────────────────────┘

A `TileCodec` gets only a tile of unsigned samples and a step of its ladder, so a new codec is one
small class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...link.container import bitstream, codestreams, masks
from ...link.container.band_groups import band_groups
from ...link.container.frame import Frame
from ...link.container.header import LARGEST_TILE, NO_MODEL, FrameHeader
from ...link.container.hole_filling import fill_holes
from ...link.container.tiles import grid
from ...link.errors import InputError
from ...link.foreign.codec import ForeignCodec
from .base import RateError, Setting
from .rate_control import Ladder, fit, smallest_step
from .traits import TRAITS, CodecTraits

Samples = NDArray[np.integer]

_PROBE_SIDE = 64
_PROBE_BLOCKS = 3
_WORTH_TRYING = 3
"""Lossless coding is tried within a budget if differences of neighbours need up to so many times as
many bits: coders with a context need fewer."""
_MOST_DIFFERENCES = 1 << 18


class TileCodec(Protocol):
    """A still-picture codec, as `TiledEncoder` uses it.

    Attributes:
        name: Name of the codec, one of `link.container.header.CODECS`.
        version: Name and version of the library.
        slope: Expected growth of log(bytes) from one step to the next.
    """

    name: str
    version: str
    slope: float

    def steps(self, bit_depth: int) -> int:
        """Return the number of steps for samples of this bit depth; step 0 is the coarsest."""
        ...

    def step(self, quality: float, bit_depth: int) -> int:
        """Return the step for a quality.

        Raises:
            InputError: The codec does not have this quality.
        """
        ...

    def check(self, frame: Frame, setting: Setting) -> None:
        """Refuse what the codec cannot do.

        Raises:
            InputError: The codec cannot do this; the message says what it can do.
        """
        ...

    def encode(self, samples: Samples, bit_depth: int, step: int, colour: bool) -> bytes:
        """Return the codestream of (rows, columns, bands) or (rows, columns) samples.

        `colour` is true for the frame's first bands. If there are three of them, they are red,
        green and blue, or are treated as such.
        """
        ...


class TiledEncoder:
    """An encoder that codes each tile independently with a still-picture codec."""

    def __init__(self, codec: TileCodec, tile: int = 512, threads: int = 1) -> None:
        if not 0 <= tile <= LARGEST_TILE:
            raise InputError(f"tile {tile}: allowed are 0 (one a frame) to {LARGEST_TILE}")
        if threads < 1:
            raise InputError(f"threads {threads}: allowed is at least 1")
        self.codec = codec
        self.tile = tile
        self.threads = threads

    @property
    def name(self) -> str:
        """The codec's name."""
        return self.codec.name

    @property
    def version(self) -> str:
        """Name and version of the codec's library."""
        return self.codec.version

    @property
    def fingerprint(self) -> bytes:
        """Zeros, because these codecs have no model."""
        return NO_MODEL

    @property
    def foreign(self) -> ForeignCodec | None:
        """None: downpass decodes the bitstreams of these codecs."""
        return None

    def check(self, frame: Frame, setting: Setting) -> None:
        """Refuse what the codec cannot do.

        Raises:
            InputError: The codec does not allow the setting, the bit depth or the tile size.
        """
        self._check_frame(frame)
        self.codec.check(frame, setting)

    def prepare(self, frame: Frame) -> PreparedTiles:
        """Return the frame cut into tiles.

        Raises:
            InputError: The codec does not allow the frame's bit depth or tile size.
        """
        self._check_frame(frame)
        return PreparedTiles(self, frame)

    def _check_frame(self, frame: Frame) -> None:
        traits = TRAITS.get(self.name, CodecTraits())
        if frame.bit_depth > traits.deepest:
            raise InputError(
                f"{self.name} at bit depth {frame.bit_depth}: allowed are 1 to {traits.deepest}"
            )
        side = max(frame.width, frame.height)
        side = min(side, self.tile) if self.tile else side
        if side > traits.longest_side:
            raise InputError(
                f"{self.name} in a tile of {side} pixels: allowed are up to {traits.longest_side}"
            )

    def encode(self, frame: Frame, setting: Setting) -> bytes:
        """Return the frame's container."""
        self.codec.check(frame, setting)
        return self.prepare(frame).encode(setting)


class PreparedTiles:
    """A frame's tiles, with a cache of the codestreams made from them so far."""

    def __init__(self, encoder: TiledEncoder, frame: Frame) -> None:
        self._codec = encoder.codec
        self._threads = encoder.threads
        self._frame = frame
        samples, negative = unsigned_samples(frame)
        holes = frame.holes()
        self._masks: list[bytes] = []
        self._tiles: list[Samples | None] = []
        for place in grid(frame.width, frame.height, encoder.tile):
            tile = np.ascontiguousarray(samples[place.window])
            empty = holes[place.window] if holes is not None else None
            if empty is not None:
                self._masks.append(masks.pack(empty))
                if empty.any():
                    tile = tile.copy()
                    fill_holes(tile, empty)
            self._tiles.append(tile if empty is None or not empty.all() else None)
        self._header = FrameHeader(
            codec=self._codec.name,
            width=frame.width,
            height=frame.height,
            bands=frame.bands,
            bit_depth=frame.bit_depth,
            sample_type=frame.sample_type,
            negative=negative,
            tile=encoder.tile if len(self._tiles) > 1 else 0,
            fingerprint=encoder.fingerprint,
            nodata=frame.nodata,
            masks=holes is not None,
        )
        self._coded: dict[tuple[int, int], bytes] = {}
        self._sizes: dict[int, list[int]] = {}

    def encode(self, setting: Setting) -> bytes:
        """Return the container at this setting.

        Raises:
            InputError: The codec does not have this setting.
            RateError: The budget is below the smallest bitstream of this frame.
        """
        self._codec.check(self._frame, setting)
        budget = setting.budget(self._frame.width, self._frame.height)
        if budget is None:
            assert setting.quality is not None  # noqa: S101  (Setting holds exactly one)
            step = self._codec.step(setting.quality, self._frame.bit_depth)
            chosen = [step] * len(self._tiles)
        else:
            chosen = self._fit(budget)
        for step in sorted(set(chosen)):
            self._code(step, [tile for tile, own in enumerate(chosen) if own == step])
        payloads = [self._coded[tile, step] for tile, step in enumerate(chosen)]
        return bitstream.pack(self._header, payloads)

    def container(self, payloads: Sequence[bytes]) -> bytes:
        """Return the frame's container with payloads that were coded elsewhere."""
        return bitstream.pack(self._header, payloads)

    def _fit(self, budget: int) -> list[int]:
        """Return the step of each tile for a budget in bytes.

        The search expects that sizes rise with the steps. Where samples have few levels or none
        that differ, lossless coding can be smaller than any lossy step, so it is tried apart.
        """
        finest = self._codec.steps(self._frame.bit_depth) - 1
        ladder = Ladder(self._lengths, self._packed, finest + 1)
        chosen = None
        if budget > 0:
            first, slope = self._first_guess(budget, finest + 1)
            chosen = fit(ladder, budget, first, slope)
        smallest = budget
        if not chosen:
            smallest = ladder.size(smallest_step(ladder))
        if (not chosen or min(chosen) < finest) and self._may_be_lossless(smallest):
            exact = ladder.size(finest)
            if exact <= budget:
                return [finest] * len(self._tiles)
            smallest = min(smallest, exact)
        if chosen is None:
            raise RateError(
                f"{self._codec.name}: a budget of {budget} bytes for a frame of "
                f"{self._frame.width} x {self._frame.height} pixels; "
                f"the smallest that it can make is {smallest} bytes",
                budget,
                smallest,
            )
        return chosen

    def _may_be_lossless(self, size: int) -> bool:
        """Return whether the frame may have a lossless codestream of about `size` bytes."""
        if not TRAITS.get(self._codec.name, CodecTraits()).lossless:
            return False
        known = [tile for tile in self._tiles if tile is not None]
        bits = sum(tile.size * _bits_of_differences(tile) for tile in known)
        return bits <= _WORTH_TRYING * 8 * size

    def _first_guess(self, budget: int, steps: int) -> tuple[int, float]:
        """Return a step and a slope to begin with, from a cheap search on a few blocks."""
        slope, middle = self._codec.slope, steps // 2
        if self._sizes:
            totals = {step: self._packed(lengths) for step, lengths in self._sizes.items()}
            return min(totals, key=lambda step: abs(math.log(totals[step] / budget))), slope
        side = _PROBE_SIDE * _PROBE_BLOCKS
        known = [tile for tile in self._tiles if tile is not None]
        pixels = sum(tile.shape[0] * tile.shape[1] for tile in known)
        if pixels < 4 * side * side:
            return middle, slope
        probe = _probe(known, side)
        share = side * side / pixels
        sizes: dict[int, int] = {}

        def lengths(step: int) -> list[int]:
            if step not in sizes:
                sizes[step] = len(self._code_tile(probe, step))
            return [sizes[step]]

        aim = max(1, int(budget * share))
        ladder = Ladder(lengths, lambda parts: parts[0], steps)
        found = fit(ladder, aim, middle, slope, good_enough=0.95)
        first = found[0] if found else 0
        near = sorted(sizes, key=lambda step: abs(step - first))[:2]
        if len(near) == 2 and sizes[near[0]] != sizes[near[1]]:
            rise = math.log(sizes[near[1]] / sizes[near[0]]) / (near[1] - near[0])
            slope = max(rise, slope / 8)
        return first, slope

    def _packed(self, lengths: Sequence[int]) -> int:
        return bitstream.packed_size(self._header, lengths)

    def _lengths(self, step: int) -> list[int]:
        if step not in self._sizes:
            everything = range(len(self._tiles))
            self._code(step, everything)
            self._sizes[step] = [len(self._coded[tile, step]) for tile in everything]
        return self._sizes[step]

    def _code(self, step: int, which: Sequence[int]) -> None:
        """Code these tiles at this step unless they are in the cache."""
        missing = [tile for tile in which if (tile, step) not in self._coded]
        work = partial(self._payload, step)
        if self._threads > 1 and len(missing) > 1:
            with ThreadPoolExecutor(self._threads) as pool:
                payloads = list(pool.map(work, missing))
        else:
            payloads = [work(tile) for tile in missing]
        for tile, payload in zip(missing, payloads, strict=True):
            self._coded[tile, step] = payload

    def _payload(self, step: int, index: int) -> bytes:
        tile = self._tiles[index]
        mask = self._masks[index] if self._masks else b""
        return mask if tile is None else mask + self._code_tile(tile, step)

    def _code_tile(self, tile: Samples, step: int) -> bytes:
        return encode_groups(self._codec, tile, self._frame.bit_depth, step)


def encode_groups(codec: TileCodec, tile: Samples, bit_depth: int, step: int) -> bytes:
    """Return the codestreams of a tile's band groups, each but the last preceded by its length.

    Args:
        codec: Codec for each group.
        tile: Unsigned samples (rows, columns, bands).
        bit_depth: Bits per sample.
        step: Step of the codec's ladder.

    Raises:
        InputError: The codec's library raised any exception for this tile.
    """
    streams = []
    for group in band_groups(codec.name, tile.shape[2]):
        # A copy and not a view: codecs read the strides, and numpy does not adjust those of a
        # one-row view.
        samples = (tile[..., group[0]] if len(group) == 1 else tile[..., group]).copy("C")
        try:
            streams.append(codec.encode(samples, bit_depth, step, group[0] == 0))
        except InputError:
            raise
        except Exception as error:
            found = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"{codec.name} cannot encode a tile of {tile.shape[1]} x {tile.shape[0]} pixels "
                f"in {tile.shape[2]} bands of {bit_depth} bits: {found}"
            ) from error
    return codestreams.join(streams)


def unsigned_samples(frame: Frame) -> tuple[Samples, bool]:
    """Return the samples less the lowest allowed value, and whether that value is negative.

    The values of samples without data are arbitrary here, because they are filled later.

    Raises:
        InputError: A valid sample lies outside the frame's bit depth.
    """
    pixels = frame.pixels
    holes = frame.holes()
    valid = pixels if holes is None else pixels[~np.broadcast_to(holes, pixels.shape)]
    lowest, highest = (int(valid.min()), int(valid.max())) if valid.size else (0, 0)
    negative = lowest < 0 or (frame.sample_type == "int16" and frame.bit_depth == 16)
    low = -(1 << (frame.bit_depth - 1)) if negative else 0
    high = low + (1 << frame.bit_depth) - 1
    if lowest < low or highest > high:
        raise InputError(
            f"samples from {lowest} to {highest} in a frame of bit depth {frame.bit_depth}: "
            f"allowed are {low} to {high}"
        )
    if frame.sample_type == "int16":
        pixels = pixels.astype(np.int32) - low
    kind: type[np.integer] = np.uint8 if frame.bit_depth <= 8 else np.uint16
    return pixels.astype(kind, copy=False), negative


def _bits_of_differences(samples: Samples) -> float:
    """Return the entropy of the differences of neighbours, in bits per sample.

    It is that of evenly spread rows or columns, about `_MOST_DIFFERENCES` samples at most.
    """
    longer = int(np.argmax(samples.shape[:2]))
    every = -(-samples.size // _MOST_DIFFERENCES)
    lines = samples[:, ::every] if longer == 0 else samples[::every]
    differences = np.diff(lines.astype(np.uint16), axis=longer).ravel()  # modulo 2**16
    counts = np.bincount(differences)
    shares = counts[counts > 0] / max(1, differences.size)
    return float(-np.sum(shares * np.log2(shares)))


def _probe(tiles: Sequence[Samples], side: int) -> Samples:
    """Return a small picture made of blocks that are spread evenly over all tiles."""
    out = np.empty((side, side, tiles[0].shape[2]), tiles[0].dtype)
    blocks = _PROBE_BLOCKS * _PROBE_BLOCKS
    for block in range(blocks):
        where = (block + 0.5) / blocks * len(tiles)
        tile = tiles[int(where)]
        across, down = (block * 0.381966) % 1, (block * 0.618034 + 0.25) % 1
        row = int(down * max(0, tile.shape[0] - _PROBE_SIDE))
        column = int(across * max(0, tile.shape[1] - _PROBE_SIDE))
        piece = tile[row : row + _PROBE_SIDE, column : column + _PROBE_SIDE]
        top, left = block // _PROBE_BLOCKS * _PROBE_SIDE, block % _PROBE_BLOCKS * _PROBE_SIDE
        fits = np.pad(
            piece,
            ((0, _PROBE_SIDE - piece.shape[0]), (0, _PROBE_SIDE - piece.shape[1]), (0, 0)),
            mode="edge",
        )
        out[top : top + _PROBE_SIDE, left : left + _PROBE_SIDE] = fits
    return out
