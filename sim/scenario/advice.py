"""Warn of oddities in a scenario that can still be run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...link.errors import InputError
from .bookings import oddities
from .orbit import TleOrbit
from .orbit_files import OemOrbit, OmmOrbit
from .satellite import SatelliteSpec
from .scenario import Scenario

# An SGP4 orbit drifts by kilometres a day: after two weeks passes are off by tens of seconds.
TLE_DAYS = 14.0
_MOMENTS = 200  # number of moments at which an orbit is checked
_HEIGHTS = 1.25  # largest height / smallest height, above which the swath is not constant
_FRAME_S = 600.0  # a frame that takes longer gets a warning


def advice(scenario: Scenario) -> tuple[str, ...]:
    """Return one line for each oddity: `file:line: field: what was found; what to know`."""
    lines: list[str] = []
    for i, satellite in enumerate(scenario.satellites):
        for at, text in _of_satellite(scenario, satellite):
            lines.append(f"{scenario.source.place_of(f'satellites.{i}.{at}')}: {text}")
        for at, text in _of_link(scenario, satellite):
            lines.append(f"{scenario.source.place_of(f'satellites.{i}.{at}')}: {text}")
    blank = [t.name for t in scenario.targets if not t.scenes]
    if blank and len(blank) < len(scenario.targets):
        first = next(i for i, t in enumerate(scenario.targets) if not t.scenes)
        named = ", ".join(blank[:3]) + (" and others" if len(blank) > 3 else "")
        lines.append(
            f"{scenario.source.place_of(f'targets.{first}')}: found no scenes for {named}; "
            "their frames have a size, and neither pixels nor PSNR"
        )
    names = {satellite.name for satellite in scenario.satellites}
    for i, station in enumerate(scenario.stations):
        for at, text in oddities(station.bookings, names, scenario.start, scenario.end):
            where = f"stations.{i}.{at}"
            if where not in scenario.source.lines:
                where = where.replace(".bookings.passes.", ".bookings.")  # the short form
            lines.append(f"{scenario.source.place_of(where)}: {text}")
        for j, outage in enumerate(station.outages):
            if outage.to <= scenario.start or outage.from_ >= scenario.end:
                where = scenario.source.place_of(f"stations.{i}.outages.{j}")
                lines.append(
                    f"{where}: found an outage outside the scenario's time; it has no part"
                )
    return tuple(lines)


def _of_satellite(scenario: Scenario, satellite: SatelliteSpec) -> Iterator[tuple[str, str]]:
    orbit, imager, power = satellite.orbit, satellite.imager, satellite.power
    if isinstance(orbit, TleOrbit | OmmOrbit):
        yield from _of_age(scenario, orbit)
    yield from _of_orbit(scenario, satellite)
    pixels = imager.frame_width_px * imager.frame_height_px * len(imager.bands)
    raw = -(-pixels * imager.bit_depth // 8)
    if raw > satellite.processor.working_memory:
        yield (
            "processor.working_memory",
            (
                f"found room for {satellite.processor.working_memory} bytes and raw frames of "
                f"{raw}; no frame fits"
            ),
        )
    if satellite.codec.bytes is not None and satellite.codec.bytes > satellite.recorder.capacity:
        yield ("recorder.capacity", "found less than one encoded frame; every frame is dropped")
    if power is None:
        return
    if power.initial_charge <= power.min_charge:
        yield (
            "power.initial_charge",
            (
                f"found {power.initial_charge:g}, no more than min_charge {power.min_charge:g}; "
                "work waits until the battery is charged"
            ),
        )
    if power.solar <= power.loads.idle:
        yield (
            "power.solar",
            (
                f"found {power.solar:g} W against an idle load of {power.loads.idle:g} W; "
                "the battery only empties"
            ),
        )


def _of_link(scenario: Scenario, satellite: SatelliteSpec) -> Iterator[tuple[str, str]]:
    """Warn of stations that cannot receive a satellite's carrier at all."""
    link = satellite.transmitter.link
    if link is None:
        return
    receivers = [(s.name, s.receiver) for s in scenario.stations if s.receiver is not None]
    deaf = [name for name, receiver in receivers if not receiver.receives(link.frequency)]
    slow = [
        name
        for name, receiver in receivers
        if name not in deaf and not receiver.demodulates(link.symbol_rate)
    ]
    for names, at, found in (
        (deaf, "frequency", f"{link.frequency / 1e9:g} GHz, a band"),
        (slow, "symbol_rate", f"{link.symbol_rate / 1e6:g} Msymbol/s, a symbol rate"),
    ):
        if names:
            listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" * (len(names) > 3))
            yield (
                f"transmitter.link.{at}",
                f"found {found} that {listed} cannot receive; there is no contact",
            )


def _of_age(scenario: Scenario, orbit: TleOrbit | OmmOrbit) -> Iterator[tuple[str, str]]:
    """Warn of elements that are too old or too new at any moment of the run."""
    before = (scenario.start - orbit.epoch).total_seconds() / 86400
    after = (orbit.epoch - scenario.end).total_seconds() / 86400
    if before > TLE_DAYS:
        where = f", {before:.0f} days before the start"
    elif after > TLE_DAYS:
        where = f", {after:.0f} days after the end"
    elif -after > TLE_DAYS:
        where = f" and an end {-after:.0f} days later"
    elif -before > TLE_DAYS:
        where = f" and a start {-before:.0f} days before them"
    else:
        return
    yield (
        f"orbit.{'tle' if isinstance(orbit, TleOrbit) else 'omm'}",
        (
            f"found elements of {orbit.epoch:%Y-%m-%d}{where}; "
            f"passes are trustworthy within {TLE_DAYS:.0f} days"
        ),
    )


def _of_orbit(scenario: Scenario, satellite: SatelliteSpec) -> Iterator[tuple[str, str]]:
    """Warn of an orbit that decays within the run, varies too much in height, or is too slow."""
    # SGP4 and the time tables are slow to load, and not every command gives advice.
    from ..mission.flight import orbit_of
    from ..orbit.motion import GroundMotion
    from ..orbit.trajectory import trajectory

    try:
        orbit = orbit_of(satellite, scenario)
        flown = trajectory(orbit, scenario.start)
        # A decayed orbit stays decayed, so a few moments show it.
        flown.ecef(np.linspace(0.0, scenario.duration, _MOMENTS))
        revolution = min(orbit.period_s, scenario.duration)
        motion = GroundMotion.of(flown.ephemeris(revolution, revolution / _MOMENTS))
        height_m = flown.subpoint(np.linspace(0.0, revolution, _MOMENTS))[2]
    except InputError as error:
        what = "an ephemeris" if isinstance(satellite.orbit, OemOrbit) else "elements"
        yield "orbit", f"found {what} that do not last for the run: {error}"
        return
    low, high = float(height_m.min()), float(height_m.max())
    if high > _HEIGHTS * low:
        yield (
            "orbit",
            (
                f"found heights from {low / 1e3:.0f} to {high / 1e3:.0f} km; swath and gsd are "
                "taken as constant, which a camera's are not"
            ),
        )
    slowest = min(motion.speed_m_s)
    if slowest * _FRAME_S < satellite.imager.frame_length:
        yield (
            "imager.frame_length",
            (
                f"found {satellite.imager.frame_length / 1e3:g} km at a ground speed that falls to "
                f"{slowest:.0f} m/s; a frame there takes more than {_FRAME_S / 60:.0f} minutes, "
                "and an access shorter than a frame has none"
            ),
        )
