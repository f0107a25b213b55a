"""Converts a frame's tiles to jobs of the serial protocol, and the results to a container.

For each tile a board returns the same bytes that the in-process encoder puts into the container.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...link.container import codestreams
from ...link.container.frame import Frame
from ...link.container.tiles import grid
from ...link.errors import InputError
from ...link.serial.constants import JobFlag, SampleCode, SettingCode
from ...link.serial.messages import NO_ROTATION, TileForm
from ...link.student.rotation import Quaternion
from ...payload.encoders.base import Encoder, Setting
from ...payload.encoders.student.encoder import StudentEncoder
from ...payload.encoders.student.jobs import TileJob
from ...payload.encoders.tiled import TiledEncoder, unsigned_samples

TileTask = tuple[TileForm, bytes]
"""A tile as sent over the line: its form and its samples."""

_SAMPLES = {"uint8": SampleCode.UINT8, "uint16": SampleCode.UINT16, "int16": SampleCode.INT16}


def setting_of(setting: Setting) -> tuple[SettingCode, int]:
    """Return a setting in the units of JOB.

    Raises:
        InputError: The setting is a rate for a whole frame, or a quality finer than thousandths.
    """
    if setting.quality is None:
        raise InputError(f"setting {setting}: a board encodes tiles alone, at a quality or a step")
    thousandths = round(setting.quality * 1000)
    if abs(thousandths / 1000 - setting.quality) > 1e-9:
        raise InputError(f"quality {setting.quality!r}: a board takes thousandths")
    return SettingCode.QUALITY, thousandths


def frame_jobs(
    frame: Frame, side: int, setting: tuple[SettingCode, int], rotation: Quaternion = NO_ROTATION
) -> list[TileTask]:
    """Return the frame's tiles as tasks, in order of their indices.

    Args:
        frame: The frame.
        side: Side of a tile in pixels; 0 for one tile per frame.
        setting: How hard to compress each tile.
        rotation: How the codec rotates the bands of a tile; `NO_ROTATION` if it does not.

    Raises:
        InputError: A valid sample is outside the frame's bit depth, or the frame has a mask without
            a nodata value.
    """
    _, negative = unsigned_samples(frame)
    flags = JobFlag.NEGATIVE if negative else JobFlag(0)
    if frame.holes() is not None:
        if frame.nodata is None:
            raise InputError(
                "a frame with a mask: a board knows nodata by its value alone; allowed: a scene "
                "with a nodata value, or without a mask"
            )
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
            rotation=rotation,
        )
        jobs.append((form, samples))
    return jobs


def student_job(job: TileJob, quality: int) -> TileTask:
    """Return the task for a triple of a tile's bands, for boards with the learned codec."""
    rows, columns, bands = job.pixels.shape
    samples = np.ascontiguousarray(job.pixels).tobytes()
    form = TileForm(
        tile_bytes=len(samples),
        tile_crc=zlib.crc32(samples),
        columns=columns,
        rows=rows,
        bands=bands,
        bit_depth=8,
        sample=SampleCode.UINT8,
        flags=JobFlag(0),
        setting_kind=SettingCode.STEP,
        nodata=0,
        setting=quality,
        rotation=job.rotation,
    )
    return form, samples


class TaskPlace(NamedTuple):
    """Where a task belongs: the index of its tile, and of its triple of bands in the tile."""

    tile: int
    part: int


@dataclass(frozen=True, slots=True)
class FrameTasks:
    """The tasks of a board for one frame.

    Attributes:
        tasks: The tasks in order of tiles; the learned codec has several per tile, or none.
        places: Where each task belongs.
        container: Makes the frame's container from the tasks' payloads, in the same order.
        parts: Divides a tile's payload, given with the tile's index, into its tasks' payloads.
    """

    tasks: list[TileTask]
    places: list[TaskPlace]
    container: Callable[[Sequence[bytes]], bytes]
    parts: Callable[[int, bytes], list[bytes]]


def frame_tasks(encoder: Encoder, frame: Frame, setting: Setting) -> FrameTasks:
    """Return a board's tasks for a frame; they give the same container as the encoder.

    Args:
        encoder: The codec in this process, with the tile's side.
        frame: The frame.
        setting: A quality.

    Raises:
        InputError: The setting is not a quality, or the codec cannot encode tiles independently.
    """
    if isinstance(encoder, StudentEncoder) and setting.quality is not None:
        prepared = encoder.prepare(frame)
        quality = prepared.quality(setting)
        jobs = [prepared.jobs(index) for index in range(prepared.tiles)]

        def container(streams: Sequence[bytes]) -> bytes:
            rest = iter(streams)
            payloads = [
                prepared.payload(index, [next(rest) for _ in own]) for index, own in enumerate(jobs)
            ]
            return prepared.container(payloads, quality)

        def parts(index: int, payload: bytes) -> list[bytes]:
            mask = len(prepared.payload(index, []))
            return codestreams.split(payload, mask, len(jobs[index])) if jobs[index] else []

        return FrameTasks(
            [student_job(job, quality) for own in jobs for job in own],
            [TaskPlace(tile, part) for tile, own in enumerate(jobs) for part in range(len(own))],
            container,
            parts,
        )
    chosen = setting_of(setting)
    if isinstance(encoder, TiledEncoder):
        tiles = encoder.prepare(frame)
        tasks = frame_jobs(frame, encoder.tile, chosen)
        places = [TaskPlace(tile, 0) for tile in range(len(tasks))]
        return FrameTasks(tasks, places, tiles.container, lambda _, payload: [payload])
    raise InputError(f"codec {encoder.name}: a board cannot run it")
