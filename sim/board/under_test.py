"""A board as tests see it: one port, reached directly or through a faulty line.

A serial port has one user at a time. So the client here opens the port when it is first used, gives
it up when a faulty line is put in front of the board, and from then on speaks over that line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...link.container.frame import Frame
from ...link.container.header import CODECS
from ...link.serial.constants import DEFAULT_BAUD, Feature, SettingCode
from ...link.serial.events import BoardClock, Event, Finished, Refused
from ...link.serial.faults.line_proxy import LineProxy
from ...link.serial.host_settings import HostCounts, HostSettings
from ...link.serial.messages import NO_ROTATION, Capabilities, TileForm
from ...link.student.rotation import Quaternion
from ...payload.board.tile_coder import tile_coder
from .client import BoardClient
from .job import TileTask, frame_jobs
from .tile_room import is_learned, trial_bands, trial_depth, trial_setting, trial_side
from .trial_tiles import LARGEST_SIDE

AWAY_S: Final = 10.0
"""Seconds that a board under test may be away."""


@dataclass(frozen=True)
class Reference:
    """What a board must make of a tile, and a setting that it accepts.

    Attributes:
        setting: The kind and value of a setting.
        encode: Returns the payload of a tile.
        rotation: The rotation of the bands, for boards that rotate them.
    """

    setting: tuple[SettingCode, int]
    encode: Callable[[TileForm, bytes], bytes]
    rotation: Quaternion = NO_ROTATION

    def jobs(self, frame: Frame, side: int) -> list[TileTask]:
        """Return an 8-bit frame's tiles as jobs for the board; side 0 is one tile."""
        return frame_jobs(frame, side, self.setting, self.rotation)


def reference_of(own: Capabilities) -> Reference:
    """Return the reference for a board: its codec in this process.

    A board without a codec returns tiles unchanged.

    Raises:
        InputError: This installation has no such codec.
    """
    if own.codec == 0:
        return Reference((SettingCode.STEP, 0), lambda _form, tile: tile)
    coder = tile_coder(CODECS.get(own.codec, f"number {own.codec}"))
    setting = (SettingCode.STEP, 150) if is_learned(own) else trial_setting(own, 60_000)
    rotation = (110, 20, -50, 30) if own.features & Feature.ROTATION else NO_ROTATION
    return Reference(setting, coder.encode, rotation)


def some_jobs(
    own: Capabilities, reference: Reference, count: int, side: int | None, seed: int
) -> list[TileTask]:
    """Return jobs that a board can take: tiles with edges and noise, the same for the same seed.

    Args:
        own: The board's capabilities.
        reference: Its reference.
        count: Number of tiles.
        side: Side of a tile in pixels; None for 64, or what the board takes.
        seed: Seed of the noise.
    """
    bands = trial_bands(own)
    side = trial_side(own, bands, LARGEST_SIDE) if side is None else side
    rng = np.random.default_rng(seed)
    slope = np.add.outer(np.arange(side), np.arange(side * count))[..., None] % 200
    pixels = slope + rng.integers(0, 40, (side, side * count, bands))
    depth = trial_depth(own)
    return reference.jobs(Frame((pixels >> 8 - depth).astype(np.uint8), depth), side)


class BoardUnderTest:
    """The board at a port, reached over the latest faulty line if there is one.

    Args:
        port: The board's port.
        baud: Bits per second.
    """

    def __init__(self, port: str, baud: int = DEFAULT_BAUD) -> None:
        self.port = port
        self.baud = baud
        self._line: LineProxy | None = None
        self._client: BoardClient | None = None

    @property
    def client(self) -> BoardClient:
        """The client; it opens the port, or connects to the faulty line, when it is first used."""
        if self._client is None:
            address = self.port if self._line is None else self._line.address
            self._client = BoardClient(
                address, self.baud, HostSettings(baud=self.baud, away=AWAY_S)
            )
        return self._client

    def put_behind(self, **settings: Any) -> LineProxy:
        """Put a faulty line in front of the board, instead of an earlier one; return it.

        Args:
            settings: Of `LineProxy`; `baud` is the rate of the line, `port_baud` the port's.
        """
        self.close()
        self._line = LineProxy(self.port, **({"port_baud": self.baud} | settings))
        return self._line

    def close(self) -> None:
        """Give the port up; the next use opens it again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
        line, self._line = self._line, None
        if line is not None:
            line.close()

    # ---- as the client

    @property
    def counts(self) -> HostCounts:
        """What the line has carried since the port was opened."""
        return self.client.counts

    @property
    def bad_frames(self) -> int:
        """Number of damaged frames received from the board."""
        return self.client.bad_frames

    def capabilities(self) -> Capabilities:
        """Return what the board can do.

        Raises:
            BoardGoneError: No board answers.
        """
        return self.client.capabilities()

    def clock(self) -> BoardClock:
        """Return the board's clock.

        Raises:
            BoardGoneError: No board answers.
        """
        return self.client.clock()

    def submit(self, form: TileForm, tile: bytes) -> int:
        """Queue a tile; return its ticket."""
        return self.client.submit(form, tile)

    def event(self, timeout: float | None = None) -> Event | None:
        """Return the next event; None if none comes within `timeout` seconds.

        Raises:
            BoardGoneError: No session can be opened any more.
        """
        return self.client.event(timeout)

    def encode(self, tiles: Iterable[TileTask]) -> Iterator[tuple[int, Finished | Refused]]:
        """Encode tiles; yield each tile's index and event as soon as it is there.

        Raises:
            BoardGoneError: No session can be opened any more.
        """
        return self.client.encode(tiles)
