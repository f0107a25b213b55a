"""How many bits samples need, and what an imager of fewer bits makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from downpass.ground.decoders import decode
from downpass.link.container.frame import Frame
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder
from downpass.payload.imager.sample_bits import bits_needed, without_low_bits
from downpass.payload.imager.scenes import Scene
from hypothesis import given
from hypothesis import strategies as st

RANGES = {"uint8": (0, 255), "uint16": (0, 65535), "int16": (-32768, 32767)}


@given(st.integers(-32768, 65535), st.integers(0, 65535))
def test_the_bits_are_the_fewest_from_8_on_that_hold_both_ends(low: int, span: int) -> None:
    high = min(low + span, 65535 if low >= 0 else 32767)

    def fits(bits: int) -> bool:
        start = -(1 << bits - 1) if low < 0 else 0
        return start <= low and high < start + (1 << bits)

    assert bits_needed(low, high) == next(bits for bits in range(8, 17) if fits(bits))


@st.composite
def narrowed(draw: st.DrawFn) -> tuple[Frame, int, bool]:
    """Draw a frame with nodata, the low bits that an imager does not see, and the sign."""
    kind = draw(st.sampled_from(sorted(RANGES)))
    low, high = RANGES[kind]
    ends = sorted((draw(st.integers(low, high)), draw(st.integers(low, high))))
    values = draw(st.lists(st.integers(*ends), min_size=1, max_size=12))
    bits = 8 if kind == "uint8" else bits_needed(min(values), max(values))
    shift = draw(st.integers(1, bits - 1))
    # Where valid samples land after the shift, a nodata value is in the way.
    near = st.sampled_from([value >> shift for value in values])
    nodata = draw(st.one_of(near, st.integers(low, high)))
    pixels = np.array([*values, nodata], kind)[None, :, None]
    return Frame(pixels, bits, nodata), shift, min(v for v in values) < 0


@given(narrowed())
def test_valid_samples_stay_valid_and_within_the_new_depth(drawn: tuple[Frame, int, bool]) -> None:
    frame, shift, negative = drawn
    coarse = without_low_bits(frame, shift, negative)
    empty = frame.pixels == frame.nodata
    assert np.array_equal(coarse.pixels == coarse.nodata, empty)
    exact = frame.pixels[~empty].astype(int) // 2**shift
    found = coarse.pixels[~empty].astype(int)
    moved = found != exact
    assert (exact[moved] == frame.nodata).all()
    assert (abs(found - exact)[moved] == 1).all()
    low = -(1 << coarse.bit_depth - 1) if negative else 0
    assert ((low <= found) & (found < low + (1 << coarse.bit_depth))).all()


def save(path: Path, samples: np.ndarray, nodata: int) -> Path:  # type: ignore[type-arg]
    rows, columns = samples.shape
    profile = {"driver": "GTiff", "count": 1, "height": rows, "width": columns}
    with rasterio.open(path, "w", dtype=samples.dtype, nodata=nodata, **profile) as dataset:
        dataset.write(samples, 1)
    return path


@pytest.mark.parametrize(
    ("kind", "samples", "nodata", "depth", "expected"),
    [
        ("uint16", [255, 4095, 4080, 256], 255, 8, [255, 254, 254, 16]),
        ("uint16", [0, 15, 16, 4095], 0, 8, [0, 1, 1, 255]),
        ("int16", [127, 2047, 2032, -2048], 127, 8, [127, 126, 126, -128]),
        ("int16", [5, -32768, -32768, -32768], 5, None, [5, -32768, -32768, -32768]),
    ],
    ids=["highest", "lowest", "highest of signed", "one lowest value"],
)
def test_such_scenes_are_coded(
    tmp_path: Path,
    kind: str,
    samples: list[int],
    nodata: int,
    depth: int | None,
    expected: list[int],
) -> None:
    path = save(tmp_path / "s.tif", np.array([samples], kind).repeat(9, axis=0), nodata)
    with Scene(path) as scene:
        frame = scene.read(bit_depth=depth)
    bitstream = encoder("jpegls", 0).encode(frame, Setting(quality=100))
    decoded = decode(bitstream).frame
    assert decoded.pixels[4, :, 0].tolist() == expected
