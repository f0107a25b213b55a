"""Test tiles for a board: fixed ones with extreme contents, and random ones.

Each is a task for the board's codec. The board must return the same bytes as the same codec in this
process.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...link.serial.constants import Feature, SampleCode, SettingCode
from ...link.serial.messages import NO_ROTATION, Capabilities, TileForm
from ...link.student.rotation import IDENTITY, Quaternion
from .job import TileTask
from .tile_room import is_learned, trial_bands, trial_depth, trial_setting

LARGEST_SIDE: Final = 64
_FINEST: Final = 256
_ROTATIONS: Final[tuple[Quaternion, ...]] = (
    IDENTITY,
    (90, -89, 3, 0),
    (1, -127, 127, -127),
    (110, 20, -50, 30),
)


def trial_tiles(own: Capabilities, random_tiles: int) -> Iterator[tuple[str, TileTask]]:
    """Yield named tiles that a board with these capabilities must encode.

    Args:
        own: The board's capabilities.
        random_tiles: Number of random tiles after the fixed ones.
    """
    columns, rows = (min(LARGEST_SIDE, most) for most in (own.most_columns, own.most_rows))
    bands = trial_bands(own)
    columns = max(1, min(columns, own.largest_tile // bands))
    rows = max(1, min(rows, own.largest_tile // (columns * bands)))
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    slope = ((x * 3 + y) % 256)[..., None] + np.zeros(bands, int)
    noise = np.random.default_rng(7).integers(0, 256, (rows, columns, bands))
    fixed = {
        "black": slope * 0,
        "white": slope * 0 + 255,
        "a slope": slope,
        "a chessboard of pixels": ((x + y) % 2 * 255)[..., None] + np.zeros(bands, int),
        "noise": noise,
        "a single pixel": noise[:1, :1],
        "a column": noise[:, :1],
        "odd sides": noise[: min(rows, 33), : min(columns, 17)],
        "one band": noise[..., :1],
    }
    steps = (0, 256, 128, 200, 230, 256, 90, 150, 60)
    for (name, pixels), step in zip(fixed.items(), steps, strict=True):
        yield f"{name}, step {step}", task(own, pixels, step)
    rng = random.Random(11)  # noqa: S311  (repeatable, not secret)
    for number in range(random_tiles):
        high, wide = rng.randint(1, min(rows, 40)), rng.randint(1, min(columns, 40))
        seed = np.random.default_rng(rng.getrandbits(32))
        pixels = slope[:high, :wide] + seed.integers(0, rng.choice((2, 40, 256)), (high, wide, 1))
        step, rotation = rng.randint(0, _FINEST), rng.choice(_ROTATIONS)
        yield f"random {number}, step {step}", task(own, pixels % 256, step, rotation)


def task(
    own: Capabilities, pixels: NDArray[np.integer], step: int, rotation: Quaternion = _ROTATIONS[3]
) -> TileTask:
    """Return a task for an 8-bit tile (rows, columns, bands), at about step `step` of 256.

    For a board of a lower bit depth, the samples lose their lowest bits.
    """
    depth = trial_depth(own)
    samples = np.ascontiguousarray((pixels >> 8 - depth).astype(np.uint8)).tobytes()
    rows, columns, bands = pixels.shape
    kind, setting = trial_setting(own, round(step / _FINEST * 100_000))
    if is_learned(own) or kind is SettingCode.STEP:
        kind, setting = SettingCode.STEP, step
    form = TileForm(
        tile_bytes=len(samples),
        tile_crc=zlib.crc32(samples),
        columns=columns,
        rows=rows,
        bands=bands,
        bit_depth=depth,
        sample=SampleCode.UINT8,
        flags=0,
        setting_kind=kind,
        nodata=0,
        setting=setting,
        rotation=rotation if own.features & Feature.ROTATION else NO_ROTATION,
    )
    return form, samples
