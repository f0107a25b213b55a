"""`downpass codec` with files that say more than samples: it comes back, or is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rasterio
from downpass.link.container.bitstream import read_header, with_description
from downpass.link.container.description import Description
from downpass.sim.cli import main
from PIL import Image
from rasterio.enums import ColorInterp

SIDE = 200
Y, X = np.mgrid[:SIDE, :SIDE]
LEVELS = (2000 + 900 * np.sin(X / 21) * np.cos(Y / 33) + (X * Y) % 61).astype(np.uint16)
MASK = X + Y > SIDE


def codec(*arguments: object) -> int:
    return main(["codec", *map(str, arguments)])


def save(path: Path, samples: np.ndarray, **profile: object) -> Path:
    given = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 8.7e6)}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=samples.shape[2],
        height=samples.shape[1],
        count=samples.shape[0],
        dtype=samples.dtype,
        **{**given, **profile},
    ) as dataset:
        dataset.write(samples)
    return path


@pytest.fixture
def reflectance(tmp_path: Path) -> Path:
    path = save(tmp_path / "in.tif", np.stack([LEVELS, LEVELS // 2, LEVELS // 3]), nodata=0)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4, 2e-4, 3e-4), (-0.1, 0.0, 0.5)
        dataset.descriptions = ("B02 blue", "B03 green", "B04 red")
        dataset.colorinterp = (ColorInterp.blue, ColorInterp.green, ColorInterp.red)
    return path


def test_a_shallower_depth_is_said_and_undone(
    reflectance: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coded, out = tmp_path / "a.dpb", tmp_path / "out.tif"
    lossless = ("--codec", "jpegls", "--quality", 100)
    assert codec("encode", reflectance, coded, *lossless, "--bit-depth", 9, "--bands", 3, 1) == 0
    said = capsys.readouterr().out
    assert "samples of 12 bits lose the lowest 3; the decoded bands' scale is 8 times" in said
    assert codec("decode", coded, out) == 0
    with rasterio.open(reflectance) as one, rasterio.open(out) as two:
        assert two.descriptions == ("B04 red", "B02 blue")
        assert two.colorinterp == (ColorInterp.red, ColorInterp.blue)
        assert (two.crs, two.transform, two.nodata) == (one.crs, one.transform, one.nodata)
        for band, own in ((1, 3), (2, 1)):
            meant = one.read(own) * one.scales[own - 1] + one.offsets[own - 1]
            found = two.read(band) * two.scales[band - 1] + two.offsets[band - 1]
            assert 0 <= (meant - found).max() < 8 * one.scales[own - 1]
    capsys.readouterr()
    assert codec("info", coded, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["description"]["crs"] == "EPSG:32633"
    assert told["description_bytes"] > 0


@pytest.mark.parametrize("rate", [("--bytes", 2500), ("--bpp", 0.5)])
def test_what_the_file_says_counts_into_a_budget(
    reflectance: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rate: tuple[str, float],
) -> None:
    coded = tmp_path / "a.dpb"
    assert codec("encode", reflectance, coded, "--codec", "jpegxl", *rate) == 0
    assert 2000 < coded.stat().st_size <= 2500
    assert codec("encode", reflectance, coded, "--codec", "jpegxl", "--bytes", 90) == 2
    error = capsys.readouterr().err
    assert "of which say what the file says of the scene" in error
    assert error.count("\n") == 1
    smallest = re.search(r"a budget of 90 bytes .* can make is (\d+) bytes", error)
    assert smallest
    least = int(smallest[1])
    assert codec("encode", reflectance, coded, "--codec", "jpegxl", "--bytes", least - 1) == 2
    assert codec("encode", reflectance, coded, "--codec", "jpegxl", "--bytes", least) == 0
    assert coded.stat().st_size == least


@pytest.mark.parametrize("name", ["jpeg2000", "jpegxl", "jpegls", "ccsds121", "student"])
def test_nodata_of_one_band_and_masks_come_back(tmp_path: Path, name: str) -> None:
    """Through every codec: GDAL's masks of what is decoded are those of the scene."""
    samples = np.stack([LEVELS, LEVELS // 2, LEVELS // 3])
    samples[2, :, :3] = 65535
    samples[:, 150:] = 65535
    samples[0, 20:40, 60:90] = 65535
    first = save(tmp_path / "nodata.tif", samples, nodata=65535)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        second = save(tmp_path / "mask.tif", samples // 257)
        with rasterio.open(second, "r+") as dataset:
            dataset.write_mask(~MASK)
    rate = 40 if name == "student" else 100
    for path in (first, second):
        coded, out = tmp_path / "a.dpb", tmp_path / "out.tif"
        options = ("--codec", name, "--quality", rate, "--tile", 64)
        assert codec("encode", path, coded, *options) == 0
        assert codec("decode", coded, out) == 0
        with rasterio.open(path) as one, rasterio.open(out) as two:
            valid = one.read_masks() > 0
            assert np.array_equal(two.read_masks() > 0, valid)
            error = np.abs(two.read().astype(int) - one.read())[valid]
            assert error.max() == 0 if name != "student" else error.mean() < 60


def test_a_mask_becomes_the_transparency_of_a_png(tmp_path: Path) -> None:
    coded, out = tmp_path / "a.dpb", tmp_path / "out.png"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = save(tmp_path / "in.tif", np.stack([LEVELS % 256] * 3).astype(np.uint8))
        with rasterio.open(path, "r+") as dataset:
            dataset.write_mask(~MASK)
    assert codec("encode", path, coded, "--codec", "jpegxl", "--quality", 100) == 0
    assert codec("decode", coded, out) == 0
    pixels = imagecodecs.png_decode(out.read_bytes())
    assert np.array_equal(pixels[..., 3] == 0, MASK)
    assert np.array_equal(pixels[~MASK][:, 1], (LEVELS % 256)[~MASK])
    # And from there on: transparency is a mask again.
    assert codec("encode", out, coded, "--codec", "jpegxl", "--quality", 100) == 0
    header = read_header(coded.read_bytes())[0]
    assert (header.bands, header.masks, header.nodata) == (3, True, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--codec", "jpeg2000", "--bpp", 0.15), "band 1 holds indices of a palette"),
        (("--codec", "student", "--quality", 100), "student changes some"),
        (("--codec", "jpegls", "--quality", 100, "--bit-depth", 4), "indices of a palette"),
        (("--codec", "jpegls", "--quality", 100), None),
        (("--codec", "jpegxl", "--quality", 100), None),
    ],
)
def test_indices_of_a_palette_are_coded_exactly_or_not_at_all(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[object, ...],
    words: str | None,
) -> None:
    coded, out = tmp_path / "a.dpb", tmp_path / "out.tif"
    classes = ((X // 23 + 3 * (Y // 31)) % 12 * 20).astype(np.uint8)[None]
    path = save(tmp_path / "in.tif", classes, photometric="PALETTE")
    table = {i: ((i * 7) % 256, (i * 13) % 256, (i * 29) % 256, 255) for i in range(256)}
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, table)
    status = codec("encode", path, coded, *options)
    if words is not None:
        error = capsys.readouterr().err
        assert (status, error.count("\n")) == (2, 1)
        assert words in error
        assert not coded.exists()
        assert codec("compare", path, "--codec", "jpegls", "--cache", tmp_path / "cache") == 2
        return
    assert status == 0
    assert codec("decode", coded, out) == 0
    with rasterio.open(out) as dataset:
        assert np.array_equal(dataset.read(), classes)
        assert dataset.colormap(1) == table


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("jpeg2000", 4),
        ("jpeg2000", 1),
        ("jpegxl", 4),
        ("jpegxl", 1),
        ("jpegls", 4),
        ("jpegls", 1),
        ("ccsds121", 1),
    ],
)
def test_few_bits_come_back_as_few(tmp_path: Path, name: str, bits: int) -> None:
    coded, out = tmp_path / "a.dpb", tmp_path / "out.tif"
    samples = (LEVELS % (1 << bits)).astype(np.uint8)[None]
    path = save(tmp_path / "in.tif", samples, nbits=bits)
    assert codec("encode", path, coded, "--codec", name, "--quality", 100) == 0
    assert read_header(coded.read_bytes())[0].bit_depth == bits
    assert codec("decode", coded, out) == 0
    with rasterio.open(out) as dataset:
        assert np.array_equal(dataset.read(), samples)
        assert dataset.tags(1, ns="IMAGE_STRUCTURE")["NBITS"] == str(bits)


def test_a_damaged_description_is_refused_in_one_line(
    reflectance: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coded = tmp_path / "a.dpb"
    assert codec("encode", reflectance, coded, "--codec", "jpegls", "--quality", 80) == 0
    coded.write_bytes(with_description(coded.read_bytes(), b"no description"))
    capsys.readouterr()
    for command in (("decode", coded, tmp_path / "out.tif"), ("info", coded)):
        assert codec(*command) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"{coded}: the header's description of the scene: ")
        assert error.count("\n") == 1
    assert not (tmp_path / "out.tif").exists()


def test_a_place_from_another_raster_leaves_the_rest(reflectance: Path, tmp_path: Path) -> None:
    coded, out = tmp_path / "a.dpb", tmp_path / "out.tif"
    like = save(
        tmp_path / "like.tif",
        LEVELS[None],
        crs="EPSG:3857",
        transform=rasterio.Affine(3, 0, 1, 0, -3, 2),
    )
    assert codec("encode", reflectance, coded, "--codec", "jpegls", "--quality", 100) == 0
    assert codec("decode", coded, out, "--like", like) == 0
    with rasterio.open(out) as dataset:
        assert dataset.crs.to_epsg() == 3857
        assert dataset.transform.a == 3
        assert dataset.scales == (1e-4, 2e-4, 3e-4)


@pytest.mark.parametrize(
    ("bits", "profile"),
    [(8, {}), (8, {"nodata": 0}), (4, {"NBITS": 4}), (1, {"NBITS": 1}), (16, {})],
    ids=["8 bits", "nodata", "4 bits", "1 bit", "16 bits"],
)
@pytest.mark.parametrize("size", [SIDE, 2 * SIDE], ids=["", "with overviews"])
def test_samples_that_grow_from_white_to_black_keep_their_look(
    tmp_path: Path, bits: int, profile: dict[str, object], size: int
) -> None:
    kind = np.uint16 if bits > 8 else np.uint8
    samples = np.resize(LEVELS >> 12 - min(bits, 12), (1, size, size)).astype(kind)
    path = save(tmp_path / "in.tif", samples, photometric="MINISWHITE", **profile)
    coded, out, png = tmp_path / "a.dpb", tmp_path / "out.tif", tmp_path / "out.png"
    assert codec("encode", path, coded, "--codec", "jpegls", "--quality", 100) == 0
    assert codec("decode", coded, out) == codec("decode", coded, png) == 0
    with rasterio.open(path) as one, rasterio.open(out) as two:
        assert np.array_equal(one.read(), two.read())
        assert two.tags(ns="IMAGE_STRUCTURE")["MINISWHITE"] == "YES"
        assert two.nodata == one.nodata
    with Image.open(path) as one, Image.open(out) as two:  # Pillow turns them into levels
        assert two.tag_v2[262] == 0
        assert np.array_equal(np.asarray(one), np.asarray(two))
    with Image.open(png) as picture:
        level = np.asarray(picture if bits > 8 else picture.convert("L"))
    assert np.array_equal(level, (1 << bits) - 1 - samples[0].astype(int))
    assert codec("encode", path, coded, "--codec", "jpeg2000", "--quality", 50) == 0


def test_only_the_first_band_can_grow_from_white_to_black(tmp_path: Path) -> None:
    samples = np.stack([LEVELS, LEVELS // 2])
    path = save(tmp_path / "in.tif", samples, photometric="MINISWHITE", alpha="NO")
    coded, out = tmp_path / "a.dpb", tmp_path / "out.tif"
    lossless = ("--codec", "jpegls", "--quality", 100, "--bands")
    for bands in ((2,), (1, 2)):
        assert codec("encode", path, coded, *lossless, *bands) == codec("decode", coded, out) == 0
        with rasterio.open(out) as decoded:
            white = decoded.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES"
            assert white == (bands[0] == 1)
            assert np.array_equal(decoded.read(), samples[[band - 1 for band in bands]])


@pytest.mark.parametrize("nodata", [None, 0])
def test_what_is_said_of_transparency_is_what_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], nodata: int | None
) -> None:
    planes = np.stack([np.where(X < 9, 0, LEVELS >> 4)] * 3 + [np.where(MASK, 0, 255)])
    profile = {"photometric": "RGB", "alpha": "YES", "nodata": nodata}
    path = save(tmp_path / "in.tif", planes.astype(np.uint8), **profile)
    coded, out = tmp_path / "a.dpb", tmp_path / "out.tif"
    assert codec("encode", path, coded, "--codec", "jpegls", "--quality", 100) == 0
    assert codec("decode", coded, out) == 0
    said = capsys.readouterr().out
    with rasterio.open(path) as one, rasterio.open(out) as two:
        assert np.array_equal(one.read_masks(1), two.read_masks(1))
        holes = two.read_masks(1) == 0
    if nodata is None:
        assert "band 4 is transparency; where it is 0 there is no data" in said
        assert np.array_equal(holes, MASK)
    else:
        assert "band 4 is transparency; nodata or a mask counts instead" in said
        assert np.array_equal(holes, X < 9)


@pytest.mark.parametrize("what", ["descriptions", "units", "system"])
def test_names_that_are_not_utf_8_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    system = 'LOCAL_CS["QQQQ",UNIT["metre",1]]' if what == "system" else "EPSG:32633"
    path = save(tmp_path / "in.tif", LEVELS[None], crs=system)
    if what != "system":
        with rasterio.open(path, "r+") as dataset:
            setattr(dataset, what, ("QQQQ",))
    data = path.read_bytes()
    assert b"QQQQ" in data
    path.write_bytes(data.replace(b"QQQQ", "µm C".encode("latin-1")))
    lossless = ("--codec", "jpegls", "--quality", 100)
    assert codec("encode", path, tmp_path / "a.dpb", *lossless) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"scene {path}: ")
    assert "not UTF-8; allowed: UTF-8" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("bits", [1, 16])
def test_declared_bits_that_the_samples_belie_make_no_picture_fail(
    tmp_path: Path, bits: int
) -> None:
    samples = (LEVELS >> 4).astype(np.uint8)[None]
    path, coded, png = save(tmp_path / "in.tif", samples), tmp_path / "a.dpb", tmp_path / "a.png"
    assert codec("encode", path, coded, "--codec", "jpegls", "--quality", 100) == 0
    told = Description(declared_bits=bits, white_is_zero=True).pack()
    coded.write_bytes(with_description(coded.read_bytes(), told))
    assert codec("decode", coded, png) == codec("decode", coded, tmp_path / "out.tif") == 0
    most = min((1 << bits) - 1, 255)
    assert np.array_equal(imagecodecs.imread(png), most - np.minimum(samples[0], most))
