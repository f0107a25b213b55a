"""Grading: decodes the frames that arrived, measures their quality and archives them."""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from ...ground.archive import tile_tags, write_cog
from ...ground.decoders import Decoded, decode
from ...link.channel.packets import Span
from ...link.container.bitstream import tile_spans, without
from ...link.container.frame import Frame
from ..mission.views import View
from ..model.records import FrameRecord, FrameState
from ..model.simulation import Outcome
from ..results.delivered import DeliveredPlan, picture_bytes
from ..results.grade import Grade
from .content_cache import ContentCache
from .encoders import Encoders, EncodeTask
from .scenes import Scenes

DECIMALS_DB = 3
DECIMALS_MS_SSIM = 5
_LONGEST_FILE_NAME = 50  # characters of a target's name; file systems allow 255 bytes in all


@dataclass(frozen=True, slots=True)
class _Arrival:
    """The part of a task's bitstream that arrived. Frames that lost the same bytes share one."""

    task: EncodeTask
    missing: tuple[Span, ...]


class Grader:
    """Decodes and measures the delivered frames of a run."""

    def __init__(
        self,
        outcome: Outcome,
        encoders: Encoders,
        scenes: Scenes,
        cache: ContentCache,
        threads: int | None = None,
        network: str = "fast",
    ) -> None:
        """Prepare to grade.

        Args:
            outcome: The simulated run.
            encoders: Of the run, for the bitstreams.
            scenes: The pixels.
            cache: Of measured qualities.
            threads: Number of frames decoded at once; by default one for each core.
            network: Which of its networks a learned codec decodes with.
        """
        self._outcome = outcome
        self._cache = cache
        self._encoders = encoders
        self._scenes = scenes
        self._network = network
        self._lock = Lock()
        self._threads = threads or os.cpu_count() or 1
        self.written = 0
        """Pictures written so far."""

    def grade(
        self, plan: DeliveredPlan, on_frame: Callable[[int, int], None] | None = None
    ) -> dict[int, Grade]:
        """Measure every delivered frame that has pixels, and archive the chosen ones.

        Args:
            plan: Which frames to write as Cloud-Optimized GeoTIFFs, and where.
            on_frame: Called with the number of frames done and the total.

        Returns:
            The grades by frame number.
        """
        arrivals: dict[_Arrival, list[FrameRecord]] = {}
        for record, arrival in self._arrivals():
            arrivals.setdefault(arrival, []).append(record)
        views = {
            record.capture.number: arrival.task.view
            for arrival, records in arrivals.items()
            for record in records
        }
        chosen = plan.chosen({number: picture_bytes(view) for number, view in views.items()})
        self.written = 0
        grades: dict[int, Grade] = {}
        total = sum(map(len, arrivals.values()))
        with ThreadPoolExecutor(self._threads) as threads:
            done = threads.map(
                lambda item: self._one(item[0], item[1], plan, chosen), arrivals.items()
            )
            for records, grade in zip(arrivals.values(), done, strict=True):
                grades |= {record.capture.number: grade for record in records}
                if on_frame is not None:
                    on_frame(len(grades), total)
        return grades

    def delivered(self, record: FrameRecord) -> tuple[Frame, Decoded | None]:
        """Return a frame's original and decoded version, which is None if it cannot be decoded."""
        task = self._encoders.task_of(record)
        if task is None:
            raise ValueError(f"frame {record.capture.number} has no pixels")
        arrival = _Arrival(task, self._missing(record))
        received, _, _ = self._received(arrival)
        original = self._scenes.frame(task.satellite, task.view)
        if received is None:
            return original, None
        return original, self._decoded(task.satellite, received)

    def _decoded(self, satellite: int, received: bytes) -> Decoded:
        foreign = self._encoders.foreign(satellite)
        return decode(received, network=self._network, foreign=foreign)

    def _arrivals(self) -> Iterator[tuple[FrameRecord, _Arrival]]:
        for satellite in self._outcome.satellites:
            for record in satellite.frames.values():
                task = self._encoders.task_of(record)
                if task is not None and record.state is FrameState.DELIVERED:
                    yield record, _Arrival(task, self._missing(record))

    def _missing(self, record: FrameRecord) -> tuple[Span, ...]:
        received = self._outcome.received
        return tuple(received.missing(record.capture.number, record.encoded_bytes))

    def _one(
        self,
        arrival: _Arrival,
        records: list[FrameRecord],
        plan: DeliveredPlan,
        chosen: frozenset[int],
    ) -> Grade:
        kept = [record for record in records if record.capture.number in chosen]
        received, tiles, lost = self._received(arrival)
        if received is None:
            return Grade(math.nan, math.nan, tiles, lost, decoded=False)
        satellite = arrival.task.satellite
        decoded = self._decoded(satellite, received) if kept else None
        original = self._scenes.frame(arrival.task.satellite, arrival.task.view)
        measured = self._cache.delivered_quality(
            original, received, decoded, self._network, self._encoders.foreign(satellite)
        )
        if plan.folder is not None and decoded is not None:
            plan.check_room(len(kept) * picture_bytes(arrival.task.view))
            self._archive(plan.folder, kept, arrival.task, decoded)
            with self._lock:
                self.written += len(kept)
        return Grade(
            # Rounded, because the last bits of a float differ between machines.
            round(measured.quality.psnr_db, DECIMALS_DB),
            round(measured.quality.ms_ssim, DECIMALS_MS_SSIM),
            tiles,
            lost,
            # What is concealed although its bytes have arrived.
            undecodable_tiles=measured.lost_tiles - lost,
            why=measured.why,
        )

    def _received(self, arrival: _Arrival) -> tuple[bytes | None, int, int]:
        """Return the bitstream without its lost tiles, its number of tiles, and how many are lost.

        The bitstream is None if its header is lost, and then all tiles are.
        """
        bitstream = self._encoders.coded(arrival.task).bitstream
        tiles = tile_spans(bitstream)
        header_end = min((offset for _, offset, _ in tiles), default=len(bitstream))
        if any(start < header_end for start, _ in arrival.missing):
            return None, len(tiles), len(tiles)
        lost = [
            index
            for index, offset, length in tiles
            if any(start < offset + length and end > offset for start, end in arrival.missing)
        ]
        return without(bitstream, lost) if lost else bitstream, len(tiles), len(lost)

    def _archive(
        self, folder: Path, records: list[FrameRecord], task: EncodeTask, decoded: Decoded
    ) -> None:
        """Archive one picture under the name of each frame that shows it."""
        view = task.view
        if view.scene is None:
            return
        first, *others = [folder / self._name(record) for record in records]
        write_cog(
            first,
            decoded.frame,
            self._scenes.describe(task.satellite, view),
            {
                "DOWNPASS_SCENE": self._scenes.names[view.scene],
            }
            | tile_tags(decoded)
            | _repeated(view),
        )
        for other in others:
            shutil.copyfile(first, other)

    def _name(self, record: FrameRecord) -> str:
        setup = self._outcome.setup
        satellite = setup.satellites[record.satellite].name
        target = setup.targets[record.capture.target]
        return f"{record.capture.number:06d}-{satellite}-{_file_name(target)}.tif"


def _file_name(target: str) -> str:
    """Return a target's name as a part of a file's name; letters of all scripts stay."""
    return re.sub(r"[^\w.-]+", "_", target)[:_LONGEST_FILE_NAME]


def _repeated(view: View) -> dict[str, str]:
    """Return metadata that describes which part of a picture is georeferenced correctly.

    The georeference is that of the scene's window, so it holds only where the picture shows the
    scene itself. The rest repeats the same ground.
    """
    if not view.repeats:
        return {}
    return {
        "DOWNPASS_SCENE_FIT": str(view.fit),
        "DOWNPASS_SCENE_PIXELS": f"{view.own_width} x {view.own_height} from the upper left",
    }
