"""Throughput versus PSNR: what other rates and codecs would deliver in the same scenario.

The quality at a rate is measured on a sample of the frames that the run captures, with the real
encoder and decoder. The throughput is simulated: the whole mission again, with frames of the
size that the sample has on average.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..ground.quality import Quality
from ..payload.encoders.base import Encoder, RateError, Setting
from ..payload.encoders.registry import encoder
from .content_cache import ContentCache
from .encoding import MODELLED, Job, RatedFrames
from .mission import Mission
from .model.journal import FrameState
from .model.setup import Capture, Encoded
from .model.simulation import simulate
from .scenario.models import Satellite
from .scenes import Scenes
from .statistics import mean

RATES_BPP = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
SAMPLE_FRAMES = 6


@dataclass(frozen=True, slots=True)
class Rating:
    """What one codec at one setting delivers, and how good it looks.

    Attributes:
        codec, setting: what was tried.
        bpp: mean over the sample, bits a pixel with all bands.
        psnr_db, ms_ssim: means over the sample; None where there is none that is finite.
        delivered_px, delivered_frames: simulated.
    """

    codec: str
    setting: Setting
    bpp: float
    psnr_db: float | None
    ms_ssim: float | None
    delivered_px: int
    delivered_frames: int


class _MeanFrames:
    """Frames of the sample's mean size, by pixels."""

    time_kind = MODELLED

    def __init__(self, satellite: Satellite, codec: str, bpp: float) -> None:
        known = satellite.processor.has_rate_of(codec)
        self._timing = RatedFrames(satellite, codec if known else satellite.codec.name)
        self._bpp = bpp

    def encode(self, capture: Capture) -> Encoded:
        size = max(1, round(self._bpp * capture.width * capture.height / 8))
        return Encoded(size, self._timing.ticks(capture))


def curve(
    mission: Mission,
    scenes: Scenes,
    cache: ContentCache,
    codec: str,
    settings: Sequence[Setting],
) -> list[Rating]:
    """Rate one codec at several settings; a setting that the codec cannot do is left out.

    Args:
        mission: the run.
        scenes: its pixels.
        cache: of encoded frames.
        codec: name of the codec, for all satellites.
        settings: to try.
    """
    sample = _sample(mission)
    tile = mission.flight.scenario.satellites[0].codec.tile
    flying = encoder(codec, tile)
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        trials = [
            [threads.submit(_try, flying, setting, job, scenes, cache) for job in sample]
            for setting in settings
        ]
        ratings = []
        for setting, tried in zip(settings, trials, strict=True):
            try:
                results = [trial.result() for trial in tried]
            except RateError:
                continue
            ratings.append(_rate(mission, codec, setting, results))
    return ratings


def _sample(mission: Mission) -> list[Job]:
    """Up to six different contents, spread evenly over what the mission captures."""
    views = {
        Job(index, view): None
        for index, satellite in enumerate(mission.setup.satellites)
        for capture in satellite.captures
        if (view := mission.views[capture.number]).scene is not None
    }
    jobs = list(views)
    count = min(SAMPLE_FRAMES, len(jobs))
    return [jobs[i * len(jobs) // count] for i in range(count)]


def _try(
    flying: Encoder, setting: Setting, job: Job, scenes: Scenes, cache: ContentCache
) -> tuple[float, Quality]:
    frame = scenes.frame(job.satellite, job.view)
    bitstream = cache.encoded(flying, frame, setting).bitstream
    bpp = len(bitstream) * 8 / (frame.width * frame.height)
    return bpp, cache.delivered_quality(frame, bitstream).quality


def _rate(
    mission: Mission, codec: str, setting: Setting, results: list[tuple[float, Quality]]
) -> Rating:
    bpp = math.fsum(rate for rate, _ in results) / len(results)
    sources = [
        _MeanFrames(satellite, codec, bpp) for satellite in mission.flight.scenario.satellites
    ]
    outcome = simulate(mission.setup, sources)
    delivered = [
        record
        for satellite in outcome.satellites
        for record in satellite.frames.values()
        if record.state is FrameState.DELIVERED
    ]
    finite = [q.psnr_db for _, q in results if math.isfinite(q.psnr_db)]
    similar = [q.ms_ssim for _, q in results if not math.isnan(q.ms_ssim)]
    return Rating(
        codec,
        setting,
        bpp,
        mean(finite),
        mean(similar),
        sum(r.capture.width * r.capture.height for r in delivered),
        len(delivered),
    )
