"""Gather what a report shows from the results of a run."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from ...link.clock import to_seconds
from ...payload.encoders.base import Setting, setting_label
from ..mission.flight import land_area
from ..orbit.geometry import Geometry
from ..orbit.polygon import polygon_of
from ..orbit.region import region_of_land
from ..rate_distortion.tradeoff import Rating
from ..rate_distortion.tried_codecs import tried_codecs
from ..results.results import Results
from ..scenario.codec import CodecChoice
from ..scenario.codec_names import codec_labels, setting_words
from ..scenario.scenario import Scenario
from ..scenario.yaml_text import yaml_text
from . import wording as w
from .data import BatteryView, ReportData, StationSite, TargetSite, Track, TradeoffPoint
from .groundtrack import MOST_TRACKS
from .link_views import link_views
from .scenario_words import descriptions
from .summary_blocks import psnr

_TRADEOFF_NOTE = (
    "All points are measured in the same way: quality is pooled over a sample of the run's frames, "
    "all tiles of which arrive, and throughput is that of the same mission with frames of the "
    "sample's mean size. The figures above are those of this run itself, lost tiles included."
)


def report_data(results: Results, command: str) -> ReportData:
    """Return what the report shows of a run.

    Args:
        results: Results of the run.
        command: The command line that repeats the run.
    """
    flight = results.mission.flight
    scenario = flight.scenario
    links, links_left_out = link_views(flight)
    return ReportData(
        scenario_name=scenario.name,
        description=scenario.description,
        start=scenario.start,
        duration_s=scenario.duration,
        seed=scenario.seed,
        version=version("downpass"),
        command=command,
        codecs=codec_labels(scenario.satellites),
        summary=results.summary,
        frames=results.frames,
        events=results.events,
        passes=results.passes,
        accesses=results.accesses,
        eclipses={
            s.name: [(w.start_s, w.end_s) for w in geometry.eclipses]
            for s, geometry in zip(scenario.satellites, flight.geometries, strict=True)
        },
        tracks={
            satellite.name: _track(geometry, whole=index < MOST_TRACKS)
            for index, (satellite, geometry) in enumerate(
                zip(scenario.satellites, flight.geometries, strict=True)
            )
        },
        targets=[_target_site(scenario, index) for index in range(len(scenario.targets))],
        stations=[StationSite(s.name, *s.at) for s in scenario.stations],
        tradeoff=tradeoff_points(results),
        tradeoff_note=_tradeoff_note(results),
        crops=results.crops,
        left_out=results.left_out,
        recorder_bytes={s.name: s.recorder.capacity for s in scenario.satellites},
        links=links,
        links_left_out=links_left_out,
        batteries=_batteries(results),
        board_tiles=results.board_tiles,
        scenario=descriptions(scenario),
        scenario_yaml=(yaml_text(scenario.source.values) or "") if scenario.source.values else "",
    )


def _track(geometry: Geometry, whole: bool) -> Track:
    """Return a satellite's ground track, or only where it is at the start."""
    if not whole:
        latitude_deg, longitude_deg, _ = geometry.states.trajectory.subpoint(np.zeros(1))
        return Track(np.zeros(1), latitude_deg, longitude_deg)
    track = geometry.track
    return Track(track.time_s, track.latitude_deg, track.longitude_deg)


def _batteries(results: Results) -> dict[str, BatteryView]:
    satellites = results.mission.flight.scenario.satellites
    found = {}
    for spec, outcome in zip(satellites, results.outcome.satellites, strict=True):
        charge, power = outcome.charge, spec.power
        if charge is None or power is None:
            continue
        found[spec.name] = BatteryView(
            capacity_j=power.battery,
            bin_s=to_seconds(charge.bin_ticks),
            lowest=np.array(charge.lowest) / charge.capacity,
            highest=np.array(charge.highest) / charge.capacity,
            minimum=charge.minimum / charge.capacity,
            minimum_s=to_seconds(charge.minimum_at),
            end=charge.end / charge.capacity,
            low_s=to_seconds(charge.low_ticks),
            min_charge=power.min_charge,
            resume_charge=power.resume_charge,
        )
    return found


