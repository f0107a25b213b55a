"""What became of one tile on a board: its verdict, its times, and what was sent again for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ...link.serial.trip import Trip


class TileVerdict(StrEnum):
    """How a board's payload compares with the one that this program makes of the same pixels."""

    EQUAL = "equal"
    """Byte for byte the same."""
    DIFFERS = "differs"
    """It arrived with a right CRC-32 and has other bytes; the ground decodes it nevertheless."""
    UNDECODABLE = "undecodable"
    """It arrived with a right CRC-32 and has other bytes, which no decoder reads."""
    UNVERIFIED = "unverified"
    """It was finished, but not compared: the board stopped before its frame was complete."""
    REFUSED = "refused"
    """The board or its encoder refused the tile; there is no payload."""

    @property
    def is_wrong(self) -> bool:
        """Whether the board encoded the tile, and wrongly."""
        return self in (TileVerdict.DIFFERS, TileVerdict.UNDECODABLE)


class TileTicks(NamedTuple):
    """The board's ticks for a job: until its tile was complete, for encoding, for the result."""

    receive: int
    encode: int
    send: int


@dataclass(frozen=True, slots=True)
class TileRecord:
    """One job of a board: a tile, or a triple of its bands with the learned codec.

    Attributes:
        port: The board's port in the scenario.
        board: The board's name.
        frame: Number of the first frame that shows this; later frames of the same pixels and
            setting share the result.
        tile: Index of the tile in the frame.
        part: Index of the triple of bands; 0 for a codec that has none.
        verdict: How the payload compares.
        raw_bytes: Bytes of samples that were sent.
        coded_bytes: Bytes of the payload, which itself is not kept; None if the tile was refused.
        tick_rate: The board's ticks per second.
        modelled: Whether the ticks are modelled instead of those of a clock.
        ticks: The board's ticks; None if the tile was refused.
        trip: The way to the board and back; None if the tile was refused.
        injected: Whether an injected fault made the payload wrong.
    """

    port: str
    board: str
    frame: int
    tile: int
    part: int
    verdict: TileVerdict
    raw_bytes: int
    coded_bytes: int | None
    tick_rate: int
    modelled: bool
    ticks: TileTicks | None
    trip: Trip | None
    injected: bool = False
