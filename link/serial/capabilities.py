"""What a board can do, as CAPS reports it."""

from __future__ import annotations

from dataclasses import dataclass

from .constants import LARGEST_CHUNK, LARGEST_WINDOW, MOST_SLOTS, SMALLEST_CHUNK, TickKind


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Limits, codec and identity of a board.

    Attributes:
        memory: Total memory of the firmware or the agent, in bytes.
        largest_tile: Bytes of the largest tile's samples.
        largest_result: Bytes of the largest finished tile.
        most_columns: Columns of the widest tile.
        most_rows: Rows of the tallest tile.
        most_bands: Most bands of a tile.
        bit_depth: Largest bit depth of a sample.
        slots: Jobs that it holds at once, including those that are loaded, run or fetched.
        window: Chunks that it can receive before it has acknowledged any.
        codec: Number of its codec in the bitstream's header.
        features: Its `Feature`s.
        tick_kind: Whether its ticks are measured or modelled.
        chunk: Bytes of the largest chunk.
        tick_rate: Ticks in a second.
        clock_hz: Clock rate of its processor in Hz; 0 if unknown.
        fingerprint: The model that it runs, 8 bytes; zeros if its codec has none.
        name: Its name.
        software: Its software and version.
    """

    memory: int
    largest_tile: int
    largest_result: int
    most_columns: int
    most_rows: int
    most_bands: int
    bit_depth: int
    slots: int
    window: int
    codec: int
    features: int
    tick_kind: TickKind
    chunk: int
    tick_rate: int
    clock_hz: int
    fingerprint: bytes
    name: str
    software: str

    def __post_init__(self) -> None:
        for what, value, low, high in (
            ("slots", self.slots, 1, MOST_SLOTS),
            ("window", self.window, 1, LARGEST_WINDOW),
            ("chunk", self.chunk, SMALLEST_CHUNK, LARGEST_CHUNK),
            ("bit depth", self.bit_depth, 1, 16),
            ("tick rate", self.tick_rate, 1, 0xFFFFFFFF),
            ("largest tile", self.largest_tile, 1, 0xFFFFFFFF),
            ("largest result", self.largest_result, 1, 0xFFFFFFFF),
        ):
            if not low <= value <= high:
                raise ValueError(f"{what} {value}: allowed are {low} to {high}")
