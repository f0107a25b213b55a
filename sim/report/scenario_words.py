"""The scenario in words, for the report: orbit, imager, what is on board, link, stations, targets.

Satellites that differ in nothing but name and orbit share one description, so a constellation takes
no more room than a satellite.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from ...payload.encoders.traits import TRAITS
from ..scenario.codec import CodecChoice
from ..scenario.codec_names import codec_labels
from ..scenario.ground import StationSpec
from ..scenario.imager import ImagerSpec
from ..scenario.link import LinkSpec
from ..scenario.orbit import KeplerOrbit, SunSynchronousOrbit, TleOrbit
from ..scenario.orbit_files import OmmOrbit
from ..scenario.processor import ProcessorSpec
from ..scenario.rate import RateStep
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from ..scenario.spacecraft import Power, RecorderSpec, TransmitterSpec
from . import wording as w
from .data import Description

_MOST_GROUPS = 6
_MOST_STATIONS = 20
_MOST_STEPS = 8
_LONGEST_PROGRAM = 120


def descriptions(scenario: Scenario) -> list[Description]:
    """Return the scenario in words: kinds of satellites, stations and targets."""
    return [*_satellites(scenario), _ground(scenario)]


def _satellites(scenario: Scenario) -> list[Description]:
    kinds: dict[tuple[tuple[str, str], ...], list[SatelliteSpec]] = {}
    labels = codec_labels(scenario.satellites)
    described: dict[int, tuple[tuple[str, str], ...]] = {}
    for satellite in scenario.satellites:
        # The satellites of a constellation share their parts.
        entry = satellite.entry
        if entry is None or entry not in described:
            facts = _facts(satellite, labels[satellite.name])
            if entry is not None:
                described[entry] = facts
        else:
            facts = described[entry]
        kinds.setdefault(facts, []).append(satellite)
    found = []
    for facts, members in list(kinds.items())[:_MOST_GROUPS]:
        orbits = list(dict.fromkeys(_orbit(satellite, len(members) > 1) for satellite in members))
        names = [w.short(satellite.name, 40) for satellite in members]
        title = (
            f"Satellite {names[0]}"
            if len(members) == 1
            else f"{w.count(len(members))} satellites: {w.some(names, 4)}"
        )
        found.append(Description(title, (("Orbit", w.some(orbits, 4)), *facts)))
    if len(kinds) > _MOST_GROUPS:
        rest = sum(len(members) for members in list(kinds.values())[_MOST_GROUPS:])
        found.append(
            Description(
                "Further satellites",
                (("Not shown", f"{w.plural(rest, 'satellite')} with other parts"),),
            )
        )
    return found


def _facts(satellite: SatelliteSpec, label: str) -> tuple[tuple[str, str], ...]:
    codec = w.codec_label(label)
    about = w.about_codec(str(satellite.codec.name)) + _programs(satellite.codec)
    policy = satellite.policy
    return (
        ("Imager", _imager(satellite.imager)),
        ("Processor", _processor(satellite.processor, str(satellite.codec.name))),
        ("Codec", f"{codec}, in tiles of {satellite.codec.tile}{w.NBSP}px: {about}"),
        ("Power", _power(satellite.power)),
        ("Recorder", _recorder(satellite.recorder, policy.drop)),
        ("Link", _transmitter(satellite.transmitter)),
    )


def _programs(codec: CodecChoice) -> str:
    """Return the programs or graphs of a codec from outside, without folders; else nothing."""
    if not TRAITS[codec.name].foreign:
        return ""
    if codec.encode is not None and codec.decode is not None and codec.name == "command":
        lines = [
            " ".join(PurePath(word).name or word for word in line)
            for line in (codec.encode, codec.decode)
        ]
    else:
        lines = [path.name for path in (codec.encoder, codec.decoder) if path is not None]
    return f", {w.listing(w.short(line, _LONGEST_PROGRAM) for line in lines)}"


def _recorder(recorder: RecorderSpec, rule: str) -> str:
    words = f"{w.size(recorder.capacity)}; when full, "
    if recorder.when_full == "shrink":
        words += "stored frames of low priority are shrunk, and where that does not help, "
    return words + _drop(rule)


def _drop(rule: str) -> str:
    words = {
        "lowest-priority": "the frame of lowest priority is dropped",
        "oldest": "the oldest frame is dropped",
        "newest": "the newest frame is dropped",
    }
    return words.get(rule, f"{w.plain(rule)} applies")


def _orbit(satellite: SatelliteSpec, several: bool) -> str:
    """Return the orbit in words; of several satellites without the place in it."""
    match satellite.orbit:
        case SunSynchronousOrbit() as orbit:
            words = (
                f"circular, {w.length(orbit.altitude)} high, sun-synchronous: over the "
                f"{orbit.node} node at {_clock(orbit.local_time)} local time"
            )
            return words if several or not orbit.anomaly else f"{words}, {_from_node(orbit)}"
        case KeplerOrbit() as orbit:
            words = (
                f"circular, {w.length(orbit.altitude)} high, inclined {_angle(orbit.inclination)}"
            )
            if several:
                return words
            return f"{words}, ascending node at {_angle(orbit.raan)}, {_from_node(orbit)}"
        case TleOrbit() as orbit:
            return f"two-line elements of {w.date(orbit.epoch)} {orbit.epoch:%H:%M} UTC, by SGP4"
        case OmmOrbit() as orbit:
            return (
                f"mean elements of {w.date(orbit.epoch)} {orbit.epoch:%H:%M} UTC in "
                f"{w.short(orbit.omm.name, 60)}, by SGP4"
            )
        case _:
            return "an ephemeris from a file"


def _from_node(orbit: KeplerOrbit | SunSynchronousOrbit) -> str:
    return f"{_angle(orbit.anomaly)} from the ascending node at the start"


def _clock(seconds: float) -> str:
    """Format a local time: 10:30, or 10:30:15."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{rest:02d}" if rest else "")


