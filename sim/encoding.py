"""Encoded frames for the simulation: from real pixels, or from a rate alone."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from ..link.clock import TICKS_PER_SECOND
from ..link.errors import InputError
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
        done = self._encoders.result(job)
        if self._rated is None:
            return Encoded(done.size, max(1, round(done.seconds * TICKS_PER_SECOND)))
        return Encoded(done.size, self._rated.ticks(capture))
