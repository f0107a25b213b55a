from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rasterio
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.imager.frames import (
    SceneFit,
    extended,
    frame_windows,
)
from downpass.payload.imager.scenes import FrameWindow, Scene
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from .frames import AERIAL, SATELLITE, SIGNED


def write(
    path: Path, samples: NDArray[np.generic], nodata: float | None = None, **profile: object
) -> Path:
    bands, height, width = samples.shape
    transform = rasterio.Affine(10, 0, 500_000, 0, -10, 4_000_000)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=width,
        height=height,
        count=bands,
        dtype=samples.dtype,
        nodata=nodata,
        crs="EPSG:32633",
        transform=transform,
        **profile,
    ) as dataset:
        dataset.write(samples)
    return path


def test_a_scene_says_what_it_is() -> None:
    with Scene(SATELLITE) as scene:
        assert (scene.width, scene.height, scene.bands) == (512, 512, 4)
        assert scene.sample_type == "uint16"
        assert "32616" in scene.crs
        assert scene.transform[0] == 30
        content = scene.content()
        assert (content.lowest, content.highest, content.bits) == (5143, 28648, 15)


def test_a_window_is_what_rasterio_reads() -> None:
    with Scene(AERIAL) as scene, rasterio.open(AERIAL) as dataset:
        frame = scene.read(FrameWindow(100, 200, 64, 32), bands=[4, 1])
        expected = dataset.read([4, 1], window=rasterio.windows.Window(100, 200, 64, 32))
    assert frame.pixels.shape == (32, 64, 2)
    assert np.array_equal(frame.pixels, np.moveaxis(expected, 0, 2))
    assert (frame.bit_depth, frame.nodata) == (8, None)


def test_an_imager_of_fewer_bits_does_not_see_the_low_ones() -> None:
    with Scene(SATELLITE) as scene:
        whole, coarse = scene.read(bands=3), scene.read(bands=3, bit_depth=12)
        assert scene.shift(12) == 3
        assert (whole.bit_depth, coarse.bit_depth) == (15, 12)
        assert np.array_equal(coarse.pixels, whole.pixels >> 3)
        assert scene.read(bands=1, bit_depth=16).bit_depth == 15
    with Scene(AERIAL) as scene:
        assert scene.read(bands=1, bit_depth=12).bit_depth == 8


def test_signed_samples_without_negative_values_need_no_sign() -> None:
    with Scene(SIGNED) as scene:
        assert scene.content().bits == 13
        assert scene.read(bit_depth=12).bit_depth == 12


@pytest.mark.parametrize(
    ("low", "high", "bits"), [(-1, 100, 8), (-2048, 2047, 12), (-2049, 0, 13), (-32768, 32767, 16)]
)
def test_negative_samples_need_a_sign(tmp_path: Path, low: int, high: int, bits: int) -> None:
    samples = np.array([[[low, high]]], np.int16)
    with Scene(write(tmp_path / "s.tif", samples)) as scene:
        assert scene.content().bits == bits


def test_nodata_stays_nodata_and_nothing_else_becomes_it(tmp_path: Path) -> None:
    samples = np.array([[[0, 1, 7, 4095]]], np.uint16)
    with Scene(write(tmp_path / "s.tif", samples, nodata=0)) as scene:
        frame = scene.read(bit_depth=9)
    assert frame.nodata == 0
    assert frame.pixels[0, :, 0].tolist() == [0, 1, 1, 511]  # 1 >> 3 would have been nodata
    mask = frame.nodata_mask()
    assert mask is not None
    assert mask.tolist() == [[True, False, False, False]]


@pytest.mark.parametrize("nodata", ["-9999", "1e+06", "0.5", "1e40"])
def test_a_nodata_value_that_no_sample_can_have_is_none(tmp_path: Path, nodata: str) -> None:
    path = write(tmp_path / "s.tif", np.ones((1, 4, 4), np.uint16), nodata=54321)
    data = path.read_bytes()
    assert data.count(b"54321\0") == 1
    path.write_bytes(data.replace(b"54321\0", nodata.encode().ljust(5, b" ") + b"\0"))
    with rasterio.open(path) as dataset:
        mask = dataset.read_masks(1)
    with Scene(path) as scene:
        assert scene.nodata is None
        assert scene.read().holes() is None
        assert mask.all()


def _truncated(folder: Path) -> Path:
    path = folder / "truncated.tif"
    path.write_bytes(AERIAL.read_bytes()[:-100_000])
    return path


def _half(folder: Path) -> Path:
    noise = np.random.default_rng(1).integers(0, 255, (1, 600, 600), np.uint8)
    whole = write(folder / "whole.tif", noise).read_bytes()
    path = folder / "half.tif"
    path.write_bytes(whole[: len(whole) // 2])
    return path


def _loop(folder: Path) -> Path:
    (folder / "one").symlink_to(folder / "two")
    (folder / "two").symlink_to(folder / "one")
    return folder / "one"


def _text(folder: Path) -> Path:
    (folder / "text.tif").write_text("not a picture\n" * 99)
    return folder / "text.tif"


def _not_utf8(folder: Path) -> Path:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/\xff.tif"))
    path.write_bytes(AERIAL.read_bytes())
    return path


def _empty(folder: Path) -> Path:
    (folder / "empty.tif").touch()
    return folder / "empty.tif"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "none.tif", "no such file"),
        (lambda folder: folder / "none.tif" / "below", "no such file"),
        (lambda folder: folder, "a folder"),
        (_loop, "go round in a circle"),
        (_empty, "the file is empty"),
        (_not_utf8, "its path is not UTF-8"),
        (_text, "not a raster that can be read"),
        (_truncated, r"cannot be opened|truncated or damaged"),
        (_half, r"cannot be opened|truncated or damaged"),
        (
            lambda folder: write(folder / "f.tif", np.zeros((1, 3, 3), np.float32)),
            "samples of type float32; allowed are uint8, uint16, int16",
        ),
        (
            lambda folder: write(folder / "n.tif", np.full((2, 3, 3), 9, np.uint8), nodata=9),
            r"every pixel is nodata \(9\)",
        ),
    ],
)
def test_a_bad_scene_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(InputError, match=words) as error:
        Scene(path).read()
    assert "\n" not in str(error.value)
    assert str(path.name) in str(error.value)