def tradeoff_points(results: Results) -> list[TradeoffPoint]:
    """Return the points of the trade-off's curves, by codec and rate.

    A point is marked as the run's own only if every frame of the run is encoded in this way.
    """
    choices = _choices(results)
    own = _one_setting(choices)
    points = _sampled(results.ratings, own)
    missing = not any(point.is_this_run for point in points)
    if len(choices) == 1 and missing and (own or not points):
        points.append(_this_run(results, choices[0]))  # it was not tried
    return sorted(points, key=lambda point: (point.codec, point.bpp))


def _choices(results: Results) -> list[CodecChoice]:
    """Return the different codecs and settings of the run's satellites."""
    found: list[CodecChoice] = []
    for satellite in results.mission.flight.scenario.satellites:
        if satellite.codec not in found:
            found.append(satellite.codec)
    return found


def _one_setting(choices: Sequence[CodecChoice]) -> tuple[str, Setting] | None:
    """Return codec and setting of all frames; None if they differ, or a policy chooses them."""
    first, *others = choices
    return None if others or first.lowest_bpp is not None else (first.name, first.setting)


def _tradeoff_note(results: Results) -> str:
    """Return how the trade-off's points were obtained, whose they are, and if none is this run."""
    if not results.ratings:
        return ""
    satellites = results.mission.flight.scenario.satellites
    choices, sentences = _choices(results), [_TRADEOFF_NOTE]
    whose = _owners(results)
    if whose:
        sentences.append(f"In the chart, {w.listing(whose)}.")
    if len(choices) > 1:
        sentences.append(
            "No point is this run: its satellites differ in codec or setting, and at each point "
            "all of them use one."
        )
    elif _one_setting(choices) is None:
        sentences.append(
            "No point is this run: its rates are chosen frame by frame (policy "
            f"{choices[0].policy}), and at each point all frames have one setting."
        )
    if any(satellite.recorder.when_full == "shrink" for satellite in satellites):
        sentences.append("At the points, a full recorder drops frames and requantises none.")
    return " ".join(sentences)


def _owners(results: Results) -> list[str]:
    """Return whose codecs the curves are, where a name does not say it."""
    scenario = results.mission.flight.scenario
    rated = {rating.codec for rating in results.ratings}
    return [
        f"{w.codec_name(codec.name)} is that of "
        + w.some([w.short(scenario.satellites[n].name, 40) for n in codec.satellites], 3)
        for codec in tried_codecs(scenario)
        if codec.name in rated and codec.name != codec.kind
    ]


def _this_run(results: Results, choice: CodecChoice) -> TradeoffPoint:
    """Return what the run itself has delivered, as a point."""
    total = results.summary["total"]
    encoded = [
        record
        for satellite in results.outcome.satellites
        for record in satellite.frames.values()
        if record.encode_end >= 0
    ]
    pixels = sum(record.capture.width * record.capture.height for record in encoded)
    return TradeoffPoint(
        codec=choice.name,
        setting=setting_words(choice),
        bpp=sum(record.encoded_bytes for record in encoded) * 8 / max(1, pixels),
        psnr_db=psnr(total, "pooled"),
        ms_ssim=total["ms_ssim"]["mean"],
        delivered_px=total["delivered_px"],
        delivered_whole=total["frames"]["delivered_whole"],
        delivered_damaged=total["frames"]["delivered_damaged"],
        in_part=total["frames"]["in_part"],
        is_this_run=True,
    )


def _sampled(ratings: Sequence[Rating], own: tuple[str, Setting] | None) -> list[TradeoffPoint]:
    return [
        TradeoffPoint(
            codec=rating.codec,
            setting=setting_label(rating.kind, rating.setting),
            bpp=rating.bpp,
            psnr_db=rating.psnr_db,
            ms_ssim=rating.ms_ssim,
            delivered_px=rating.delivered_px,
            delivered_whole=rating.delivered_whole,
            delivered_damaged=rating.delivered_damaged,
            in_part=rating.in_part,
            is_this_run=(rating.codec, rating.setting) == own,
        )
        for rating in ratings
    ]


def _target_site(scenario: Scenario, index: int) -> TargetSite:
    target = scenario.targets[index]
    if target.area is not None:
        latitude, longitude = region_of_land(land_area(target.area)).inner_point
        return TargetSite(target.name, latitude, longitude, target.priority)
    if target.polygon is None:
        latitude, longitude = target.at or (0.0, 0.0)
        return TargetSite(target.name, latitude, longitude, target.priority)
    latitude, longitude = polygon_of(target.polygon).middle
    return TargetSite(target.name, latitude, longitude, target.priority, target.polygon)
