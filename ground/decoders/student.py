"""The learned codec's ground half: decode tiles to latents, and a frame's latents to pixels.

    tile ── range decoder ────────► ŷ ┐
    tile ── lost: ŷ from around ────► ŷ ├─ whole frame ── decoder network ──► 8-bit values
    tile ── …                     ──► ŷ ┘   in windows                        └─► samples

A network's receptive field is 64 pixels or more around a pixel, so tile borders are not visible.
Block boundaries inside a tile are filtered, those between tiles are not (`block_boundaries`).
A frame is decoded in windows with a halo of some latents on every side. The result is bit-exact
with that of the undivided frame (docs/codec-integers.md), but the network's memory does not grow
with the frame. Rows of tiles are decoded when a window needs them. `student_networks` lists the
networks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...link.container import codestreams, masks
from ...link.container.header import FrameHeader
from ...link.container.hole_filling import fill_holes
from ...link.container.tiles import Tile, grid
from ...link.student.band_map import to_samples, triples
from ...link.student.codestream import decode_tile
from ...link.student.frame_layout import BLOCK, FINER_TILES, check_header
from ...link.student.planes import TileShape
from ...link.student.rotation import IDENTITY, rotation_matrix
from ...link.student.shared_model import SharedModel, load
from .base import Tiles
from .block_boundaries import JoinedBlocks
from .student_networks import load_network
from .synthesis import Synthesis
from .tiled import room_for_holes

WINDOW: Final = 64
"""Side of a window in latents, without its halo."""
NARROWEST: Final = 16
"""Least width of a window, in latents, if a frame is divided for several threads."""

Latents = NDArray[np.int32]
Row = tuple[Latents, NDArray[np.bool_]]
"""Latents (N, rows, columns) of a row of tiles, and a mask (rows, columns) of unknown ones."""
_Item = TypeVar("_Item")


class StudentDecoder:
    """The decoder of the learned codec's frames."""

    def __init__(self, header: FrameHeader, network: str = "fast") -> None:
        """Load the model and check the header against it.

        Args:
            header: Header of the frame.
            network: Name of the decoder network.

        Raises:
            BitstreamError: Another model coded the frame, or no encoder writes such a header.
            InputError: There is no such decoder network.
        """
        self.model: SharedModel = load()
        self.network = load_network(network)
        if self.network.model != self.model.fingerprint:
            raise RuntimeError(
                f"decoder {network} is for model {self.network.model.hex()}, "
                f"the entropy model of {self.model.fingerprint.hex()}"
            )
        most = self.model.entropy.qualities - 1
        self.qualities = check_header(header, self.model.fingerprint, most)

    def decode(self, header: FrameHeader, payloads: Sequence[bytes | None], threads: int) -> Tiles:
        """Return the samples; lost tiles are listed, and concealed with the latents around them."""
        return _FrameDecoding(self, header, payloads, threads).run()