@pytest.mark.parametrize("kept", [0.99, 0.5, 0.1])
@pytest.mark.parametrize("shape", [(1, 60, 70), (3, 60, 70), (4, 60, 70)], ids=str)
@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_truncated_picture_is_refused(
    tmp_path: Path, shape: tuple[int, int, int], kind: str, kept: float
) -> None:
    samples = np.random.default_rng(5).integers(0, 255, shape[::-1], np.uint8).squeeze()
    whole = getattr(imagecodecs, f"{kind}_encode")(samples)
    path = tmp_path / f"half.{kind}"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InputError, match=r"half\.\w+: .*(damaged|opened) \([^()]*\)$"):
        Scene(path).read()


@pytest.mark.parametrize(
    ("window", "bands", "words"),
    [
        (None, [1, 5], "band 5 asked for; it has bands 1 to 4"),
        (None, 5, "band 5 asked for"),
        (None, [0], "band 0"),
        (None, [], "no band"),
        (FrameWindow(900, 0, 64, 64), 3, "934 x 723"),
        (FrameWindow(-1, 0, 64, 64), 3, "column -1"),
    ],
)
def test_what_a_scene_does_not_have_is_refused(
    window: FrameWindow | None, bands: list[int] | int, words: str
) -> None:
    with Scene(AERIAL) as scene, pytest.raises(InputError, match=words):
        scene.read(window, bands)


BIG = """
import sys
from pathlib import Path
import numpy as np, rasterio
from downpass.payload.imager.scenes import FrameWindow, Scene
scene = Scene(sys.argv[1])
frame = scene.read(FrameWindow(19000, 19000, 1000, 1000))
assert int(frame.pixels.max()) == 4000
# This program's own peak: ru_maxrss would count the process that started it, too.
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


def test_a_scene_larger_than_memory_allows_is_read_by_windows(tmp_path: Path) -> None:
    path = tmp_path / "big.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=20_000,
        height=20_000,
        count=2,
        dtype="uint16",
        tiled=True,
        blockxsize=512,
        blockysize=512,
        sparse_ok=True,
        compress="deflate",
    ) as dataset:
        corner = np.full((2, 8, 8), 4000, np.uint16)
        dataset.write(corner, window=rasterio.windows.Window(19_990, 19_990, 8, 8))
    run = subprocess.run(
        [sys.executable, "-c", BIG, str(path)], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) * 1024 < 600e6  # the scene has 1.6 GB


@given(st.integers(1, 400), st.integers(1, 400), st.integers(9, 150), st.integers(9, 150))
def test_frames_cover_the_scene_and_nothing_else(
    scene_width: int, scene_height: int, frame_width: int, frame_height: int
) -> None:
    windows = frame_windows(scene_width, scene_height, frame_width, frame_height)
    seen = np.zeros((scene_height, scene_width), bool)
    for window in windows:
        assert window.width == min(frame_width, scene_width)
        assert window.height == min(frame_height, scene_height)
        assert 0 <= window.column <= scene_width - window.width
        assert 0 <= window.row <= scene_height - window.height
        rows, columns = (
            slice(window.row, window.row + window.height),
            slice(window.column, window.column + window.width),
        )
        seen[rows, columns] = True
    assert seen.all()
    strips = -(-scene_width // frame_width)
    assert len(windows) == strips * -(-scene_height // frame_height)


def test_frames_go_down_a_scene_and_then_aside() -> None:
    order = [(window.column, window.row) for window in frame_windows(934, 723, 512, 512)]
    assert order == [(0, 0), (0, 211), (422, 0), (422, 211)]


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(0, 40), st.integers(0, 40), st.integers(1, 3)
)
def test_a_small_scene_fills_a_frame_as_numpy_pads(
    width: int, height: int, right: int, below: int, bands: int
) -> None:
    rng = np.random.default_rng(width * 100 + height)
    own = rng.integers(0, 9, (height, width, bands), np.uint8)
    grown = ((0, below), (0, right), (0, 0))
    for fit, mode in ((SceneFit.MIRROR, "symmetric"), (SceneFit.REPEAT, "wrap")):
        frame = extended(Frame(own, 8, nodata=3), width + right, height + below, fit)
        padded = np.pad(own, grown, mode=mode)  # type: ignore[call-overload]
        assert np.array_equal(frame.pixels, padded)
        holes, own_holes = frame.nodata_mask(), (own == 3).all(axis=2)
        found = np.zeros(padded.shape[:2], bool) if holes is None else holes
        assert np.array_equal(found, np.pad(own_holes, grown[:2], mode=mode))  # type: ignore[call-overload]


@pytest.mark.parametrize("fit", [SceneFit.CLIP, SceneFit.REFUSE])
def test_a_fit_that_makes_no_larger_frame_is_no_way_to_fill_one(fit: SceneFit) -> None:
    frame = Frame(np.zeros((2, 2, 1), np.uint8), 8)
    assert extended(frame, 2, 2, fit) is frame
    with pytest.raises(ValueError, match=fit):
        extended(frame, 3, 2, fit)
