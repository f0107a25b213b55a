"""The results of a board in a run, and the verdict on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ...link.serial.blame import Blame
from ...link.serial.constants import TickKind
from ...link.serial.host_settings import HostCounts
from ...link.serial.line_kind import LineKind, wire_s
from ...link.serial.messages import Capabilities
from .injection import InjectedFaults
from .tile_record import TileVerdict


class Verdict(StrEnum):
    """Whether a board did what it should in a run."""

    PASSED = "passed"
    """It encoded every frame, and every payload is the one that this program makes."""
    FAILED = "failed"
    """A payload is wrong, a tile was refused, or the board stopped."""
    UNVERIFIED = "unverified"
    """The run gave it nothing to encode."""


@dataclass(frozen=True, slots=True)
class WrongTile:
    """A tile that the board encoded wrongly.

    Attributes:
        frame: Number of the first frame that shows it.
        tile: Index of the tile in the frame.
        verdict: What is wrong with it.
        injected: Whether an injected fault made it wrong.
    """

    frame: int
    tile: int
    verdict: TileVerdict
    injected: bool = False


@dataclass(frozen=True, slots=True)
class BoardFigures:
    """Results of a board in a run.

    Attributes:
        port: The port in the scenario.
        baud: Bits per second that the port was opened with.
        line: The kind of the line.
        own: The board's capabilities.
        asked: Number of frames that the run gives to the board.
        frames: Number of finished frames.
        tiles: Number of tiles in finished frames, by verdict; of unfinished frames, the tiles that
            were finished (unverified) and refused.
        wrong: The first few tiles that are wrong.
        differing: Names of the first few frames whose container differs.
        encode_s: The board's encode time for all frames, in seconds.
        host_s: Seconds that this process took when it first encoded the same frames.
        raw_bytes: Bytes of all tiles sent.
        coded_bytes: Bytes of all finished tiles.
        wall_s: Wall-clock seconds from the first tile to the last.
        counts: What the line has carried.
        bad_frames: Damaged frames received from the board.
        stopped: Why the board encodes nothing more; empty if it encoded everything.
        stopped_by: Whose fault that is; None if that is not known.
        stopped_on_purpose: Whether an injected fault let nothing through when it was given up.
        lost: Why the latest session was lost; empty if none was.
        losses: Number of lost sessions by whose fault they were; None if that is not known.
        resets: How often the board was reset because it did not answer.
        injected: The faults that were injected; None if none were asked for.
    """

    port: str
    baud: int
    line: LineKind
    own: Capabilities
    asked: int
    frames: int
    tiles: Mapping[TileVerdict, int]
    wrong: tuple[WrongTile, ...]
    differing: tuple[str, ...]
    encode_s: float
    host_s: float
    raw_bytes: int
    coded_bytes: int
    wall_s: float
    counts: HostCounts
    bad_frames: int
    stopped: str
    stopped_by: Blame | None = None
    stopped_on_purpose: bool = False
    lost: str = ""
    losses: Mapping[Blame | None, int] = field(default_factory=dict)
    resets: int = 0
    injected: InjectedFaults | None = None

    @property
    def modelled(self) -> bool:
        """Whether the board's times are modelled instead of measured by a clock."""
        return self.own.tick_kind == TickKind.MODELLED

    @property
    def compared_tiles(self) -> int:
        """Number of tiles that were compared with this program's."""
        return self.equal_tiles + self.wrong_tiles

    @property
    def equal_tiles(self) -> int:
        """Number of tiles with the same bytes as this program's."""
        return self.tiles.get(TileVerdict.EQUAL, 0)

    @property
    def wrong_tiles(self) -> int:
        """Number of tiles that the board encoded wrongly."""
        return sum(number for verdict, number in self.tiles.items() if verdict.is_wrong)

    @property
    def line_s(self) -> float | None:
        """Least seconds that the line needs at its bit rate; None if it has none."""
        most = max(self.counts.bytes_sent, self.counts.bytes_received)
        return wire_s(self.line, self.baud, most)

    @property
    def verdict(self) -> Verdict:
        """Whether the board did what it should."""
        if self.wrong_tiles or self.differing or self.stopped or self.frames < self.asked:
            return Verdict.FAILED
        return Verdict.PASSED if self.asked else Verdict.UNVERIFIED

    @property
    def blame(self) -> Blame | None:
        """Whose fault a failure is; None if that is not known, or nothing has failed."""
        if self.wrong_tiles or self.differing:
            return Blame.BOARD
        return self.stopped_by

    @property
    def is_injected(self) -> bool:
        """Whether the board failed by injected faults alone.

        These are wrong results, a refused tile, and a cut, stall or reboot that outlasted the time
        that a board may be away.
        """
        faults = self.injected
        if faults is None or self.verdict is not Verdict.FAILED:
            return False
        if self.stopped and not (faults.board.refused or self.stopped_on_purpose):
            return False
        if self.wrong_tiles:
            return self.wrong_tiles <= faults.noticed_wrong
        return bool(self.stopped)
