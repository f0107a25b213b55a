"""Single changes of a scenario that a planner considers, as overrides.

Each is a list of overrides, so that what `advise` tried can be repeated with `--set`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from ...payload.encoders.traits import TRAITS
from ..scenario import stations
from ..scenario.overrides import OverrideError, apply, step_to
from ..scenario.rate import RateStep
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from ..scenario.yamltree import parse
from .axes import override

Overrides = tuple[str, ...]

LARGEST_RECORDER: Final = 10**15
"""Bytes: the most that a scenario allows."""
SMALLEST_RECORDER: Final = 1000
THOUSAND: Final = 1000
"""Factors are whole thousandths, so that they can be searched."""
_NEAR_M: Final = 50_000.0
_EARTH_RADIUS_M: Final = 6_371_000.0


def recorder(size: int) -> Overrides:
    """Return the change that gives every satellite a recorder of `size` bytes."""
    return (override("satellites.*.recorder.capacity", f"{size} B"),)


def recorder_times(scenario: Scenario, thousandths: int) -> Overrides:
    """Return the change that multiplies every satellite's recorder."""
    return tuple(
        override(
            f"satellites.{entry}.recorder.capacity",
            f"{min(LARGEST_RECORDER, -(-s.recorder.capacity * thousandths // THOUSAND))} B",
        )
        for entry, s in _entries(scenario)
    )


def rate_times(scenario: Scenario, thousandths: int) -> Overrides:
    """Return the change that multiplies all rates: the transmitters', and a station's own."""
    changes = [
        override(f"satellites.{entry}.transmitter.rate", _steps(s.transmitter.rate, thousandths))
        for entry, s in _entries(scenario)
        if s.transmitter.rate is not None
    ]
    changes += [
        override(
            f"stations.{_step(scenario, 'stations', n)}.rate", _steps(station.rate, thousandths)
        )
        for n, station in enumerate(scenario.stations)
        if station.rate is not None
    ]
    return tuple(changes)


def _steps(steps: Sequence[RateStep], thousandths: int) -> list[dict[str, str]]:
    return [
        {
            "elevation": f"{step.elevation:.15g} deg",
            "rate": f"{max(1, round(step.rate * thousandths / THOUSAND))} bit/s",
        }
        for step in steps
    ]


def has_rates(scenario: Scenario) -> bool:
    """Return whether every satellite's transmitter has a table of rates to multiply."""
    return all(satellite.transmitter.rate is not None for satellite in scenario.satellites)


def three_decibels(scenario: Scenario) -> tuple[str, Overrides] | None:
    """Return what 3 dB more on every downlink are, and the change to it; None if unknown.

    With a table of rates, it is twice the rate: the same Eb/N0 at twice as many bits a second.
    With a link budget, it is 3 dB more EIRP.
    """
    if has_rates(scenario):
        return "twice the rate (+3 dB)", rate_times(scenario, 2 * THOUSAND)
    changes = []
    for entry, satellite in _entries(scenario):
        link = satellite.transmitter.link
        if link is None:
            return None  # some satellites have a rate, and others a link
        field = f"satellites.{entry}.transmitter.link"
        if link.eirp is not None:
            changes.append(override(f"{field}.eirp", f"{link.eirp + 3:.15g} dBW"))
        elif link.antenna_gain is not None:
            changes.append(override(f"{field}.antenna_gain", f"{link.antenna_gain + 3:.15g} dBi"))
    return "3 dB more EIRP", tuple(changes)


def bits_times(scenario: Scenario, thousandths: int) -> Overrides | None:
    """Return the change that multiplies the bits of every frame; None with a quality."""
    changes = []
    for entry, satellite in _entries(scenario):
        codec = satellite.codec
        at = f"satellites.{entry}.codec"
        if codec.bpp is not None:
            changes.append(override(f"{at}.bpp", _scaled(codec.bpp, thousandths)))
            if codec.least_bpp is not None:
                changes.append(override(f"{at}.least_bpp", _scaled(codec.least_bpp, thousandths)))
        elif codec.bytes is not None:
            size = max(64, codec.bytes * thousandths // THOUSAND)
            changes.append(override(f"{at}.bytes", f"{size} B"))
        else:
            return None
    return tuple(changes)


def _scaled(bpp: float, thousandths: int) -> float:
    return float(f"{bpp * thousandths / THOUSAND:.4g}")


def without_pixels(scenario: Scenario, text: str) -> Overrides | None:
    """Return the change after which frames have exactly the size that their rate allows.

    A codec stays a little below its budget, so this is a close and quick estimate. None if the
    targets stand in a file of their own, whose scenes no override can take away.
    """
    if not any(target.scenes for target in scenario.targets):
        return ()
    targets: Any = parse(text).value.get("targets")
    if not isinstance(targets, list) or any("file" in target for target in targets):
        return None
    return (override("targets.*.scenes", []),)


def other_codec(scenario: Scenario) -> tuple[str, Overrides] | None:
    """Return another codec and the change to it: the student, or JPEG 2000 instead of it.

    None if a satellite's processor has no rate for it, or its setting is lossless or a quality,
    which means something else with each codec.
    """
    used = {satellite.codec.name for satellite in scenario.satellites}
    name = "jpeg2000" if "student" in used else "student"
    traits = TRAITS[name]
    for satellite in scenario.satellites:
        lacks = satellite.processor.encode_time == "modelled" and not (
            satellite.processor.has_rate_of(name)
        )
        if satellite.codec.quality is not None or lacks:
            return None
        if satellite.encoder.backend == "board" or not traits.takes_tile(satellite.codec.tile):
            return None
    return name, (override("satellites.*.codec.name", name),)


def station_candidates(scenario: Scenario) -> list[str]:
    """Return the stations of the shipped table that are not within 50 km of one in use."""
    used = {station.name for station in scenario.stations}
    return [
        name
        for name in stations.names()
        if name not in used
        and all(
            _distance_m(stations.table()[name]["at"], station.at) > _NEAR_M
            for station in scenario.stations
        )
    ]


def one_more_station(text: str, base: Sequence[str], name: str) -> Overrides:
    """Return the change that adds a station of the shipped table.

    If a station of the scenario has a `receiver`, as links need one, the new station gets the same
    as the first that has.

    Args:
        text: The scenario file.
        base: Overrides that apply before.
        name: The station's name.
    """
    tree: Any = parse(text).value
    for change in base:
        try:
            apply(tree, change)
        except OverrideError:  # the scenario has been loaded with it before
            raise AssertionError(change) from None
    listed = tree["stations"]
    receivers = (s["receiver"] for s in listed if isinstance(s, dict) and "receiver" in s)
    receiver = next(receivers, None)
    added = name if receiver is None else {"use": name, "receiver": receiver}
    return (override("stations", [*listed, added]),)


def _entries(scenario: Scenario) -> list[tuple[str, SatelliteSpec]]:
    """Return the step to each entry of `satellites`, with one of those that it stands for."""
    found: dict[int, SatelliteSpec] = {}
    for n, satellite in enumerate(scenario.satellites):
        found.setdefault(n if satellite.entry is None else satellite.entry, satellite)
    return [(_step(scenario, "satellites", entry), one) for entry, one in found.items()]


def _step(scenario: Scenario, section: str, index: int) -> str:
    return step_to(scenario.source.values.get(section, ()), index)


def _distance_m(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the distance of two places on a sphere: exact enough to tell sites apart."""
    (lat_a, lon_a), (lat_b, lon_b) = (map(math.radians, place) for place in (a, b))
    half = math.sin((lat_a - lat_b) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_a - lon_b) / 2) ** 2
    return 2 * _EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))
