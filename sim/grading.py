"""The ground's side of a run: decode what really arrived, measure it, and file it away."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..ground.archive import window_transform, write_cog
from ..ground.decoders import Decoded, decode
from ..ground.quality import quality
from ..link.bitstream import tile_spans, without
from ..link.transfer import Span
from ..payload.encoders.base import Frame
from .encoding import Encoders, Job
from .grade import Grade
from .model.journal import FrameRecord, FrameState
from .model.simulation import Outcome
from .scenes import Scenes, window

DECIMALS_DB = 3
DECIMALS_MS_SSIM = 5


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What arrived of one content: frames that show the same and lost the same are one."""

    job: Job
    missing: tuple[Span, ...]


class Grader:
    """Decodes and measures the delivered frames of a run."""

    def __init__(self, outcome: Outcome, encoders: Encoders, scenes: Scenes) -> None:
        self._outcome = outcome
        self._encoders = encoders
        self._scenes = scenes

    def grade(
        self, folder: Path | None, on_frame: Callable[[int, int], None] | None = None
    ) -> dict[int, Grade]:
        """Measure every delivered frame that has pixels, and archive it.

        Args:
            folder: where the frames are written as Cloud-Optimized GeoTIFFs; None writes none.
            on_frame: called with the number of frames done, and of all of them.

        Returns:
            The grades by number of frame.
        """
        arrivals: dict[_Arrival, list[FrameRecord]] = {}
        for record, arrival in self._arrivals():
            arrivals.setdefault(arrival, []).append(record)
        grades: dict[int, Grade] = {}
        total = sum(map(len, arrivals.values()))
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            done = threads.map(lambda item: self._one(item[0], item[1], folder), arrivals.items())
            for records, grade in zip(arrivals.values(), done, strict=True):
                grades |= {record.capture.number: grade for record in records}
                if on_frame is not None:
                    on_frame(len(grades), total)
        return grades

    def delivered(self, record: FrameRecord) -> tuple[Frame, Decoded | None]:
        """Return a frame as it was and as the ground has it; None where it can't be decoded."""
        job = self._encoders.job(record.satellite, record.capture)
        if job is None:
            raise ValueError(f"frame {record.capture.number} has no pixels")
        arrival = _Arrival(job, self._missing(record))
        return self._scenes.frame(job.satellite, job.view), self._decode(arrival)[0]

    def _arrivals(self) -> Iterator[tuple[FrameRecord, _Arrival]]:
        for satellite in self._outcome.satellites:
            for record in satellite.frames.values():
                job = self._encoders.job(record.satellite, record.capture)
                if job is not None and record.state is FrameState.DELIVERED:
                    yield record, _Arrival(job, self._missing(record))

    def _missing(self, record: FrameRecord) -> tuple[Span, ...]:
        station = self._outcome.station
        return tuple(station.missing(record.capture.number, record.encoded_bytes))

    def _one(self, arrival: _Arrival, records: list[FrameRecord], folder: Path | None) -> Grade:
        decoded, tiles = self._decode(arrival)
        if decoded is None:
            return Grade(math.nan, math.nan, tiles, tiles)
        original = self._scenes.frame(arrival.job.satellite, arrival.job.view)
        measured = quality(original, decoded.frame)
        if folder is not None:
            for record in records:
                self._archive(folder, record, arrival.job, decoded)
        return Grade(
            # Rounded, because the last bits of a float differ between machines.
            round(measured.psnr_db, DECIMALS_DB),
            round(measured.ms_ssim, DECIMALS_MS_SSIM),
            tiles,
            len(decoded.lost_tiles),
        )

    def _decode(self, arrival: _Arrival) -> tuple[Decoded | None, int]:
        """Decode what arrived, and count the tiles; None where the header is lost."""
        bitstream = self._encoders.coded(arrival.job).bitstream
        tiles = tile_spans(bitstream)
        header_end = min((offset for _, offset, _ in tiles), default=len(bitstream))
        if any(start < header_end for start, _ in arrival.missing):
            return None, len(tiles)
        lost = [
            index
            for index, offset, length in tiles
            if any(start < offset + length and end > offset for start, end in arrival.missing)
        ]
        return decode(without(bitstream, lost) if lost else bitstream), len(tiles)

    def _archive(self, folder: Path, record: FrameRecord, job: Job, decoded: Decoded) -> None:
        view = job.view
        if view.scene is None:
            return
        scene = self._scenes[view.scene]
        setup = self._outcome.setup
        satellite = setup.satellites[record.satellite].name
        target = setup.targets[record.capture.target]
        write_cog(
            folder / f"{record.capture.number:06d}-{satellite}-{target}.tif",
            decoded.frame,
            scene.crs,
            window_transform(scene.transform, window(view)),
            scene.content().bits - view.bit_depth,
            {
                "DOWNPASS_SATELLITE": satellite,
                "DOWNPASS_TARGET": target,
                "DOWNPASS_FRAME": str(record.capture.number),
                "DOWNPASS_LOST_TILES": " ".join(map(str, decoded.lost_tiles)),
            },
        )
