"""Advice on scenes that do not match the imagers: their size, resolution and bit depth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ...link.plurals import counted
from ...payload.imager.frames import SceneFit
from ...payload.imager.groundsample import ground_sample_distance
from ...payload.imager.scenes import Scene
from ..scenario.imager import ImagerSpec
from ..scenario.scenario import Scenario
from .scenes import Scenes

TOLERANCE: Final = 0.1
"""Largest relative difference of GSD between scene and imager that gets no advice."""

_MEANS: Final = {
    SceneFit.MIRROR: "the rest of the frame shows the scene mirrored",
    SceneFit.REPEAT: "the rest of the frame shows the scene again",
    SceneFit.CLIP: "the frame is clipped to the scene, with fewer bytes and less ground",
}


def scene_advice(scenario: Scenario, scenes: Scenes) -> tuple[str, ...]:
    """Return one line for each scene that differs from an imager in size or resolution.

    Args:
        scenario: The scenario to be run.
        scenes: The scenario's scenes, opened and checked.

    Returns:
        Lines of the form `file:line: field: what was found; what to know`, one for each scene and
        difference. The line is that of the first target with the scene, and it counts the further
        targets and satellites concerned.
    """
    concerned: dict[tuple[Path, str], tuple[dict[str, None], dict[str, None]]] = {}
    for reference in scenario.scene_paths():
        scene = scenes[reference.path]
        fit = SceneFit(scenario.targets[reference.target].scene_fit)
        place = scenario.source.place_of(reference.field)
        for satellite in scenario.satellites:
            for text in _oddities(scene, satellite.imager, fit):
                places, names = concerned.setdefault((reference.path, text), ({}, {}))
                places[place] = names[satellite.name] = None
    return tuple(
        f"{next(iter(places))}: {text.format(who=_first(list(names), 'satellite'))}"
        + (f"; the same for {_more(len(places) - 1, 'target')}" if len(places) > 1 else "")
        for (_, text), (places, names) in concerned.items()
    )


def bit_depth_notes(scenario: Scenario, scenes: Scenes) -> list[str]:
    """Return one line for each imager that records fewer bits than a scene has.

    Args:
        scenario: The scenario to be run.
        scenes: The scenario's scenes, opened and checked.

    Returns:
        Lines of the form `file:line: field: what was found; what it means`.
    """
    lines: dict[str, None] = {}
    for index, satellite in enumerate(scenario.satellites):
        imager = satellite.imager
        for path, scene in scenes.opened():
            lost = scene.shift(imager.bit_depth, imager.bands)
            if lost:
                place = scenario.source.place_of(f"satellites.{index}.imager.bit_depth")
                bits = imager.bit_depth + lost
                line = (
                    f"{place}: found {imager.bit_depth} bits, and samples of {bits} in "
                    f"{path.name}; the lowest {lost} are not seen, and delivered frames have "
                    f"{1 << lost} times the scale"
                )
                lines[line] = None
    return list(lines)


def _first(names: list[str], noun: str) -> str:
    return names[0] + (f" and {_more(len(names) - 1, noun)}" if len(names) > 1 else "")


def _more(number: int, noun: str) -> str:
    return counted(number, f"other {noun}")


def _oddities(scene: Scene, imager: ImagerSpec, fit: SceneFit) -> Iterator[str]:
    width, height = imager.frame_width_px, imager.frame_height_px
    if scene.width < width or scene.height < height:
        yield (
            f"found a scene of {scene.width} x {scene.height} pixels and frames of "
            f"{width} x {height} from {{who}}; {_MEANS[fit]}"
        )
    found = ground_sample_distance(scene.crs, scene.transform, scene.width, scene.height)
    if found is None:
        return
    if any(abs(one - imager.gsd) > TOLERANCE * imager.gsd for one in found):
        yield (
            f"found a scene of {_gsd(found)} a pixel and a GSD of {imager.gsd:.3g} m for "
            "{who}; its detail is not what this imager would see"
        )


def _gsd(found: tuple[float, float]) -> str:
    one, two = (f"{value:.3g}" for value in found)
    return f"{one} m" if one == two else f"{one} x {two} m"
