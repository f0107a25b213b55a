"""Events that `HostEnd` reports to the driver that calls it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .blame import Blame
from .messages import Capabilities
from .trip import Trip


@dataclass(frozen=True, slots=True)
class Opened:
    """A session is open.

    Attributes:
        capabilities: What the board can do.
        again: Whether a session was open before; its unfinished tiles continue in this one.
        rebooted: Whether the board has started anew since that session.
    """

    capabilities: Capabilities
    again: bool
    rebooted: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The session has ended; the host tries to open another.

    Attributes:
        cause: The reason, as text for people.
        blame: Whose fault it is; None if that is not known, or only when the next session opens.
    """

    cause: str
    blame: Blame | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A tile is encoded, and its payload has arrived complete.

    Attributes:
        ticket: As `submit` gave it.
        payload: The encoded tile.
        receive_ticks: The board's ticks from the job's announcement until the tile was complete.
        encode_ticks: The board's ticks for encoding.
        send_ticks: The board's ticks from the first to the last chunk of the payload.
        trip: The tile's way to the board and back, by the host's clock.
    """

    ticket: int
    payload: bytes
    receive_ticks: int
    encode_ticks: int
    send_ticks: int
    trip: Trip = field(default_factory=Trip, compare=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """This board will not encode a tile; other tiles are not affected.

    Attributes:
        ticket: As `submit` gave it.
        cause: The reason, as text for people.
        blame: Whose fault it is; None if that is not known.
    """

    ticket: int
    cause: str
    blame: Blame | None = Blame.BOARD


@dataclass(frozen=True, slots=True)
class BoardClock:
    """The board's answer to `ping`.

    Attributes:
        token: The token that `ping` returned.
        ticks: The board's clock.
        bad_frames: Damaged frames that the board has received since its boot.
        boot_nonce: The nonce of this boot.
        round_trip: Seconds from PING to PONG.
    """

    token: int
    ticks: int
    bad_frames: int
    boot_nonce: int
    round_trip: float


@dataclass(frozen=True, slots=True)
class Gone:
    """No session can be opened, so unfinished tiles stay unfinished. No event follows.

    Attributes:
        cause: The reason, as text for people.
        blame: Whose fault it is; None if that is not known: the board hangs, or the line is cut.
    """

    cause: str
    blame: Blame | None = None


Event = Opened | Closed | Finished | Refused | BoardClock | Gone
