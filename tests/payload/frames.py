"""Frames for tests of encoders: parts of shipped scenes, and random small ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from downpass.link.container.frame import Frame
from downpass.payload.imager.scenes import FrameWindow, Scene
from hypothesis import strategies as st

SCENES = Path(__file__).parents[2] / "scenarios" / "scenes"
AERIAL = SCENES / "naip_nd_20140720_5m_rgbn_u8.tif"
SATELLITE = SCENES / "l8_oli_30m_bgrn_u16.tif"
SIGNED = SCENES / "s2_l1c_433D_629L_3_1_13b_i16.tif"


def real(path: Path, size: int, bands: int = 3, bit_depth: int | None = None) -> Frame:
    """Return a square frame from the top left of a shipped scene."""
    with Scene(path) as scene:
        return scene.read(FrameWindow(0, 0, size, size), bands, bit_depth)


@st.composite
def small(draw: st.DrawFn, largest: int = 40, deepest: int = 16) -> Frame:
    """Draw a small frame of any size, depth and type: noise, blank or a ramp, maybe with nodata."""
    sample_type = draw(st.sampled_from(("uint8", "uint16", "int16")))
    depth = draw(st.integers(1, min(8 if sample_type == "uint8" else 16, deepest)))
    shape = tuple(draw(st.integers(1, side)) for side in (largest, largest, 6))
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    negative = sample_type == "int16" and (depth == 16 or draw(st.booleans()))
    low = -(1 << (depth - 1)) if negative else 0
    high = low + (1 << depth) - 1
    kind = draw(st.sampled_from(("noise", "blank", "ramp")))
    if kind == "noise":
        pixels = seed.integers(low, high, shape, endpoint=True)
    elif kind == "blank":
        pixels = np.full(shape, draw(st.sampled_from((low, high))))
    else:
        rows, columns, bands = np.indices(shape)
        pixels = low + (rows + columns + bands) % (high - low + 1)
    pixels = pixels.astype(sample_type)
    nodata = None
    if draw(st.booleans()):
        nodata = draw(st.sampled_from((0, low, high)))
        pixels[seed.random(shape[:2]) < draw(st.sampled_from((0.0, 0.2, 1.0)))] = nodata
    return Frame(pixels, depth, nodata)
