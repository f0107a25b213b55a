"""Throughput versus PSNR: what other rates and codecs would deliver in the same scenario.

The quality at a rate is measured with the real encoder and decoder on a sample of the frames that
the run captures. The throughput is found by simulating the whole mission again, with frames of
the sample's mean size. Frames are dropped if the recorder is full, and never requantised.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ...ground.quality import Quality
from ...link.errors import InputError
from ...payload.encoders.base import Encoder, Setting
from ..frames.content_cache import ContentCache
from ..frames.feasibility import blank_frame
from ..frames.rated_frames import MODELLED, RatedFrames
from ..frames.scenes import Scenes
from ..mission.preparation import Mission
from ..mission.views import View
from ..model.setup import Capture, Encoded, Situation
from ..model.simulation import simulate
from ..results.grade import Delivery, delivery, shows_something
from ..results.statistics import pooled_psnr, weighted_mean
from ..scenario.satellite import SatelliteSpec
from .tried_codecs import TriedCodec

SAMPLE_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Rating:
    """What one codec delivers at one setting, and its quality.

    Attributes:
        codec: Name of the curve.
        kind: The codec's name in a scenario.
        setting: The setting.
        bpp: Mean rate over the sample in bits per pixel, all bands together.
        psnr_db: PSNR in dB, pooled over the sample; infinite if all of it is exact, None if it has
            no value.
        ms_ssim: Mean MS-SSIM over the sample; None if it has no value.
        delivered_px: Number of pixels of delivered frames in the simulation.
        delivered_whole, delivered_damaged, in_part: Numbers of frames in the simulation.
    """

    codec: str
    kind: str
    setting: Setting
    bpp: float
    psnr_db: float | None
    ms_ssim: float | None
    delivered_px: int
    delivered_whole: int
    delivered_damaged: int
    in_part: int


class _MeanFrames:
    """Frames with the sample's mean number of bits per pixel."""

    time_kind = MODELLED

    def __init__(self, satellite: SatelliteSpec, codec: str, bpp: float) -> None:
        # If the processor has no rate for this codec, use its rate for another codec.
        rates = satellite.processor.encode_rate
        known = [name for name in (codec, satellite.codec.name, *rates) if name in rates]
        self._timing = RatedFrames(satellite, known[0])
        self._bpp = bpp

    def encode(self, capture: Capture, situation: Situation) -> Encoded:  # noqa: ARG002
        size = max(1, round(self._bpp * capture.width * capture.height / 8))
        return Encoded(size, self._timing.ticks(capture))


def curve(
    mission: Mission,
    scenes: Scenes,
    cache: ContentCache,
    codec: TriedCodec,
) -> list[Rating]:
    """Rate one codec at its settings; a setting that the codec cannot do is left out.

    Args:
        mission: Mission of the run.
        scenes: Scenes of the run.
        cache: Cache of encoded frames.
        codec: The codec, used for all satellites.

    Raises:
        InputError: The codec can do none of the settings with the frames of all satellites.
    """
    chosen = sample(mission)
    if not chosen:
        return []  # the mission captures nothing from a scene
    network = mission.flight.scenario.ground.decoder
    with _open(codec) as onboard, ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        settings = _possible(onboard, codec.settings, chosen)
        tries = [
            threads.submit(_try, onboard, settings, one.content, scenes, cache, network)
            for one in chosen
        ]
        by_frame = [tried.result() for tried in tries]
    weights = [one.weight for one in chosen]
    ratings = []
    for setting, found in zip(settings, zip(*by_frame, strict=True), strict=True):
        results = [one for one in found if one is not None]
        if len(results) == len(chosen):
            ratings.append(_rate(mission, codec, setting, results, weights))
    if not ratings:
        raise InputError("no frame of the sample fits any of the rates tried")
    return ratings


@contextmanager
def _open(codec: TriedCodec) -> Iterator[Encoder]:
    """Give the encoder; end afterwards what a codec from outside has started."""
    onboard = codec.encoder()
    try:
        yield onboard
    finally:
        if onboard.foreign is not None:
            onboard.foreign.close()


