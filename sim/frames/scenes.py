"""The scenes of a scenario: they determine what each frame shows, and provide its pixels."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from ...link.container.description import Description
from ...link.container.frame import Frame
from ...link.errors import InputError
from ...payload.imager.frames import SceneFit, extended, frame_windows
from ...payload.imager.scenes import FrameWindow, Scene
from ..mission.views import View
from ..scenario.scenario import Scenario
from ..scenario.scene_names import scene_names


class SceneError(InputError):
    """Scenes cannot be used; each is reported at the line of the scenario that lists it.

    Attributes:
        problems: The problems, one line each.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Scenes:
    """Every scene that the targets list, opened once.

    The frames that a satellite takes of a target step through the target's scenes, one scene after
    the other, and start again after the last. A draw from the seed decides where they begin.
    """

    def __init__(self, scenario: Scenario) -> None:
        """Open and check the scenes.

        Raises:
            SceneError: Scenes are missing or damaged, lack bands that the imagers need, or are
                smaller than a frame although the target refuses that. The error lists them all.
        """
        self._scenario = scenario
        self.names = scene_names(scenario)
        """The name of each scene in results."""
        self._scenes: dict[Path, Scene] = {}
        self._views: dict[tuple[int, int], tuple[View, ...]] = {}
        self._lock = Lock()  # GDAL datasets are not thread-safe
        problems: dict[str, None] = {}
        for reference in scenario.scene_paths():
            try:
                scene = self._scenes.get(reference.path)
                if scene is None:
                    scene = self._scenes[reference.path] = Scene(reference.path)
                for satellite in scenario.satellites:
                    scene.require_levels(satellite.imager.bands)
                    scene.content(satellite.imager.bands)
                if SceneFit(scenario.targets[reference.target].scene_fit) is SceneFit.REFUSE:
                    _check_size(scene, scenario)
            except InputError as error:
                place = reference.source.place_of(reference.field)
                problems[f"{place}: {error}"] = None
        if problems:
            raise SceneError(list(problems))

    def __len__(self) -> int:
        return len(self._scenes)

    def view(self, satellite: int, target: int, count: int) -> View:
        """Return what the `count`-th frame that a satellite takes of a target shows."""
        # All targets without a scene look alike: one view serves them all.
        shown = target if self._scenario.targets[target].scenes else -1
        views = self._views.get((satellite, shown))
        if views is None:
            views = self._views[satellite, shown] = self._all_views(satellite, target)
        if len(views) == 1:
            return views[0]
        key = f"{self._scenario.seed}/{satellite}/{target}"
        first = random.Random(key).randrange(len(views))  # noqa: S311 - a seeded draw, no secret
        return views[(first + count) % len(views)]

    def kinds_of_view(self, satellite: int) -> list[View]:
        """Return one view for each size and depth among a satellite's frames with pixels."""
        kinds: dict[tuple[int, int, int, int], View] = {}
        lists = {target.scenes: number for number, target in enumerate(self._scenario.targets)}
        for target in (number for paths, number in lists.items() if paths):
            for view in self._all_views(satellite, target):
                kinds.setdefault((view.width, view.height, view.bands, view.bit_depth), view)
        return list(kinds.values())

    def __getitem__(self, path: Path) -> Scene:
        return self._scenes[path]

    def opened(self) -> Iterator[tuple[Path, Scene]]:
        """Yield each scene with its path, in the order in which the targets list them."""
        yield from self._scenes.items()

    def frame(self, satellite: int, view: View) -> Frame:
        """Read the pixels of a view.

        Raises:
            InputError: The file has become unreadable since it was opened.
        """
        imager = self._scenario.satellites[satellite].imager
        if view.scene is None:
            raise ValueError("a view without a scene has no pixels")
        with self._lock:
            scene = self._scenes[view.scene]
            own = scene.read(window(view), imager.bands, imager.bit_depth)
        return extended(own, view.width, view.height, view.fit)

    def describe(self, satellite: int, view: View) -> Description:
        """Return the georeference and other metadata of the pixels that `frame` returns."""
        imager = self._scenario.satellites[satellite].imager
        if view.scene is None:
            raise ValueError("a view without a scene has nothing that describes it")
        return self._scenes[view.scene].describe(window(view), imager.bands, imager.bit_depth)

    def _all_views(self, satellite: int, target: int) -> tuple[View, ...]:
        imager = self._scenario.satellites[satellite].imager
        width, height, bands = imager.frame_width_px, imager.frame_height_px, len(imager.bands)
        paths = self._scenario.targets[target].scenes
        fit = SceneFit(self._scenario.targets[target].scene_fit)
        if not paths:
            return (View(width, height, bands, imager.bit_depth),)
        views = []
        for path in paths:
            scene = self._scenes[path]
            depth = scene.content(imager.bands).bits - scene.shift(imager.bit_depth, imager.bands)
            for w in frame_windows(scene.width, scene.height, width, height):
                beyond = (0, 0) if fit is SceneFit.CLIP else (width - w.width, height - w.height)
                views.append(
                    View(
                        w.width + beyond[0],
                        w.height + beyond[1],
                        bands,
                        depth,
                        path,
                        w.column,
                        w.row,
                        fit,
                        *beyond,
                    )
                )
        return tuple(views)


def window(view: View) -> FrameWindow:
    """Return the window of the scene that a view shows, without the part beyond the scene."""
    return FrameWindow(view.column, view.row, view.own_width, view.own_height)


def _check_size(scene: Scene, scenario: Scenario) -> None:
    for satellite in scenario.satellites:
        imager = satellite.imager
        if scene.width < imager.frame_width_px or scene.height < imager.frame_height_px:
            raise InputError(
                f"scene {scene.path}: {scene.width} x {scene.height} pixels, and a frame of "
                f"{satellite.name} has {imager.frame_width_px} x {imager.frame_height_px}; "
                "allowed with scene_fit refuse: at least a frame (or scene_fit mirror, repeat "
                "or clip)"
            )
