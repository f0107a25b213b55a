"""What a board can do, as CAPS reports it."""

from __future__ import annotations

from dataclasses import dataclass

from .constants import LARGEST_CHUNK, LARGEST_WINDOW, MOST_SLOTS, SMALLEST_CHUNK, TickKind


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a board is and can do.

    Attributes:
        memory: Bytes that the firmware or the agent may use in all.
        largest_tile: Bytes of the largest tile's samples.
        largest_result: Bytes of the largest finished tile.
        most_columns: Columns of the widest tile.
        most_rows: Rows of the highest tile.
        most_bands: Bands of a tile.
        bit_depth: The deepest samples.
        slots: Jobs that it holds at once: loading, running, being fetched.
        window: Chunks that it can take before it has acknowledged any.
        codec: Number of its codec in the bitstream's header.
        features: `Feature`s.
        tick_kind: What its ticks are.
        chunk: Bytes of the largest chunk.
        tick_rate: Ticks in a second.
        clock_hz: Clock of its processor, 0 where it doesn't know.
        fingerprint: Which model it runs, 8 bytes; zeros where its codec has none.
        name: Who it is.
        software: What it runs, with the version.
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