def _possible(
    onboard: Encoder, settings: Sequence[Setting], chosen: Sequence[Sample]
) -> list[Setting]:
    """Return the settings that the codec supports for every frame of the sample."""
    possible, refusal = list(settings), None
    for one in chosen:
        frame = blank_frame(one.content.view)
        for setting in list(possible):
            try:
                onboard.check(frame, setting)
            except InputError as error:
                possible.remove(setting)
                refusal = error
    if not possible and refusal is not None:
        raise refusal
    return possible


@dataclass(frozen=True, slots=True)
class Content:
    """What a frame of a satellite shows.

    Attributes:
        satellite: Index of the satellite.
        view: Part of a scene.
    """

    satellite: int
    view: View


@dataclass(frozen=True, slots=True)
class Sample:
    """One content of the sample, with its weight.

    Attributes:
        content: Satellite and part of a scene.
        weight: Number of captures that it represents.
    """

    content: Content
    weight: int


def sample(mission: Mission, count: int = SAMPLE_FRAMES) -> list[Sample]:
    """Choose contents that represent all captures of the mission.

    The sample is stratified: each scene of each satellite contributes its share, at least one
    content, and its captures are divided among the contents that it contributes.
    """
    strata: dict[tuple[int, Path], Counter[Content]] = {}
    for index, satellite in enumerate(mission.setup.satellites):
        for capture in satellite.captures:
            view = mission.views[capture.number]
            if view.scene is not None:
                strata.setdefault((index, view.scene), Counter())[Content(index, view)] += 1
    total = sum(stratum.total() for stratum in strata.values())
    chosen = []
    for stratum in strata.values():
        contents = list(stratum)
        share = min(len(contents), max(1, round(count * stratum.total() / total)))
        picked = [contents[i * len(contents) // share] for i in range(share)]
        whole, rest = divmod(stratum.total(), share)
        chosen += [Sample(content, whole + (i < rest)) for i, content in enumerate(picked)]
    return chosen


def _try(
    onboard: Encoder,
    settings: Sequence[Setting],
    content: Content,
    scenes: Scenes,
    cache: ContentCache,
    network: str,
) -> list[tuple[float, Quality, int] | None]:
    """Return rate, quality and pixels of one frame at each setting; None if it cannot be coded."""
    frame = scenes.frame(content.satellite, content.view)
    pixels = frame.width * frame.height
    return [
        None if rated is None else (rated.bytes * 8 / pixels, rated.quality, pixels)
        for rated in cache.rated(onboard, frame, settings, network)
    ]


def _rate(
    mission: Mission,
    codec: TriedCodec,
    setting: Setting,
    results: Sequence[tuple[float, Quality, int]],
    weights: Sequence[int],
) -> Rating:
    # Rate and PSNR are averages over pixels, so a frame counts by its number of pixels.
    pixels = [size * weight for (_, _, size), weight in zip(results, weights, strict=True)]
    bpp = weighted_mean((rate for rate, _, _ in results), pixels)
    if bpp is None:
        raise ValueError("a sample of nothing")
    sources = [
        _MeanFrames(satellite, codec.kind, bpp) for satellite in mission.flight.scenario.satellites
    ]
    # A requantised frame has another quality than the sample's, so here nothing is requantised.
    satellites = tuple(replace(satellite, shrink=None) for satellite in mission.setup.satellites)
    outcome = simulate(replace(mission.setup, satellites=satellites), sources)
    records = [r for satellite in outcome.satellites for r in satellite.frames.values()]
    arrived = Counter(delivery(record, None) for record in records)
    return Rating(
        codec.name,
        codec.kind,
        setting,
        bpp,
        pooled_psnr((found.psnr_db for _, found, _ in results), pixels),
        weighted_mean((found.ms_ssim for _, found, _ in results), weights),
        sum(r.capture.width * r.capture.height for r in records if shows_something(r, None)),
        arrived[Delivery.WHOLE],
        arrived[Delivery.DAMAGED],
        arrived[Delivery.IN_PART],
    )
