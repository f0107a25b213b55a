"""Checks whether a board's capabilities allow a tile: in words for the host, as ERROR's for it."""

from __future__ import annotations

from typing import Final

from .constants import (
    MOST_CHUNKS,
    Code,
    Feature,
    JobFlag,
    SampleCode,
    SettingCode,
    Unsupported,
)
from .messages import NO_ROTATION, Capabilities, TileForm

_FEATURE_OF_SAMPLE: Final = {SampleCode.UINT16: Feature.UINT16, SampleCode.INT16: Feature.INT16}
_FEATURE_OF_SETTING: Final = {
    SettingCode.QUALITY: Feature.QUALITY,
    SettingCode.BYTES: Feature.BYTES,
    SettingCode.STEP: Feature.STEP,
}


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


def refusal(form: TileForm, own: Capabilities, chunk: int) -> tuple[Code, int] | None:
    """Return the code and the detail of the ERROR by which a board refuses a JOB.

    None if it takes the tile. The arguments are those of `why_unfit`.
    """
    can = own.features
    needed = _FEATURE_OF_SAMPLE.get(form.sample)
    if form.tile_bytes > own.largest_tile:
        return Code.TOO_LARGE, own.largest_tile
    if form.columns > own.most_columns:
        return Code.UNSUPPORTED, Unsupported.COLUMNS
    if form.rows > own.most_rows:
        return Code.UNSUPPORTED, Unsupported.ROWS
    if form.bands > own.most_bands:
        return Code.UNSUPPORTED, Unsupported.BANDS
    if form.bit_depth > own.bit_depth:
        return Code.UNSUPPORTED, Unsupported.BIT_DEPTH
    if needed is not None and not can & needed:
        return Code.UNSUPPORTED, Unsupported.SAMPLE
    if form.flags & (JobFlag.NODATA | JobFlag.MASKS) and not can & Feature.NODATA:
        return Code.UNSUPPORTED, Unsupported.FLAGS
    if not can & _FEATURE_OF_SETTING[form.setting_kind]:
        return Code.UNSUPPORTED, Unsupported.SETTING
    if -(-form.tile_bytes // chunk) > MOST_CHUNKS:
        return Code.UNSUPPORTED, Unsupported.CHUNKS
    if not (_is_rotation(form) if can & Feature.ROTATION else form.rotation == NO_ROTATION):
        return Code.UNSUPPORTED, Unsupported.ROTATION
    return None


def _is_rotation(form: TileForm) -> bool:
    """Whether the rotation is a valid quaternion of the bitstream: -127 to 127, not all 0."""
    return form.rotation != NO_ROTATION and min(form.rotation) > -128
