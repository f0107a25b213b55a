"""A frame's tiles as the serial protocol carries them.

What a board makes of them is what the in-process encoder puts into the frame's container.
"""

from __future__ import annotations

import zlib

import numpy as np

from ...link.errors import InputError
from ...link.serial.constants import JobFlag, SampleCode, SettingCode
from ...link.serial.messages import TileForm
from ...link.tiles import grid
from ...payload.encoders.base import Frame, Setting
from ...payload.encoders.tiled import unsigned_samples

_SAMPLES = {"uint8": SampleCode.UINT8, "uint16": SampleCode.UINT16, "int16": SampleCode.INT16}


def setting_of(setting: Setting) -> tuple[SettingCode, int]:
    """Return a setting as a JOB says it.

    Raises:
        InputError: A rate for a whole frame, or a quality finer than thousandths.
    """
    if setting.quality is None:
        raise InputError(f"setting {setting}: a board encodes tiles alone, at a quality or a step")
    thousandths = round(setting.quality * 1000)
    if abs(thousandths / 1000 - setting.quality) > 1e-9:
        raise InputError(f"quality {setting.quality!r}: a board takes thousandths")
    return SettingCode.QUALITY, thousandths


def frame_jobs(
    frame: Frame, side: int, setting: tuple[SettingCode, int]
) -> list[tuple[TileForm, bytes]]:
    """Return the frame's tiles, in order of their indices.

    Args:
        frame: The frame.
        side: Side of a tile in pixels, 0 for one tile a frame.
        setting: How hard to compress each tile.

    Raises:
        InputError: A valid sample lies outside the frame's bit depth.
    """
    _, negative = unsigned_samples(frame)
    flags = JobFlag.NEGATIVE if negative else JobFlag(0)
    if frame.nodata_mask() is not None:
        flags |= JobFlag.NODATA | JobFlag.MASKS
    kind = np.dtype("u1" if frame.sample_type == "uint8" else frame.pixels.dtype.newbyteorder("<"))
    jobs = []
    for place in grid(frame.width, frame.height, side):
        samples = np.ascontiguousarray(frame.pixels[place.window], dtype=kind).tobytes()
        form = TileForm(
            tile_bytes=len(samples),
            tile_crc=zlib.crc32(samples),
            columns=place.columns,
            rows=place.rows,
            bands=frame.bands,
            bit_depth=frame.bit_depth,
            sample=_SAMPLES[frame.sample_type],
            flags=flags,
            setting_kind=setting[0],
            nodata=frame.nodata if flags & JobFlag.NODATA and frame.nodata is not None else 0,
            setting=setting[1],
        )
        jobs.append((form, samples))
    return jobs
