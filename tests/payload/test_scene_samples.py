"""What a scene's samples mean, by what its file says of them; GDAL's masks are the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rasterio
from downpass.ground.quality import psnr
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.imager.frames import SceneFit, extended
from downpass.payload.imager.scenes import FrameWindow, Scene
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

NIR = getattr(ColorInterp, "nir", ColorInterp.cyan)  # GDAL has it since 3.10
SIDE = 48


def levels(bands: int, most: int, kind: str = "uint16", seed: int = 1) -> NDArray[np.integer]:
    """Return (bands, rows, columns) with every value from 1 to `most` likely."""
    samples = np.random.default_rng(seed).integers(1, most, (bands, SIDE, SIDE), endpoint=True)
    samples[:, 5, 5] = most
    return samples.astype(kind)


def save(
    path: Path,
    samples: NDArray[np.generic],
    mask: NDArray[np.bool_] | None = None,
    colours: Sequence[ColorInterp] = (),
    internal: bool = True,
    **profile: object,
) -> Path:
    bands, height, width = samples.shape
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=width,
            height=height,
            count=bands,
            dtype=samples.dtype,
            **profile,
        ) as dataset,
    ):
        if colours:
            dataset.colorinterp = colours
        dataset.write(samples)
        if mask is not None:
            dataset.write_mask(mask)
    return path


def gdal_holes(path: Path, bands: Sequence[int]) -> NDArray[np.bool_]:
    """Return (rows, columns, bands), True where GDAL has no data."""
    with rasterio.open(path) as dataset:
        return np.moveaxis(dataset.read_masks(list(bands)) == 0, 0, 2)


def holes_of(frame: Frame) -> NDArray[np.bool_]:
    holes = frame.holes()
    empty = np.zeros(frame.pixels.shape, np.bool_)
    return empty if holes is None else np.broadcast_to(holes, empty.shape)


HALF = np.add.outer(np.arange(SIDE), np.arange(SIDE)) > SIDE


@pytest.mark.parametrize("nodata", [65535, 0, 300])
def test_nodata_in_one_band_is_of_that_band(tmp_path: Path, nodata: int) -> None:
    samples = levels(3, 4095)
    samples[samples == nodata] = 7
    samples[2, :, :2] = nodata
    path = save(tmp_path / "s.tif", samples, nodata=nodata)
    with Scene(path) as scene:
        frame = scene.read(bit_depth=12)
        assert scene.content().bits == 12
        assert scene.shift(12) == 0
    assert np.array_equal(holes_of(frame), gdal_holes(path, [1, 2, 3]))
    assert np.array_equal(np.moveaxis(frame.pixels, 2, 0), samples)


@pytest.mark.parametrize("where", ["internal", "sidecar"])
def test_a_mask_is_where_there_is_no_data(tmp_path: Path, where: str) -> None:
    samples = levels(3, 255, "uint8")
    samples[:, 9, 9] = 0  # valid, and so is 255: no value is free
    path = save(tmp_path / "s.tif", samples, mask=~HALF, internal=where == "internal")
    assert (tmp_path / "s.tif.msk").exists() == (where == "sidecar")
    with Scene(path) as scene:
        frame = scene.read()
        part = scene.read(FrameWindow(3, 4, 20, 10), bands=[2])
    assert frame.nodata is None
    assert np.array_equal(holes_of(frame), gdal_holes(path, [1, 2, 3]))
    assert np.array_equal(holes_of(part)[..., 0], HALF[4:14, 3:23])


def test_what_lies_under_a_mask_has_no_say(tmp_path: Path) -> None:
    samples = levels(1, 1023)
    samples[:, HALF] = 60_000
    with Scene(save(tmp_path / "s.tif", samples, mask=~HALF)) as scene:
        assert scene.content().bits == 10
        assert scene.content().highest == 1023
        assert scene.read(bit_depth=8).bit_depth == 8
    with (
        Scene(save(tmp_path / "none.tif", samples, mask=np.zeros_like(HALF))) as scene,
        pytest.raises(InputError, match="every pixel is masked"),
    ):
        scene.read()


def by_band(path: Path, samples: NDArray[np.generic], masks: NDArray[np.bool_]) -> Path:
    """Write a scene with a mask for each band beside it, without GMF_PER_DATASET."""
    save(path, samples)
    beside = path.with_name(path.name + ".msk")
    planes = np.where(masks, 255, 0).astype(np.uint8)
    save(beside.with_suffix(".tif"), planes)
    with rasterio.open(beside.with_suffix(".tif"), "r+") as dataset:
        dataset.update_tags(**{f"INTERNAL_MASK_FLAGS_{band}": "0" for band in (1, 2, 3)})
    beside.with_suffix(".tif").rename(beside)
    return path


def test_a_mask_for_each_band(tmp_path: Path) -> None:
    masks = np.stack([~HALF, np.ones_like(HALF), HALF])
    path = by_band(tmp_path / "s.tif", levels(3, 4095), masks)
    expected = gdal_holes(path, [1, 2, 3])
    assert np.array_equal(expected, ~np.moveaxis(masks, 0, 2))
    with Scene(path) as scene:
        assert np.array_equal(holes_of(scene.read()), expected)
        assert np.array_equal(holes_of(scene.read(bands=[3, 1])), expected[..., [2, 0]])
    full = levels(3, 255, "uint8")
    full[:, 0, -1] = full[:, -1, 0] = 0
    masks[:, 0, -1] = masks[:, -1, 0] = True
    masks[:, 5, 5] = True
    with (
        Scene(by_band(tmp_path / "full.tif", full, masks)) as scene,
        pytest.raises(InputError, match="leave no value for nodata"),
    ):
        scene.read()


@pytest.mark.parametrize("bands", [3, 4])
def test_transparency_is_a_mask_and_no_depth(tmp_path: Path, bands: int) -> None:
    """GDAL sees an alpha band of 4; of 5 the file says it, and the mask is the same."""
    samples = levels(bands, 4095)
    alpha = np.where(HALF, 0, 65535).astype(np.uint16)[None]
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, NIR][:bands]
    path = save(
        tmp_path / "s.tif",
        np.concatenate([samples, alpha]),
        colours=(*colours, ColorInterp.alpha),
        photometric="RGB",
        alpha="YES",
    )
    with Scene(path) as scene:
        assert scene.band_numbers(None) == tuple(range(1, bands + 1))
        frame = scene.read(bands=[1, 2, 3], bit_depth=12)
        assert (frame.bit_depth, scene.shift(12, [1, 2, 3])) == (12, 0)
        assert scene.content([bands + 1]).bits == 16
        seen = scene.read(bands=[1, bands + 1])
    assert np.array_equal(holes_of(frame), np.repeat(HALF[..., None], 3, axis=2))
    if bands == 3:
        assert np.array_equal(holes_of(frame), gdal_holes(path, [1, 2, 3]))
    assert seen.bit_depth == 16
    assert seen.holes() is None  # the imager looks at it: a band like the others


def test_infrared_that_gdal_takes_for_transparency_is_a_band(tmp_path: Path) -> None:
    path = save(tmp_path / "s.tif", levels(4, 255, "uint8"), photometric="RGB", alpha="YES")
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("R", "G", "B", "NIR")
    with Scene(path) as scene:
        assert scene.band_numbers(None) == (1, 2, 3, 4)
        assert scene.read(bands=3).holes() is None


def test_flags_in_another_band_have_no_say(tmp_path: Path) -> None:
    samples = levels(4, 4095)
    samples[3] = 40_000  # a QA band
    with Scene(save(tmp_path / "s.tif", samples)) as scene:
        assert scene.content([1, 2, 3]).bits == 12
        assert scene.content(3).highest == 4095
        assert scene.content().bits == 16


def _stored(folder: Path, pixels: NDArray[np.integer], how: str) -> Path:
    path = folder / f"{how.replace(' ', '-')}.tif"
    match how.split():
        case ["NBITS", bits, kind]:
            return save(path, pixels.astype(kind), nbits=int(bits))
        case ["png"]:
            plane = np.ascontiguousarray(pixels[0].astype(np.uint16))
            path.write_bytes(imagecodecs.png_encode(plane))
            return path
        case [kind]:
            return save(path, pixels.astype(kind))
    raise AssertionError(how)


@pytest.mark.parametrize(
    ("most", "ways", "bits"),
    [
        (255, ["uint8", "uint16", "int16", "NBITS 12 uint16", "png"], 8),
        (100, ["uint8", "uint16", "int16", "NBITS 9 uint16", "png"], 8),
        (4095, ["uint16", "int16", "NBITS 12 uint16", "NBITS 14 uint16", "png"], 12),
        (1500, ["uint16", "int16", "NBITS 12 uint16", "png"], 11),
        (15, ["NBITS 4 uint8"], 4),
        (1, ["NBITS 1 uint8"], 1),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_a_picture_has_one_depth_and_one_peak_however_it_is_stored(
    tmp_path: Path, most: int, ways: list[str], bits: int
) -> None:
    pixels = levels(1, most)
    worse = np.minimum(pixels, most - 1)
    expected = 10 * np.log10((2**bits - 1) ** 2 / np.mean((pixels - worse.astype(float)) ** 2))
    for way in ways:
        with Scene(_stored(tmp_path, pixels, way)) as scene:
            frame = scene.read()
        assert frame.bit_depth == bits, way
        assert np.array_equal(frame.pixels[..., 0], pixels[0]), way
        seen = Frame(worse[0][..., None].astype(frame.pixels.dtype), bits)
        assert psnr(frame, seen) == pytest.approx(expected), way


def test_a_palette_has_no_levels(tmp_path: Path) -> None:
    path = save(tmp_path / "s.tif", levels(1, 12, "uint8"), photometric="PALETTE")
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {i: (i * 7 % 256, i, 9, 255) for i in range(256)})
    with Scene(path) as scene:
        with pytest.raises(InputError, match="band 1 holds indices of a palette"):
            scene.read()
        assert scene.read(palette=True).bit_depth == 8
        with pytest.raises(InputError, match="indices of a palette"):
            scene.read(palette=True, bit_depth=4)
        palette = scene.describe().palette
        assert palette is not None
        assert palette[3] == (21, 3, 9, 255)


def test_a_ramp_of_grey_is_no_palette(tmp_path: Path) -> None:
    path = save(tmp_path / "s.tif", levels(1, 255, "uint8"), photometric="PALETTE")
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {i: (i, i, i, 255) for i in range(256)})
    with Scene(path) as scene:
        assert scene.read().bit_depth == 8
        assert scene.describe().bands[0].colour == "gray"


@pytest.mark.parametrize(
    "kind", ["float32", "float64", "uint32", "int32", "int8", "complex64", "complex_int16"]
)
def test_samples_that_are_no_levels_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s.tif"
    with rasterio.open(path, "w", driver="GTiff", width=9, height=9, count=1, dtype=kind):
        pass
    with pytest.raises(InputError, match=rf"samples of type {kind}; allowed are uint8") as error:
        Scene(path)
    assert "\n" not in str(error.value)


@given(
    arrays(np.int16, (3, 6, 7), elements=st.integers(-2048, 2047)),
    st.sampled_from([-9999, -32768, 0, 5, 32767]),
    st.integers(1, 16),
)
def test_a_coarser_imager_keeps_every_hole_and_makes_none(
    tmp_path_factory: pytest.TempPathFactory,
    samples: NDArray[np.int16],
    nodata: int,
    depth: int,
) -> None:
    samples[0, 0, :2] = -2048, 2047
    samples[1, 3] = nodata
    path = save(tmp_path_factory.mktemp("scene") / "s.tif", samples, nodata=nodata)
    with Scene(path) as scene:
        shift = scene.shift(depth)
        frame = scene.read(bit_depth=depth)
    planes = np.moveaxis(frame.pixels, 2, 0)
    empty = samples == nodata
    assert np.array_equal(planes == nodata, empty)
    error = planes[~empty].astype(int) - (samples[~empty].astype(int) >> shift)
    highest = (1 << (frame.bit_depth - 1)) - 1
    assert set(np.unique(error)) <= ({0, -1} if nodata == highest else {0, 1})
    assert np.array_equal(holes_of(frame), gdal_holes(path, [1, 2, 3]))


def test_a_frame_larger_than_its_scene_has_the_mask_of_what_it_shows(tmp_path: Path) -> None:
    path = save(tmp_path / "s.tif", levels(2, 255, "uint8"), mask=~HALF)
    with Scene(path) as scene:
        frame = extended(scene.read(), SIDE + 7, SIDE + 5, SceneFit.MIRROR)
    expected = np.pad(HALF, ((0, 5), (0, 7)), mode="symmetric")
    assert frame.mask is not None
    assert np.array_equal(frame.mask, expected)
