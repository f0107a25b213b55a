"""Checks before a run whether a board can encode a satellite's frames."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import Final

from ...link.container.header import CODECS, NO_MODEL
from ...link.serial.constants import Feature
from ...link.serial.messages import Capabilities
from ...payload.encoders.base import Encoder
from ...payload.encoders.traits import TRAITS

SMALLEST_TILE: Final = 16
"""Side of the smallest tile that a scenario may set, in pixels."""


def unsuited(
    own: Capabilities,
    encoder: Encoder,
    *,
    columns: int,
    rows: int,
    bands: int,
    bit_depth: int,
) -> Iterator[tuple[str, str]]:
    """Yield why a board cannot encode a satellite's frames: the scenario's field and its fault.

    Args:
        own: The board's capabilities.
        encoder: The satellite's codec in this process.
        columns: Columns of the largest tile.
        rows: Rows of the largest tile.
        bands: Bands of a frame.
        bit_depth: Bit depth of a frame.
    """
    board = f"board {own.name}"
    codec = CODECS.get(own.codec, "none that is known here")
    if codec != encoder.name:
        yield "codec.name", f"found {encoder.name}; allowed: {codec}, which {board} runs"
        return
    if own.fingerprint != encoder.fingerprint:
        yield (
            "encoder.port",
            (
                f"found model {_model(own.fingerprint)} on {board}; "
                f"allowed: {_model(encoder.fingerprint)}, which this program and its ground hold"
            ),
        )
        return
    traits = TRAITS[encoder.name]
    if missing := traits.board_features & ~own.features:
        names = " and ".join(one.name.lower() for one in Feature if one & missing and one.name)
        yield "encoder.port", f"found {board} without {names}, which {encoder.name} needs"
    bands, bit_depth = traits.job(bands, bit_depth)
    if bands > own.most_bands:
        yield "imager.bands", f"found {bands}; allowed: at most {own.most_bands} on {board}"
    if bit_depth > own.bit_depth:
        yield "imager.bit_depth", f"found {bit_depth}; allowed: at most {own.bit_depth} on {board}"
    elif bit_depth > 8 and not own.features & (Feature.UINT16 | Feature.INT16):
        yield (
            "imager.bit_depth",
            (
                f"found {bit_depth}; allowed: at most 8 on {board}, which takes no samples of "
                "16 bits"
            ),
        )
    size = bands * (1 if bit_depth <= 8 else 2)
    fits = columns <= own.most_columns and rows <= own.most_rows
    if not fits or columns * rows * size > own.largest_tile:
        room = min(own.most_columns, own.most_rows, isqrt(own.largest_tile // size))
        largest = traits.tile_up_to(room)
        if largest < SMALLEST_TILE:
            yield (
                "encoder.port",
                (
                    f"found {board}, whose tiles have at most {room} x {room} pixels of {bands} "
                    f"bands; allowed: a board that takes {SMALLEST_TILE} x {SMALLEST_TILE}, the "
                    "smallest tile"
                ),
            )
            return
        yield "codec.tile", f"found {max(columns, rows)}; allowed: at most {largest} on {board}"


def _model(fingerprint: bytes) -> str:
    return "none" if fingerprint == NO_MODEL else fingerprint.hex()
