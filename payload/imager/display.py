"""Choose which bands of a scene a picture shows as red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...link.container.description import NATURAL_COLOURS

# Landsat 8 and Sentinel-2 use the same numbers for their visible bands.
_NAMES: Final = {
    "red": ("red", "r", "b4", "b04"),
    "green": ("green", "g", "b3", "b03"),
    "blue": ("blue", "b", "b2", "b02"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """How a picture shows a frame.

    Attributes:
        order: Indices of the frame's bands that are shown as red, green and blue.
        words: Description of the colours, for a caption.
        inverse: Whether the largest sample is black.
    """

    order: tuple[int, int, int]
    words: str
    inverse: bool = False


def shown(bands: Sequence[int], names: Sequence[str | None], colours: Sequence[str]) -> Shown:
    """Return how to show a frame: in natural colour if the scene identifies those bands.

    Args:
        bands: Numbers, from 1, of the scene's bands that the frame has.
        names: Name of each band of the scene; None for a band without a name.
        colours: Colour interpretation of each band of the scene.
    """
    found = []
    for colour in NATURAL_COLOURS:
        for position, band in enumerate(bands):
            if colours[band - 1] == colour or _is_called(names[band - 1] or "", colour):
                found.append(position)
                break
    if len(found) == len(NATURAL_COLOURS):
        return Shown((found[0], found[1], found[2]), "Natural colour")
    labels = [names[band - 1] or f"band {band}" for band in bands]
    if len(bands) < len(NATURAL_COLOURS):
        return Shown((0, 0, 0), f"{labels[0]} as grey")
    return Shown((0, 1, 2), f"{labels[0]}, {labels[1]} and {labels[2]} as red, green and blue")


def _is_called(name: str, colour: str) -> bool:
    """Return whether a band name means a colour: "B04", "red", "B04 red", but not "red edge"."""
    words = name.lower().replace("_", " ").replace("-", " ").split()
    if not words:
        return False
    return words[-1] == colour or (words[0] != colour and words[0] in _NAMES[colour])
