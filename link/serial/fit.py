"""Checks whether a board's capabilities allow a tile, for both ends of the line."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Misfit:
    """The first of a tile's properties that a board's capabilities do not allow.

    Attributes:
        code: Code of the ERROR by which a board refuses the JOB.
        detail: Detail of this ERROR.
        cause: What the host says of it, without asking the board.
    """

    code: Code
    detail: int
    cause: str


def misfit(form: TileForm, board: Capabilities, chunk: int) -> Misfit | None:
    """Return why a board cannot take a tile; None if it can.

    Args:
        form: The tile.
        board: The board's capabilities.
        chunk: Bytes of a chunk in this session.
    """
    tile = f"a tile of {form.columns} x {form.rows} pixels, {form.bands} bands"
    size = f"{tile}: the board takes {board.most_columns} x {board.most_rows} at most"
    sample = _FEATURE_OF_SAMPLE.get(form.sample)
    setting = _FEATURE_OF_SETTING[form.setting_kind]
    chunks = -(-form.tile_bytes // chunk)
    if form.tile_bytes > board.largest_tile:
        cause = f"{tile}, {form.tile_bytes} bytes: the board takes {board.largest_tile} at most"
        return Misfit(Code.TOO_LARGE, board.largest_tile, cause)
    if form.columns > board.most_columns:
        return _unsupported(Unsupported.COLUMNS, size)
    if form.rows > board.most_rows:
        return _unsupported(Unsupported.ROWS, size)
    if form.bands > board.most_bands:
        cause = f"{tile}: the board takes {board.most_bands} at most"
        return _unsupported(Unsupported.BANDS, cause)
    if form.bit_depth > board.bit_depth:
        cause = f"bit depth {form.bit_depth}: the board takes {board.bit_depth} at most"
        return _unsupported(Unsupported.BIT_DEPTH, cause)
    if sample is not None and not board.features & sample:
        cause = f"samples of {sample.name}: the board does not take them"
        return _unsupported(Unsupported.SAMPLE, cause)
    if form.flags & (JobFlag.NODATA | JobFlag.MASKS) and not board.features & Feature.NODATA:
        cause = "a tile with nodata: the board does not take it"
        return _unsupported(Unsupported.FLAGS, cause)
    if not board.features & setting:
        cause = f"a setting of {setting.name}: the board does not take it"
        return _unsupported(Unsupported.SETTING, cause)
    if chunks > MOST_CHUNKS:
        cause = f"{tile}: {chunks} chunks of {chunk} bytes; allowed are {MOST_CHUNKS}"
        return _unsupported(Unsupported.CHUNKS, cause)
    if not _takes_rotation(form, board):
        cause = "a tile with this rotation of bands: the board does not take it"
        return _unsupported(Unsupported.ROTATION, cause)
    return None


def _unsupported(detail: Unsupported, cause: str) -> Misfit:
    return Misfit(Code.UNSUPPORTED, detail, cause)


def _takes_rotation(form: TileForm, board: Capabilities) -> bool:
    """Whether a board can rotate bands so: by a quaternion of -127 to 127, not all 0."""
    if not board.features & Feature.ROTATION:
        return form.rotation == NO_ROTATION
    return form.rotation != NO_ROTATION and min(form.rotation) > -128
