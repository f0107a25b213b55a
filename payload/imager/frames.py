"""Which part of a scene each frame shows."""

from __future__ import annotations

from ...link.errors import InputError
from .scenes import FrameWindow


def frame_size(swath_m: float, gsd_m: float, frame_length_m: float) -> tuple[int, int]:
    """Return a frame's width and height in pixels: swath and frame length over the GSD.

    Raises:
        InputError: Less than one pixel either way.
    """
    width, height = round(swath_m / gsd_m), round(frame_length_m / gsd_m)
    if min(width, height) < 1:
        raise InputError(
            f"imager: a frame of {swath_m:g} m x {frame_length_m:g} m at a GSD of {gsd_m:g} m "
            f"is {width} x {height} pixels; allowed is at least 1 x 1"
        )
    return width, height


def frame_windows(
    scene_width: int, scene_height: int, frame_width: int, frame_height: int
) -> list[FrameWindow]:
    """Return the windows that an imager's frames walk through over a scene, in order.

    Along track first: down the scene, then the next strip beside it. A frame larger than the
    scene is clipped to it, so that no frame shows a pixel that the scene does not have. Where
    the scene is no whole number of frames long, frames overlap evenly instead of ending in a
    sliver: all have one size.
    """
    width, height = min(frame_width, scene_width), min(frame_height, scene_height)
    return [
        FrameWindow(column, row, width, height)
        for column in _starts(scene_width, width)
        for row in _starts(scene_height, height)
    ]


def frame_window(
    number: int, scene_width: int, scene_height: int, frame_width: int, frame_height: int
) -> FrameWindow:
    """Return the window of the frame of this number, from 0; after the last comes the first."""
    windows = frame_windows(scene_width, scene_height, frame_width, frame_height)
    return windows[number % len(windows)]


def _starts(whole: int, part: int) -> list[int]:
    count = -(-whole // part)
    return [round(index * (whole - part) / max(count - 1, 1)) for index in range(count)]