def _angle(degrees: float) -> str:
    return f"{degrees:.6g}°".replace("-", "−")


def _imager(imager: ImagerSpec) -> str:
    bands = len(imager.bands)
    words = [
        f"swath {w.length(imager.swath)} at {w.length(imager.gsd)} a pixel",
        (
            f"frames of {imager.frame_width_px:,} × {imager.frame_height_px:,}{w.NBSP}px in "
            f"{w.plural(bands, 'band')} of {w.plural(imager.bit_depth, 'bit')}"
        ),
        f"up to {_angle(imager.off_nadir_limit)} off nadir",
        "by day and by night"
        if imager.min_sun_elevation is None
        else f"with the Sun above {_angle(imager.min_sun_elevation)}",
    ]
    if imager.duty_cycle < 1:
        words.append(f"at most {w.share(imager.duty_cycle)} of an orbit")
    if imager.mode == "strip":
        words.append("in strips")
    return "; ".join(words)


def _processor(processor: ProcessorSpec, codec: str) -> str:
    name = w.plain(processor.profile) if processor.profile else "figures of the scenario"
    words = f"{name}; {w.size(processor.working_memory)} of working memory"
    if processor.encode_time == "host":
        return f"{words}; encoding times measured on the simulating computer"
    if processor.has_rate_of(codec):
        rate = w.pixels(processor.rate_of(codec))
        words += f"; encodes {rate}/s of one band"
    return words


def _power(power: Power | None) -> str:
    if power is None:
        return f"{w.UNKNOWN}: no power budget is described, so power is never short"
    loads = power.loads
    return (
        f"battery of {w.watt_hours(power.battery)}, at the start {w.share(power.initial_charge)} "
        f"full; {w.power(power.solar)} in sunlight; {w.power(loads.idle)} idle, and in addition "
        f"{w.power(loads.imaging)} imaging, {w.power(loads.encoding)} encoding, "
        f"{w.power(loads.transmitting)} sending; work stops at {w.share(power.min_charge)} and "
        f"goes on at {w.share(power.resume_charge)}"
    )


