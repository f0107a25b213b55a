"""Views: what each captured frame shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...payload.imager.frames import SceneFit
from ..scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class View:
    """What a frame shows: its size, and the part of a scene that its pixels come from.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        bands: Number of bands.
        bit_depth: Bits per sample.
        scene: The scene's file; None if the frame has no pixels, only a size.
        column: Column of the scene in which the frame's upper left pixel lies.
        row: Row of the scene in which the frame's upper left pixel lies.
        fit: What the frame shows beyond the scene's edges.
        beyond_columns: Number of the frame's last columns that lie beyond the scene and repeat
            its content; 0 if the scene is large enough.
        beyond_rows: The same for the frame's last rows.
    """

    width: int
    height: int
    bands: int
    bit_depth: int
    scene: Path | None = None
    column: int = 0
    row: int = 0
    fit: SceneFit = SceneFit.CLIP
    beyond_columns: int = 0
    beyond_rows: int = 0

    @property
    def own_width(self) -> int:
        """Number of columns, from the left, that show the scene itself."""
        return self.width - self.beyond_columns

    @property
    def own_height(self) -> int:
        """Number of rows, from the top, that show the scene itself."""
        return self.height - self.beyond_rows

    @property
    def repeats(self) -> bool:
        """Whether part of the frame lies beyond the scene and repeats the rest."""
        return bool(self.beyond_columns or self.beyond_rows)

    @property
    def samples(self) -> int:
        """Pixels times bands."""
        return self.width * self.height * self.bands

    @property
    def raw_bytes(self) -> int:
        """Size in bytes as read out by the imager: packed samples, not encoded."""
        return -(-self.samples * self.bit_depth // 8)


class Viewer(Protocol):
    """Chooses what each frame shows."""

    def view(self, satellite: int, target: int, count: int) -> View:
        """Return the view of the `count`-th frame that a satellite takes of a target."""


class NoPixels:
    """Chooses views without pixels, of the imager's full frame size, for sizes given by a rate."""

    def __init__(self, scenario: Scenario) -> None:
        self._imagers = [satellite.imager for satellite in scenario.satellites]

    def view(self, satellite: int, target: int, count: int) -> View:  # noqa: ARG002
        """Return the imager's full frame."""
        imager = self._imagers[satellite]
        return View(
            imager.frame_width_px, imager.frame_height_px, len(imager.bands), imager.bit_depth
        )
