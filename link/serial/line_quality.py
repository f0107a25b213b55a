"""Chooses the chunk size that suits a line's error rate.

A frame of s bytes arrives undamaged with probability (1 − b)^(8 s) at a bit error rate b.
So a chunk of c bytes with h bytes of framing carries c (1 − b)^(8 (c + h)) / (c + h) of the line's
bytes, which is largest near c = √(h / (8 b)) for a small b (maximise its logarithm over c). Lost
frames do not count: only damage becomes rarer in smaller frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from .board_messages import Pong
from .constants import SMALLEST_CHUNK
from .host_settings import HostCounts

FRAMING_BYTES: Final = 32
"""Bytes that a chunk's frame and its share of acknowledgements add to its data, about."""
LEAST_DAMAGED: Final = 8
"""Damaged frames before a rate is estimated."""
WORTH_A_SESSION: Final = 2
"""Only a chunk smaller by this factor is worth a new session, which repeats unfinished tiles."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Frames of one direction.

    Attributes:
        frames: Frames sent.
        bytes: Their bytes.
        damaged: How many of them arrived damaged.
    """

    frames: int
    bytes: int
    damaged: int

    def since(self, before: Traffic) -> Traffic:
        """Return the difference to an earlier count."""
        return Traffic(
            self.frames - before.frames, self.bytes - before.bytes, self.damaged - before.damaged
        )


def bit_error_rate(traffic: Traffic) -> float | None:
    """Return the estimated bit error rate; None if too few frames were damaged to say.

    Damage to a delimiter joins two frames into one damaged one, so this is a little too low.
    """
    if traffic.damaged < LEAST_DAMAGED or traffic.frames < 1 or traffic.bytes < traffic.frames:
        return None
    # All frames damaged: half a frame was not.
    share = min(traffic.damaged / traffic.frames, 1 - 0.5 / traffic.frames)
    return -math.log1p(-share) * traffic.frames / (8 * traffic.bytes)


def best_chunk(rate: float) -> int:
    """Return the chunk size for a bit error rate: a power of two from 64 bytes on."""
    best = math.sqrt(FRAMING_BYTES / (8 * rate)) if rate > 0 else math.inf
    size = SMALLEST_CHUNK
    while 1.5 * size < best and size < 1 << 15:
        size *= 2
    return size


def smaller_chunk(chunk: int, traffic: Traffic) -> int | None:
    """Return a chunk size that is worth a new session; None if `chunk` may stay."""
    rate = bit_error_rate(traffic)
    if rate is None:
        return None
    best = best_chunk(rate)
    return best if best * WORTH_A_SESSION <= chunk else None


class LineQuality:
    """Decides when to ask the board how many frames it has received damaged, and keeps count.

    A line that loses nothing is never asked about. The first PONG after chunks were sent again
    gives the counts to begin from, a later one the traffic since then.

    Attributes:
        token: The token of the latest PING that asks; None before the first.
    """

    def __init__(self) -> None:
        self.token: int | None = None
        self._repeated = 0
        self._boot: int | None = None
        self._before = Traffic(0, 0, 0), Traffic(0, 0, 0)

    def is_suspect(self, counts: HostCounts) -> bool:
        """Whether enough chunks were sent again since the last PING to send another."""
        if counts.chunks_repeated < self._repeated + LEAST_DAMAGED:
            return False
        self._repeated = counts.chunks_repeated
        return True

    def traffic(self, counts: HostCounts, pong: Pong, bad_here: int) -> Traffic:
        """Return the worse direction's traffic since the counts began, at the PONG of `token`."""
        now = (
            Traffic(counts.frames_sent, counts.bytes_sent, pong.bad_frames),
            Traffic(counts.frames_received + bad_here, counts.bytes_received, bad_here),
        )
        if pong.boot_nonce != self._boot:
            self._start(pong.boot_nonce, now)
        both = [new.since(old) for new, old in zip(now, self._before, strict=True)]
        worse = max(both, key=lambda traffic: bit_error_rate(traffic) or 0.0)
        if bit_error_rate(worse) is not None:
            self._start(pong.boot_nonce, now)
        return worse

    def _start(self, boot: int, now: tuple[Traffic, Traffic]) -> None:
        self._boot, self._before = boot, now