def _transmitter(transmitter: TransmitterSpec) -> str:
    if transmitter.link is not None:
        words = _budget(transmitter.link)
    else:
        words = _rates(transmitter.rate or ())
    words += f"; packets of {w.size(transmitter.packet)}"
    if transmitter.packet_loss:
        words += f", of which {_part_lost(transmitter.packet_loss)}"
    transfer = {
        "resumable": "transfers resume in the next contact",
        "unacknowledged": "CFDP without acknowledgement",
        "acknowledged": "CFDP with acknowledgement",
    }
    mode = str(transmitter.transfer.mode)
    return f"{words}; {transfer.get(mode, w.plain(mode))}"


def _part_lost(loss: float) -> str:
    """Return a probability in words: 1 % and more as a share, less as one in so many."""
    if loss >= 0.01:
        return f"{100 * loss:.3g}{w.NBSP}% are lost"
    return f"one in {1 / loss:,.0f} is lost" if loss >= 1e-9 else f"one in {1 / loss:.3g} is lost"


def _rates(steps: Sequence[RateStep]) -> str:
    if len(steps) == 1 and steps[0].elevation <= -90:
        return w.bit_rate(steps[0].rate)
    shown = [
        f"{w.bit_rate(step.rate)} from {_angle(step.elevation)} up" for step in steps[:_MOST_STEPS]
    ]
    more = len(steps) - len(shown)
    return ", ".join(shown) + (f" and {w.plural(more, 'further step')}" if more else "")


def _budget(link: LinkSpec) -> str:
    if link.eirp is not None:
        radiated = f"EIRP {link.eirp:.4g}{w.NBSP}dBW"
    else:
        radiated = f"{w.power(link.power)} into {link.antenna_gain or 0:.4g}{w.NBSP}dBi"
    modes = link.modes if isinstance(link.modes, str) else w.plural(len(link.modes), "mode")
    chosen = f"{link.coding.upper()} over {modes}"
    if link.mode is not None:
        chosen += f", {w.plain(link.mode)}"
    symbols = w.frequency(link.symbol_rate).replace("Hz", "symbol/s")
    return f"{w.frequency(link.frequency)}, {radiated}, {symbols}, {chosen}"


def _ground(scenario: Scenario) -> Description:
    stations = [_station(station) for station in scenario.stations[:_MOST_STATIONS]]
    if more := len(scenario.stations) - len(stations):
        stations.append(f"{w.count(more)} more")
    points = sum(target.at is not None for target in scenario.targets)
    priorities = [target.priority for target in scenario.targets]
    low, high = min(priorities), max(priorities)
    blank = sum(not target.scenes for target in scenario.targets)
    targets = [
        f"{w.plural(points, 'point')} and {w.plural(len(priorities) - points, 'area')}",
        f"priority {low}" if low == high else f"priorities {low} to {high}",
    ]
    if blank:
        targets.append(f"{w.count(blank)} without scenes, so without pixels")
    return Description(
        f"{w.plural(len(scenario.stations), 'station')} and {w.plural(len(priorities), 'target')}",
        (("Stations", "; ".join(stations)), ("Targets", "; ".join(targets))),
    )


def _station(station: StationSpec) -> str:
    latitude, longitude = station.at
    words = (
        f"{w.short(station.name, 40)} ({abs(latitude):.1f}°{w.NBSP}{'N' if latitude >= 0 else 'S'} "
        f"{abs(longitude):.1f}°{w.NBSP}{'E' if longitude >= 0 else 'W'}, above "
        f"{_angle(station.elevation_mask)}, {w.plural(station.antennas, 'antenna')}"
    )
    if station.outages:
        words += f", {w.plural(len(station.outages), 'outage')}"
    return f"{words})"
