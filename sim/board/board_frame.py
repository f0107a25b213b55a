"""A frame that a board is to encode, and what the board made of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from ...link.container.frame import Frame
from ...payload.encoders.base import Encoder, Setting
from ..frames.content_cache import CodedFrame


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """A frame for the board.

    Attributes:
        key: The key for `BoardLoop.result`.
        number: Number of the first frame that shows this.
        read: Returns the frame.
        encoder: The codec in this process.
        setting: A quality.
        reference: Encodes the same frame in this process.
    """

    key: Hashable
    number: int
    read: Callable[[], Frame]
    encoder: Encoder
    setting: Setting
    reference: Callable[[Frame], CodedFrame]

    @property
    def name(self) -> str:
        """The frame's name in reports."""
        return f"frame {self.number}"


@dataclass(frozen=True, slots=True)
class BoardFrame:
    """A frame as encoded by the board.

    Attributes:
        size: Bytes of its container.
        ticks: Encode time in whole microseconds, rounded up, at least one.
        differing: The container if it differs from this process's; otherwise None.
        wrong_tiles: Number of its tiles that the board encoded wrongly.
    """

    size: int
    ticks: int
    differing: bytes | None
    wrong_tiles: int = 0