class _FrameDecoding:
    """The state of decoding one frame."""

    def __init__(
        self,
        decoder: StudentDecoder,
        header: FrameHeader,
        payloads: Sequence[bytes | None],
        threads: int,
    ) -> None:
        self.model, self.header, self.threads = decoder.model, header, threads
        self.payloads, self.qualities = list(payloads), decoder.qualities
        self.halo, self.flat = decoder.network.halo, decoder.network.flat()
        self.network = Synthesis.of(decoder.network, threads)
        self.quality = header.parameter % FINER_TILES
        self.places = grid(header.width, header.height, header.tile)
        self.across = -(-header.width // (header.tile or header.width))
        self.rows, self.columns = -(-header.height // BLOCK), -(-header.width // BLOCK)
        share = -(-self.columns // self.network.windows_at_once)
        self.width = min(WINDOW, max(NARROWEST, share))
        self.holes = room_for_holes(header, payloads)
        self.lost: set[int] = set()
        self.streams: list[list[bytes] | None] = [self._open(place) for place in self.places]

    def run(self) -> Tiles:
        header = self.header
        kind: Any = np.uint8 if header.bit_depth <= 8 else np.uint16
        samples = np.zeros((header.height, header.width, header.bands), kind)
        if any(self.streams):
            for number, bands in enumerate(triples(header.bands)):
                self._triple(number, bands, samples)
        return Tiles(samples, self.holes, tuple(sorted(self.lost)), concealed=True)

    def _open(self, place: Tile) -> list[bytes] | None:
        """Return a tile's codestreams; None if the tile is lost or all nodata."""
        payload, start = self.payloads[place.index], 0
        self.payloads[place.index] = None
        if payload is None:
            return None
        try:
            if self.holes is not None:
                empty, start = masks.unpack(payload, place.rows, place.columns, self.header.bands)
                if empty.all() and start != len(payload):
                    raise ValueError("bytes behind a tile of nodata")
                self.holes[place.window] = empty
                if empty.all():
                    return None
            return codestreams.split(payload, start, len(triples(self.header.bands)))
        except ValueError:
            self.lost.add(place.index)
            return None

    def _triple(self, number: int, bands: tuple[int, ...], samples: NDArray[np.integer]) -> None:
        """Decode one triple of bands and write it into the frame's samples."""
        parts = self._tile_rows(number)
        rotation = self.header.rotations[number] if self.header.rotations else IDENTITY
        matrix, halo = rotation_matrix(rotation), self.halo
        held: deque[tuple[int, Latents]] = deque()  # (first row of latents, row of tiles)
        bottom = 0
        for row in range(0, self.rows, WINDOW):
            end = min(row + WINDOW, self.rows)
            while bottom < min(end + halo, self.rows):
                part = next(parts)
                held.append((bottom, part))
                bottom += part.shape[1]
            work = partial(self._window, held, (row, end), matrix, bands, samples)
            self._each(work, range(0, self.columns, self.width), self.network.windows_at_once)
            while held and held[0][0] + held[0][1].shape[1] <= end - halo:
                held.popleft()

    def _window(
        self,
        held: Iterable[tuple[int, Latents]],
        rows: tuple[int, int],
        matrix: NDArray[np.int32],
        bands: tuple[int, ...],
        samples: NDArray[np.integer],
        column: int,
    ) -> None:
        """Decode the window that begins at a column of latents, in rows from first to end."""
        (row, end), right, halo = rows, min(column + self.width, self.columns), self.halo
        high, left = max(row - halo, 0), max(column - halo, 0)
        latents = _cut(held, slice(high, end + halo), slice(left, right + halo))
        _, down, across = latents.shape
        joined = JoinedBlocks.of(
            range(high, high + down), range(left, left + across), self.header.tile
        )
        values = self.network.run(latents, self.quality, matrix, joined)
        values = values[(row - high) * BLOCK :, (column - left) * BLOCK :]
        self._place(samples, values, row * BLOCK, column * BLOCK, (end, right), bands)

    @staticmethod
    def _each(work: Callable[[_Item], None], items: Sequence[_Item], threads: int) -> None:
        """Do some work for each item, in several threads if there are several items."""
        if threads > 1 and len(items) > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(work, items))
        else:
            for item in items:
                work(item)

    def _place(
        self,
        samples: NDArray[np.integer],
        values: NDArray[np.uint8],
        row: int,
        column: int,
        end: tuple[int, int],
        bands: tuple[int, ...],
    ) -> None:
        header = self.header
        bottom, right = min(end[0] * BLOCK, header.height), min(end[1] * BLOCK, header.width)
        values = values[: bottom - row, : right - column]
        window = samples[row:bottom, column:right]
        if header.scales is None and len(set(bands)) == len(bands) and header.bit_depth == 8:
            window[..., list(bands)] = values
            return
        for band in sorted(set(bands)):
            own = [channel for channel, one in enumerate(bands) if one == band]
            total = values[..., own].sum(axis=2, dtype=np.int64)
            scale = header.scales[band] if header.scales else None
            largest = (1 << header.bit_depth) - 1
            window[..., band] = to_samples(total, len(own), scale, largest)

    def _tile_rows(self, number: int) -> Iterator[Latents]:
        """Yield the latents (N, rows, columns) of each row of tiles, with lost tiles concealed."""
        rows = [
            self.places[first : first + self.across]
            for first in range(0, len(self.places), self.across)
        ]
        above: Row | None = None
        now = self._tile_row(number, rows[0])
        for following in [*rows[1:], None]:
            below = self._tile_row(number, following) if following else None
            if now[1].any():
                self._conceal(above, now, below)
            yield now[0]
            above = now[0][self.flat], now[1]
            if below is not None:
                now = below

    def _tile_row(self, number: int, places: Sequence[Tile]) -> Row:
        """Return the latents of a row of tiles, and a mask of unknown ones."""
        high = -(-places[0].rows // BLOCK)
        latents = np.zeros((self.model.entropy.latents, high, self.columns), np.int32)
        unknown = np.ones((high, self.columns), np.bool_)

        def work(place: Tile) -> None:
            found = self._tile(number, place)
            if found is not None:
                left = place.column // BLOCK
                latents[:, :, left : left + found.shape[2]] = found
                unknown[:, left : left + found.shape[2]] = False

        self._each(work, places, self.threads)
        return latents, unknown

    def _tile(self, number: int, place: Tile) -> Latents | None:
        """Return a tile's latents; None if it is lost or all nodata."""
        streams = self.streams[place.index]
        if streams is None:
            return None
        shape = TileShape(-(-place.rows // BLOCK), -(-place.columns // BLOCK))
        quality = self.qualities[place.index]
        try:
            return decode_tile(
                self.model.entropy, self.model.log_scales, streams[number], shape, quality
            )
        except ValueError:
            self.lost.add(place.index)
            return None

    def _conceal(self, above: Row | None, now: Row, below: Row | None) -> None:
        """Fill the unknown block means of a row from its surroundings; other latents stay zero.

        Interpolated textures would show as a pattern of blocks and would not improve the result.

        Args:
            above: Row of tiles above, with its block means only; None if there is none.
            now: Row of tiles to fill in place.
            below: Row of tiles below; None if there is none.
        """
        flat, (latents, unknown) = self.flat, now
        around = [(latents[flat], unknown)]
        if above is not None:
            around.insert(0, above)
        if below is not None:
            around.append((below[0][flat], below[1]))
        pixels = np.concatenate([one[0] for one in around], axis=1).transpose(1, 2, 0)
        pixels = np.ascontiguousarray(pixels)
        fill_holes(pixels, np.concatenate([one[1] for one in around]))
        start = 0 if above is None else above[1].shape[0]
        filled = pixels[start : start + unknown.shape[0]].transpose(2, 0, 1)
        latents[flat] = np.where(unknown, filled, latents[flat])


def _cut(parts: Iterable[tuple[int, Latents]], rows: slice, columns: slice) -> Latents:
    """Return a window of the latents in `parts`, which are pairs (first row, row of tiles)."""
    seen = [
        part[:, max(rows.start - top, 0) : rows.stop - top, columns]
        for top, part in parts
        if top < rows.stop and top + part.shape[1] > rows.start
    ]
    return np.ascontiguousarray(np.concatenate(seen, axis=1))
