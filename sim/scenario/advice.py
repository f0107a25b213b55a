"""What looks odd in a scenario that can still be run."""

from __future__ import annotations

from collections.abc import Iterator

from .models import Satellite, Scenario, TleOrbit

# An SGP4 orbit drifts by kilometres a day: after two weeks passes are off by tens of seconds.
TLE_DAYS = 14.0


def advice(scenario: Scenario) -> tuple[str, ...]:
    """One line for each oddity: `file:line: field: what was found; what to know`."""
    lines: list[str] = []
    for i, satellite in enumerate(scenario.satellites):
        for at, text in _of_satellite(scenario, satellite):
            lines.append(f"{scenario.source.place_of(f'satellites.{i}.{at}')}: {text}")
    blank = [t.name for t in scenario.targets if not t.scenes]
    if blank and len(blank) < len(scenario.targets):
        first = next(i for i, t in enumerate(scenario.targets) if not t.scenes)
        named = ", ".join(blank[:3]) + (" and others" if len(blank) > 3 else "")
        lines.append(
            f"{scenario.source.place_of(f'targets.{first}')}: found no scenes for {named}; "
            "their frames have a size, and neither pixels nor PSNR"
        )
    for i, station in enumerate(scenario.stations):
        for j, outage in enumerate(station.outages):
            if outage.to <= scenario.start or outage.from_ >= scenario.end:
                where = scenario.source.place_of(f"stations.{i}.outages.{j}")
                lines.append(
                    f"{where}: found an outage outside the scenario's time; it has no part"
                )
    return tuple(lines)


def _of_satellite(scenario: Scenario, satellite: Satellite) -> Iterator[tuple[str, str]]:
    orbit, imager, power = satellite.orbit, satellite.imager, satellite.power
    if isinstance(orbit, TleOrbit):
        before = (scenario.start - orbit.epoch).total_seconds() / 86400
        after = (orbit.epoch - scenario.end).total_seconds() / 86400
        apart = max(before, after)
        if apart > TLE_DAYS:
            side = "before the start" if before > 0 else "after the end"
            yield (
                "orbit.tle",
                (
                    f"found elements of {orbit.epoch:%Y-%m-%d}, {apart:.0f} days {side}; "
                    f"passes are trustworthy within {TLE_DAYS:.0f} days"
                ),
            )
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
