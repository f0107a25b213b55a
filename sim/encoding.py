"""Encoded frames for the simulation: from real pixels, or from a rate alone."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from ..link.clock import TICKS_PER_SECOND
from ..link.errors import InputError
from ..payload.encoders.base import RateError
from ..payload.encoders.registry import encoder
from .content_cache import CodedFrame, ContentCache
from .mission import Mission, View
from .model.setup import Capture, Encoded
from .scenario.models import Satellite
from .scenes import Scenes

MODELLED = "modelled"
MEASURED_ON_HOST = "measured on host"


class RatedFrames:
    """Frames whose size follows from the codec's rate or budget, without pixels."""

    time_kind = MODELLED

    def __init__(self, satellite: Satellite, codec: str = "") -> None:
        """Take the times of the satellite's own codec, or of another that its profile has."""
        self._setting = satellite.codec.setting
        self._rate = round(satellite.processor.rate_of(codec or satellite.codec.name))

    def encode(self, capture: Capture) -> Encoded:
        """Return the size that the rate or the budget allows."""
        size = self._setting.budget(capture.width, capture.height)
        if size is None:
            raise ValueError("a quality says nothing about sizes; the scenario should not have it")
        return Encoded(max(1, size), self.ticks(capture))

    def ticks(self, capture: Capture) -> int:
        """Return the modelled time of encoding, rounded up to a whole tick."""
        return -(-capture.samples * TICKS_PER_SECOND // self._rate)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of encoding work; frames that show the same thing are one job."""

    satellite: int
    view: View


@dataclass(frozen=True, slots=True)
class _Done:
    size: int
    seconds: float


class Encoders:
    """The real encoders of a mission's satellites, working ahead of the simulation.

    What will be imaged is known before the simulation starts, so the work is handed to threads
    at once and the simulation finds it done. Bitstreams lie in the cache, not in memory.
    """

    def __init__(self, mission: Mission, scenes: Scenes, cache: ContentCache) -> None:
        """Start to encode everything that the mission will capture."""
        self._mission = mission
        self._scenes = scenes
        self._cache = cache
        self._satellites = mission.flight.scenario.satellites
        self._encoders = [encoder(s.codec.name, s.codec.tile) for s in self._satellites]
        self._done: dict[Job, Future[_Done]] = {}
        measured = any(s.processor.encode_time == "host" for s in self._satellites)
        # A measured time is of one core that nothing else of ours is using.
        self._threads = ThreadPoolExecutor(1 if measured else os.cpu_count() or 1)
        for index, satellite in enumerate(mission.setup.satellites):
            for capture in satellite.captures:
                job = self.job(index, capture)
                if job is not None and job not in self._done:
                    self._done[job] = self._threads.submit(self._work, job)

    def job(self, satellite: int, capture: Capture) -> Job | None:
        """Return the job that a capture is, or None if it has no pixels."""
        view = self._mission.views[capture.number]
        return None if view.scene is None else Job(satellite, view)

    def source(self, satellite: int) -> PixelFrames:
        """Return where a satellite's encoded frames come from."""
        return PixelFrames(self, satellite, self._satellites[satellite])

    def place_of_codec(self, satellite: int) -> str:
        """Return where the scenario chooses a satellite's codec: `file:line: field`."""
        source = self._mission.flight.scenario.source
        return source.place_of(f"satellites.{satellite}.codec")

    def result(self, job: Job) -> _Done:
        """Wait for a job."""
        return self._done[job].result()

    def coded(self, job: Job) -> CodedFrame:
        """Return what a job made, from the cache or, if it has gone from there, made again."""
        satellite = self._satellites[job.satellite]
        frame = self._scenes.frame(job.satellite, job.view)
        return self._cache.encoded(self._encoders[job.satellite], frame, satellite.codec.setting)

    def close(self) -> None:
        """Drop the work that nobody has waited for."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _work(self, job: Job) -> _Done:
        coded = self.coded(job)
        return _Done(len(coded.bitstream), coded.host_seconds)


class PixelFrames:
    """A satellite's encoded frames, made of the pixels that its targets' scenes show.

    Frames of targets without scenes have the size that the codec's rate allows.
    """

    def __init__(self, encoders: Encoders, satellite: int, setup: Satellite) -> None:
        self._encoders = encoders
        self._satellite = satellite
        self._place = encoders.place_of_codec(satellite)
        self._measured = setup.processor.encode_time == "host"
        self._rated = None if self._measured else RatedFrames(setup)
        self.time_kind = MEASURED_ON_HOST if self._measured else MODELLED

    def encode(self, capture: Capture) -> Encoded:
        """Return a frame's real size and its time, modelled or measured.

        Raises:
            InputError: the codec cannot do what is asked with this frame.
        """
        job = self._encoders.job(self._satellite, capture)
        if job is None:
            if self._rated is None:
                raise InputError(
                    "encode_time host: a target without scenes has nothing to measure; "
                    "allowed: scenes for every target, or encode_time modelled"
                )
            return self._rated.encode(capture)
        try:
            done = self._encoders.result(job)
        except RateError as error:
            # Told anew: SimPy raises a copy made of an error's `args`, which this one is not.
            raise InputError(f"{self._place}: {error}") from error
        if self._rated is None:
            return Encoded(done.size, max(1, round(done.seconds * TICKS_PER_SECOND)))
        return Encoded(done.size, self._rated.ticks(capture))
