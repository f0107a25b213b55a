"""The largest tiles of checks and benchmarks that a board's capabilities leave room for."""

from __future__ import annotations

from math import isqrt

from ...link.serial.constants import Feature, SettingCode
from ...link.serial.messages import Capabilities


def is_learned(own: Capabilities) -> bool:
    """Whether a board's features are those of the learned codec: it rotates bands, by steps."""
    return Feature.ROTATION | Feature.STEP in Feature(own.features)


def trial_setting(own: Capabilities, quality: int = 50_000) -> tuple[SettingCode, int]:
    """Return a setting of a kind that a board takes, for a codec whose steps are not known.

    Args:
        own: The board's capabilities.
        quality: The quality in thousandths, if the board takes one.
    """
    if own.features & Feature.QUALITY:
        return SettingCode.QUALITY, quality
    if own.features & Feature.STEP:
        return SettingCode.STEP, 0
    return SettingCode.BYTES, own.largest_result


def trial_bands(own: Capabilities) -> int:
    """Return the number of bands of a trial tile: 3, or 1 on a board that takes fewer than 3.

    The learned codec takes no tile of two bands.
    """
    return 3 if own.most_bands >= 3 and own.largest_tile >= 3 else 1


def trial_side(own: Capabilities, bands: int, most: int) -> int:
    """Return the side of the largest square uint8 tile that a board takes, in pixels.

    Args:
        own: The board's capabilities.
        bands: Number of bands of the tile.
        most: Largest side that is wanted.
    """
    room = isqrt(own.largest_tile // bands)
    return max(1, min(most, own.most_columns, own.most_rows, room))


def trial_depth(own: Capabilities) -> int:
    """Return the bit depth of a uint8 trial tile: 8, or the board's if that is less."""
    return min(8, own.bit_depth)
