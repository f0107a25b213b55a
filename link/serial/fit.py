"""Checks whether a board's capabilities allow a tile."""

from __future__ import annotations

from typing import Final

from .constants import MOST_CHUNKS, Feature, JobFlag, SampleCode
from .messages import Capabilities, TileForm

_FEATURE_OF_SAMPLE: Final = {SampleCode.UINT16: Feature.UINT16, SampleCode.INT16: Feature.INT16}


def why_unfit(form: TileForm, board: Capabilities, chunk: int) -> str:
    """Return why a board cannot take a tile; empty if it can.

    Args:
        form: The tile.
        board: The board's capabilities.
        chunk: Bytes of a chunk in this session.
    """
    tile = f"a tile of {form.columns} x {form.rows} pixels, {form.bands} bands"
    if form.tile_bytes > board.largest_tile:
        return f"{tile}, {form.tile_bytes} bytes: the board takes {board.largest_tile} at most"
    if form.columns > board.most_columns or form.rows > board.most_rows:
        return f"{tile}: the board takes {board.most_columns} x {board.most_rows} at most"
    if form.bands > board.most_bands:
        return f"{tile}: the board takes {board.most_bands} at most"
    if form.bit_depth > board.bit_depth:
        return f"bit depth {form.bit_depth}: the board takes {board.bit_depth} at most"
    needed = _FEATURE_OF_SAMPLE.get(form.sample)
    if needed is not None and not board.features & needed:
        return f"samples of {needed.name}: the board does not take them"
    if form.flags & (JobFlag.NODATA | JobFlag.MASKS) and not board.features & Feature.NODATA:
        return "a tile with nodata: the board does not take them"
    count = -(-form.tile_bytes // chunk)
    if count > MOST_CHUNKS:
        return f"{tile}: {count} chunks of {chunk} bytes; allowed are {MOST_CHUNKS}"
    return ""
