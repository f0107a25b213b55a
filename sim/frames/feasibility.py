"""Checks whether a loaded scenario can run, for `validate` and at the start of `run`.

Some faults appear only together with the scenes: a codec limited to 12 bits with a 16-bit scene, or
a budget that no bitstream of the scene's frames can meet. `checked_scenes` looks for all of them
at once and reports each with its line in the scenario.

What depends on this computer at the moment (a serial port, an installed emulator) is not a fault
of the scenario. `run` finds it when it opens the board, and `validate` warns (`absent_boards`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from ...ground.decoders.student_networks import available
from ...link.container.frame import Frame
from ...link.container.samples import SampleType
from ...link.errors import InputError
from ...payload.board.firmware.build import missing_tools
from ...payload.encoders.base import Encoder, Setting
from ..board.emulators import AGENT, PREFIX
from ..board.job import setting_of
from ..mission.flight import NO_LAND, land_area, orbit_of
from ..mission.views import View
from ..orbit.polygon import polygon_of
from ..orbit.region import region_of_land
from ..orbit.trajectory import trajectory
from ..scenario.codec import EncoderChoice
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from .content_cache import ContentCache
from .onboard_encoders import onboard_encoder, refusal
from .scenes import SceneError, Scenes

_ORBIT_SAMPLES: Final = 2001
_MOST_TRIALS: Final = 16
_SHOWN: Final = 100


class InfeasibleError(InputError):
    """The scenario cannot run.

    Attributes:
        problems: The problems, one line each, with file, line and field.
    """

    def __init__(self, problems: list[str]) -> None:
        listed = problems[:_SHOWN]
        if len(problems) > len(listed):
            listed.append(f"… and {len(problems) - len(listed)} more")
        super().__init__("\n".join(listed))
        self.problems = problems


def checked_scenes(scenario: Scenario, cache: ContentCache, encodes: bool = True) -> Scenes:
    """Check that a scenario can run, and return its opened scenes.

    A budget is tried on a frame of each scene, on 16 frames at most. The run may still meet a
    frame with more detail for which the budget is too small.

    Args:
        scenario: A loaded scenario.
        cache: Cache of encoded frames; the trial frames are kept there for the run.
        encodes: Whether frames are going to be encoded. Without, programs that the scenario names
            need no leave; unless they have it, their budgets are not tried.

    Raises:
        InfeasibleError: The scenario has faults; the error lists every one.
    """
    problems = [*_orbits(scenario), *_pixels(scenario), *_ports(scenario), *_decoder(scenario)]
    scenes = None
    try:
        scenes = Scenes(scenario)
    except SceneError as error:
        problems += error.problems
    if scenes is not None:
        problems += _codecs(scenario, scenes, encodes)
    if scenes is not None and not problems:
        problems += _budgets(scenario, scenes, cache)
    if problems or scenes is None:
        raise InfeasibleError(list(dict.fromkeys(problems)))
    return scenes


def absent_boards(scenario: Scenario) -> Iterator[str]:
    """Yield a line for each board that this computer does not have at the moment."""
    for index, satellite in enumerate(scenario.satellites):
        port = _port(satellite)
        if port is None:
            continue
        where = scenario.source.place_of(f"satellites.{index}.encoder.port")
        if port.startswith(PREFIX):
            kind = port.removeprefix(PREFIX).partition(":")[0]
            missing = [] if kind == AGENT else missing_tools()
            if missing:
                yield f"{where}: found {port}; this computer lacks {' and '.join(missing)}"
        elif "://" not in port and not Path(port).exists():
            yield f"{where}: found {port}; there is no such port at the moment"


def idle_programs(scenario: Scenario) -> Iterator[str]:
    """Yield a line for each codec whose programs a run would not start without leave."""
    for index, satellite in enumerate(scenario.satellites):
        if why := refusal(satellite.codec):
            yield f"{scenario.source.place_of(f'satellites.{index}.codec')}: {why}"


def _orbits(scenario: Scenario) -> Iterator[str]:
    """Find invalid orbits, polygons and areas.

    A decayed orbit stays decayed, so sampling finds it.
    """
    moments = np.linspace(0.0, scenario.duration, _ORBIT_SAMPLES)
    for index, satellite in enumerate(scenario.satellites):
        try:
            trajectory(orbit_of(satellite, scenario), scenario.start).ecef(moments)
        except InputError as error:
            yield f"{scenario.source.place_of(f'satellites.{index}.orbit')}: {error}"
    for index, target in enumerate(scenario.targets):
        try:
            if target.polygon is not None:
                polygon_of(target.polygon)
        except InputError as error:
            yield f"{scenario.source.place_of(f'targets.{index}.polygon')}: {error}"
        if target.area is not None and region_of_land(land_area(target.area)).is_empty:
            yield f"{scenario.source.place_of(f'targets.{index}.area')}: {NO_LAND}"


def _pixels(scenario: Scenario) -> Iterator[str]:
    """Find satellites that cannot handle a target without scenes."""
    blank = next((target.name for target in scenario.targets if not target.scenes), None)
    if blank is None:
        return
    for index, satellite in enumerate(scenario.satellites):
        at = f"satellites.{index}"
        if satellite.processor.encode_time == "host":
            yield (
                f"{scenario.source.place_of(f'{at}.processor.encode_time')}: found encode_time "
                f"host, and target {blank} has no scenes to measure it on; allowed: scenes for "
                "every target, or encode_time modelled"
            )
        if _port(satellite) is not None:
            yield (
                f"{scenario.source.place_of(f'{at}.encoder.port')}: found a board, and target "
                f"{blank} has no scenes, so there is nothing to encode; allowed: scenes for "
                "every target"
            )


def _decoder(scenario: Scenario) -> Iterator[str]:
    """Find a decoder network that this installation does not have."""
    wanted = scenario.ground.decoder
    if wanted not in available():
        yield (
            f"{scenario.source.place_of('ground.decoder')}: found {wanted}, which this "
            f"installation lacks; allowed: {' or '.join(available())}"
        )


def _ports(scenario: Scenario) -> Iterator[str]:
    """Find boards with conflicting options, and settings that a board job cannot express."""
    seen: dict[str, EncoderChoice] = {}
    for index, satellite in enumerate(scenario.satellites):
        port = _port(satellite)
        if port is None:
            continue
        where = scenario.source.place_of(f"satellites.{index}.encoder.port")
        if seen.setdefault(port, satellite.encoder) != satellite.encoder:
            yield (
                f"{where}: found {port} a second time with other baud, give_up_after, "
                "encode_timeout, chunk or faults; allowed: the same for all satellites that share "
                "a board"
            )
        try:
            setting_of(satellite.codec.setting)
        except InputError as error:
            place = scenario.source.place_of(f"satellites.{index}.codec.quality")
            yield f"{place}: {error}"


def _codecs(scenario: Scenario, scenes: Scenes, encodes: bool) -> Iterator[str]:
    """Find codecs that cannot encode the frames of their satellite at its setting."""
    for index, satellite in enumerate(scenario.satellites):
        where = scenario.source.place_of(f"satellites.{index}.codec")
        try:
            codec = onboard_encoder(satellite.codec)
        except InputError as error:
            yield f"{where}: {error}"
            continue
        views = scenes.kinds_of_view(index)
        if views and encodes and (why := refusal(satellite.codec)):
            yield f"{where}: {why}"
        found: dict[str, None] = {}
        for view in views:
            try:
                codec.check(blank_frame(view), satellite.codec.setting)
            except InputError as error:
                found[f"{where}: {error}"] = None
        yield from found


def _budgets(scenario: Scenario, scenes: Scenes, cache: ContentCache) -> Iterator[str]:
    """Find budgets that cannot be met, by encoding a frame of each scene."""
    tried: set[tuple[object, ...]] = set()
    for index, satellite in enumerate(scenario.satellites):
        if satellite.codec.quality is not None or refusal(satellite.codec):
            continue
        codec: Encoder = onboard_encoder(satellite.codec)
        for number, target in enumerate(scenario.targets):
            view = scenes.view(index, number, 0) if target.scenes else None
            if view is None or len(tried) >= _MOST_TRIALS:
                continue
            imager = satellite.imager
            kind = satellite.codec, imager.bands, imager.bit_depth, view.width, view.height
            if (*kind, view.scene) in tried:
                continue
            tried.add((*kind, view.scene))
            lowest = satellite.codec.lowest_bpp if satellite.codec.policy == "backlog" else None
            setting = satellite.codec.setting if lowest is None else Setting(bpp=lowest)
            try:
                cache.encoded(codec, scenes.frame(index, view), setting)
            except InputError as error:
                yield f"{scenario.source.place_of(f'satellites.{index}.codec')}: {error}"
                break


def _port(satellite: SatelliteSpec) -> str | None:
    return satellite.encoder.port if satellite.encoder.backend == "board" else None


def blank_frame(view: View) -> Frame:
    """Return a frame of a view's size and depth that takes no memory: all zeros."""
    kind: SampleType = "uint8" if view.bit_depth <= 8 else "uint16"
    zero = np.zeros((1, 1, 1), kind)
    return Frame(np.broadcast_to(zero, (view.height, view.width, view.bands)), view.bit_depth)
