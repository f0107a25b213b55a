"""Place frames on a scene, and fill frames that are larger than their scene."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ...link.container.frame import Frame
from .scenes import FrameWindow


class SceneFit(StrEnum):
    """What a frame shows if it is larger than its scene."""

    MIRROR = "mirror"  # the scene, mirrored repeatedly at its right and lower edges
    REPEAT = "repeat"  # copies of the scene side by side
    CLIP = "clip"  # only the scene: the frame is clipped to it
    REFUSE = "refuse"  # nothing: such a scene is an error


def frame_windows(
    scene_width: int, scene_height: int, frame_width: int, frame_height: int
) -> list[FrameWindow]:
    """Return the windows of the imager's successive frames over a scene, in capture order.

    Along track first: down the scene, then the next strip beside it. The window of a frame larger
    than the scene is clipped to it; `extended` makes the whole frame from the clipped one. All
    windows have the same size: if the scene is not a whole number of frames long, frames overlap
    evenly.
    """
    width, height = min(frame_width, scene_width), min(frame_height, scene_height)
    return [
        FrameWindow(column, row, width, height)
        for column in _starts(scene_width, width)
        for row in _starts(scene_height, height)
    ]


def extended(frame: Frame, width: int, height: int, fit: SceneFit) -> Frame:
    """Return a frame of the imager's size, made from a smaller scene.

    The scene's own pixels stay in the upper left corner. They are repeated or mirrored to the
    right and below, nodata included.

    Args:
        frame: The scene's own pixels.
        width: Columns of the whole frame, no fewer than the scene has.
        height: Rows of the whole frame, no fewer than the scene has.
        fit: `MIRROR` or `REPEAT`.
    """
    if (width, height) == (frame.width, frame.height):
        return frame
    rows, columns = _sources(frame.height, height, fit), _sources(frame.width, width, fit)
    place = rows[:, np.newaxis], columns
    mask = None if frame.mask is None else frame.mask[place]
    return replace(frame, pixels=frame.pixels[place], mask=mask)


def _sources(own: int, whole: int, fit: SceneFit) -> NDArray[np.intp]:
    """Return the row (or column) of the scene that each row (or column) of the frame shows."""
    place = np.arange(whole)
    if fit is SceneFit.REPEAT:
        return place % own
    if fit is not SceneFit.MIRROR:
        raise ValueError(f"{fit} makes no frame larger than its scene")
    turn = place % (2 * own)
    return np.minimum(turn, 2 * own - 1 - turn)


def _starts(whole: int, part: int) -> list[int]:
    count = -(-whole // part)
    return [round(index * (whole - part) / max(count - 1, 1)) for index in range(count)]
