"""`downpass codec` at the edges: odd options, files that would be replaced, odd metadata."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rasterio
from downpass.link.container.bitstream import tile_spans
from downpass.sim.cli import main
from downpass.sim.rate_distortion.measure import Speed
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

ROW, COLUMN = np.mgrid[:40, :50]
GREY = (120 + 60 * np.sin(ROW / 9) + 40 * np.cos(COLUMN / 7)).astype(np.uint8)
LOCAL = 'LOCAL_CS["engineering",UNIT["metre",1]]'
COMPOUND = (
    'COMPD_CS["mine",PROJCS["plane",GEOGCS["sphere",DATUM["D",SPHEROID["S",6370000,0]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Mercator_1SP"],'
    'PARAMETER["central_meridian",12],PARAMETER["scale_factor",1],PARAMETER["false_easting",0],'
    'PARAMETER["false_northing",0],UNIT["metre",1]],'
    'VERT_CS["height",VERT_DATUM["sea",2005],UNIT["metre",1]]]'
)


def codec(*arguments: object) -> int:
    return main(["codec", *map(str, arguments)])


def save(path: Path, samples: np.ndarray = GREY, **profile: object) -> Path:
    planes = samples if samples.ndim == 3 else samples[None]
    count, height, width = planes.shape
    size = {"count": count, "height": height, "width": width, "dtype": planes.dtype}
    with rasterio.open(path, "w", driver="GTiff", **size, **profile) as dataset:
        dataset.write(planes)
    return path


def coded(picture: Path, *options: object) -> Path:
    path = picture.with_suffix(".dpb")
    options = options or ("--codec", "jpegls", "--quality", 100)
    assert codec("encode", picture, path, *options) == 0
    return path


@pytest.mark.parametrize("crs", [LOCAL, COMPOUND], ids=["local", "compound"])
def test_reference_systems_whose_keyword_has_an_underscore_come_back(
    tmp_path: Path, crs: str
) -> None:
    place = rasterio.Affine(10, 0, 5e5, 0, -10, 4e6)
    picture = save(tmp_path / "in.tif", crs=CRS.from_wkt(crs), transform=place)
    out = tmp_path / "out.tif"
    assert codec("decode", coded(picture), out) == 0
    with rasterio.open(picture) as one, rasterio.open(out) as two:
        assert two.crs
        assert two.crs == one.crs
        assert two.transform == place


def test_a_control_point_that_is_nowhere_is_left_out(tmp_path: Path) -> None:
    corners = [(0, 0, 10, 50), (0, 50, 11, math.nan), (40, 0, math.inf, 49), (40, 50, 11, 49)]
    points = [GroundControlPoint(*corner, 0) for corner in corners]
    picture = save(tmp_path / "in.tif", gcps=points, crs="EPSG:4326")
    out = tmp_path / "out.tif"
    assert codec("decode", coded(picture), out) == 0
    with rasterio.open(out) as dataset:
        found, crs = dataset.gcps
    assert [(p.row, p.col, p.x, p.y) for p in found] == [corners[0], corners[3]]
    assert crs == CRS.from_epsg(4326)


def test_a_scale_that_overflows_is_refused_before_a_bitstream_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, out = save(tmp_path / "in.tif"), tmp_path / "out.dpb"
    with rasterio.open(picture, "r+") as dataset:
        dataset.scales = [1e308]
    options = ("--codec", "jpegls", "--quality", 100, "--bit-depth", 1)
    assert codec("encode", picture, out, *options) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{picture}: ")
    assert error.count("\n") == 1
    assert not out.exists()


def test_masked_indices_of_a_palette_may_change(tmp_path: Path) -> None:
    picture, out = tmp_path / "in.tif", tmp_path / "out.tif"
    mask = COLUMN < 10
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        save(picture, GREY // 16, photometric="PALETTE")
        with rasterio.open(picture, "r+") as dataset:
            dataset.write_colormap(1, {n: (n, 255 - n, 7, 255) for n in range(256)})
            dataset.write_mask(~mask)
    assert codec("decode", coded(picture), out) == 0
    with rasterio.open(out) as dataset:
        assert np.array_equal(dataset.read_masks(1) == 0, mask)
        assert np.array_equal(dataset.read(1)[~mask], (GREY // 16)[~mask])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--decoder", "nope"], "decoder 'nope': allowed is fast or full"),
        (["--threads", "0"], "threads 0: allowed is at least 1"),
        (["--like", "{in}"], "a PNG has no georeference"),
    ],
)
def test_options_of_decode_that_mean_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    picture, out = save(tmp_path / "in.tif"), tmp_path / "out.png"
    given = (one.format(**{"in": picture}) for one in arguments)
    assert codec("decode", coded(picture), out, *given) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_compare_refuses_a_decoder_that_nobody_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = save(tmp_path / "in.tif")
    cache = ("--cache", tmp_path / "cache")
    assert codec("compare", picture, "--codec", "jpegls", "--decoder", "nope", *cache) == 2
    assert "decoder 'nope': allowed is fast or full" in capsys.readouterr().err


def test_info_lists_bands_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = save(tmp_path / "in.tif", np.stack([GREY, GREY]))
    with rasterio.open(picture, "r+") as file:
        file.set_band_description(1, "red \x1b[31m edge")
        file.scales = (0.5, 1)
    bitstream = coded(picture)
    capsys.readouterr()
    assert codec("info", bitstream) == 0
    lines = capsys.readouterr().out.splitlines()
    first = next(line for line in lines if line.lstrip().startswith("1: name"))
    assert "\x1b" not in first
    assert first.split(", ")[2:] == ["scale 0.5", "offset 0"]


@pytest.mark.parametrize("nodata", [None, 0, 7])
def test_info_reports_a_nodata_value_of_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], nodata: int | None
) -> None:
    bitstream = coded(save(tmp_path / "in.tif", nodata=nodata))
    capsys.readouterr()
    assert codec("info", bitstream) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[1] for row in rows if row[0] == "nodata"] == (
        [] if nodata is None else [str(nodata)]
    )


def test_neither_a_bitstream_nor_a_codec_file_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = save(tmp_path / "in.tif")
    bitstream = coded(picture, "--codec", "student", "--quality", 80)
    ours = tmp_path / "ours.yaml"
    ours.write_text("name: command\n")
    kept = {path: path.read_bytes() for path in (bitstream, ours)}
    for arguments in (
        ("shrink", bitstream, bitstream, "--quality", 5),
        ("encode", picture, ours, "--codec", ours, "--quality", 5),
    ):
        capsys.readouterr()
        assert codec(*arguments) == 2
        assert "is the same file as" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in kept} == kept


def test_compare_writes_over_no_picture_and_into_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("rd.png", "rd-a.png"):
        (tmp_path / name).write_bytes(imagecodecs.png_encode(GREY))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    cache = ("--cache", tmp_path / "cache")
    for out, words in (
        (tmp_path, "a picture to compare with the name of a figure"),
        (tmp_path / "rd.png" / "deeper", "is no folder"),
    ):
        assert codec("compare", tmp_path, "--codec", "jpegls", "--out", out, *cache) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    assert {path: path.read_bytes() for path in before} == before


def test_a_comparison_says_why_a_codec_has_no_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = save(tmp_path / "in.tif")
    cache = ("--cache", tmp_path / "cache")
    assert codec("compare", picture, "--codec", "ccsds121", *cache) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "ccsds121: 1 of 1 have no BD-rate" in text
    assert codec("compare", picture, "--codec", "ccsds121", *cache, "--json") == 0
    means = json.loads(capsys.readouterr().out)["codecs"]["ccsds121"]["groups"]["all"]
    assert (means["images"], means["judged"], means["bd_rate_psnr_percent"]) == (1, 0, None)


def test_a_png_has_the_colours_of_the_bands_and_not_their_order(tmp_path: Path) -> None:
    planes = np.stack([GREY, GREY // 2, GREY // 3])
    picture, out = save(tmp_path / "in.tif", planes, photometric="MINISBLACK"), tmp_path / "out.png"
    with rasterio.open(picture, "r+") as dataset:
        dataset.colorinterp = (ColorInterp.green, ColorInterp.blue, ColorInterp.red)
    assert codec("decode", coded(picture), out) == 0
    pixels = imagecodecs.png_decode(out.read_bytes())
    for channel, band in enumerate((2, 0, 1)):
        assert np.array_equal(pixels[..., channel], planes[band])


@pytest.mark.parametrize(
    ("bands", "alpha", "status"),
    [(4, "NO", 2), (4, "YES", 0), (2, "NO", 2), (2, "YES", 0)],
    ids=["infrared", "rgba", "two", "grey-alpha"],
)
def test_no_band_becomes_the_transparency_of_a_png_by_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bands: int, alpha: str, status: int
) -> None:
    planes = np.stack([GREY // (n + 1) for n in range(bands)])
    kind = "RGB" if bands == 4 else "MINISBLACK"
    picture = save(tmp_path / "in.tif", planes, photometric=kind, alpha=alpha)
    numbers = map(str, range(1, bands + 1))
    lossless = ("--codec", "jpegls", "--quality", 100, "--bands", *numbers)
    out = tmp_path / "out.png"
    assert codec("decode", coded(picture, *lossless), out) == status
    if status:
        assert f"{bands} bands of uint8 samples do not fit a PNG" in capsys.readouterr().err
        assert not out.exists()
    else:
        assert np.array_equal(imagecodecs.png_decode(out.read_bytes())[..., -1], planes[-1])


def test_a_picture_counts_once_however_often_it_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = save(folder / "a.tif")
    (folder / "link.tif").symlink_to("a.tif")
    (folder / "._a.tif").write_bytes(b"a resource fork")
    (folder / "deeper.tif").mkdir()
    command = ("compare", folder, picture, "--codec", "jpegls", "--cache", tmp_path / "cache")
    assert codec(*command, "--json") == 0
    assert list(json.loads(capsys.readouterr().out)["images"]) == ["a"]


def test_a_bad_picture_is_refused_before_the_others_are_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.tif")
    (tmp_path / "b.tif").write_bytes(b"no picture")
    monkeypatch.setattr("downpass.sim.rate_distortion.compare.curve", None)
    cache = ("--cache", tmp_path / "cache")
    deep = save(tmp_path / "c.tiff", GREY.astype(np.uint16) * 257)
    for given, words in (
        ([tmp_path / "a.tif", tmp_path], "b.tif: not a raster"),
        (["x" * 300], "File name too long"),
        ([tmp_path / "a.tif", deep], "c.tiff: avif at bit depth 16: allowed are 1 to 12"),
    ):
        assert codec("compare", *given, "--codec", "avif", *cache) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["info", "decode", "shrink"])
def test_a_device_or_a_pipe_is_no_bitstream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    more = {"decode": [tmp_path / "out.png"], "shrink": [tmp_path / "out", "--bytes", 9]}
    for path in ("/dev/zero", tmp_path / "pipe"):
        assert codec(command, path, *more.get(command, [])) == 2
        error = capsys.readouterr().err
        assert error == f"{path}: found a pipe or a device; allowed: a file on disk\n"


def test_a_reference_system_without_a_form_in_geotiff_is_not_left_out_silently(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pole = CRS.from_proj4(
        "+proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=39 +lon_0=180 +R=6371229"
    )
    place = rasterio.Affine(0.01, 0, 5, 0, -0.01, 4)
    # GDAL writes the system beside the picture, and reads it from there.
    picture, out = save(tmp_path / "in.tif", crs=pole, transform=place), tmp_path / "out.tif"
    bitstream = coded(picture)
    capsys.readouterr()
    assert codec("decode", bitstream, out) == 0
    said = capsys.readouterr().err
    assert said.startswith(f"{out}: its coordinate reference system is left out")
    assert said.count("\n") == 1
    with rasterio.open(out) as dataset:
        assert (dataset.crs, dataset.transform) == (None, place)
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == ["out.tif"]


def test_control_points_without_a_reference_system_come_back(tmp_path: Path) -> None:
    picture, out = save(tmp_path / "in.tif"), tmp_path / "out.tif"
    (tmp_path / "in.tif.aux.xml").write_text(
        '<PAMDataset><GCPList Projection="">'
        '<GCP Id="1" Pixel="0" Line="0" X="10" Y="50"/>'
        '<GCP Id="2" Pixel="50" Line="40" X="11" Y="49" Z="3"/>'
        "</GCPList></PAMDataset>"
    )
    assert codec("decode", coded(picture), out) == 0
    with rasterio.open(out) as dataset:
        points, crs = dataset.gcps
    assert [(p.row, p.col, p.x, p.y, p.z) for p in points] == [
        (0, 0, 10, 50, 0),
        (40, 50, 11, 49, 3),
    ]
    assert not crs


@pytest.mark.parametrize("values", [(60, 70), (60, None)], ids=["two", "one-band"])
@pytest.mark.parametrize("name", ["jpegls", "student"])
def test_bands_may_have_different_nodata_values(
    tmp_path: Path, values: tuple[int | None, ...], name: str
) -> None:
    planes = np.stack([np.clip(GREY, 1, 250), np.clip(GREY // 2, 1, 250)])
    holes = np.stack([COLUMN < 9, ROW < 7 if values[1] else np.zeros_like(COLUMN, bool)])
    for plane, hole, value in zip(planes, holes, values, strict=True):
        if value is not None:
            plane[plane == value] += 1
            plane[hole] = value
    picture, out = save(tmp_path / "in.tif", planes), tmp_path / "out.tif"
    (tmp_path / "in.tif.aux.xml").write_text(
        "<PAMDataset>"
        + "".join(
            f'<PAMRasterBand band="{band}"><NoDataValue>{value}</NoDataValue></PAMRasterBand>'
            for band, value in enumerate(values, 1)
            if value is not None
        )
        + "</PAMDataset>"
    )
    bitstream = coded(picture, "--codec", name, "--quality", 100)
    assert codec("decode", bitstream, out) == 0
    with rasterio.open(picture) as one, rasterio.open(out) as two:
        assert np.array_equal(one.read_masks() == 0, holes)
        assert np.array_equal(two.read_masks() == 0, holes)
        error = np.abs(two.read().astype(int) - one.read())[~holes]
    assert error.max() <= (0 if name == "jpegls" else 6)


def test_an_output_may_have_the_name_of_a_codec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = save(tmp_path / "in.tif")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert codec("encode", picture, "jpegls", "--codec", "jpegls", "--quality", 90) == 0


def test_one_pixel_on_a_slow_machine_has_a_speed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "downpass.sim.rate_distortion.compare.speed", lambda *_: Speed(0.0002, 0.0004)
    )
    picture = save(tmp_path / "in.tif", GREY[:1, :1])
    command = ("compare", picture, "--codec", "jpegls", "--cache", tmp_path / "cache")
    assert codec(*command, "--json") == 0
    means = json.loads(capsys.readouterr().out)["codecs"]["jpegls"]
    assert (means["encode_mpx_s"], means["encode_speed_ratio"]) == (0.0002, 1)
    assert codec(*command) == 0
    assert "0.0002" in capsys.readouterr().out


def test_a_place_may_come_from_samples_that_no_codec_takes(tmp_path: Path) -> None:
    """An elevation model in metres, for example."""
    place = rasterio.Affine(10, 0, 5e5, 0, -10, 4e6)
    model = save(tmp_path / "dem.tif", GREY.astype(np.float32), crs="EPSG:32633", transform=place)
    picture, out = save(tmp_path / "in.tif"), tmp_path / "out.tif"
    assert codec("decode", coded(picture), out, "--like", model) == 0
    with rasterio.open(out) as dataset:
        assert (dataset.crs, dataset.transform) == (CRS.from_epsg(32633), place)


def test_of_many_lost_tiles_the_first_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bitstream = coded(save(tmp_path / "in.tif"), "--codec", "jpegls", "--bytes", 9999, "--tile", 4)
    data = bitstream.read_bytes()
    bitstream.write_bytes(data[: tile_spans(data)[0][1]])
    capsys.readouterr()
    assert codec("decode", bitstream, tmp_path / "out.tif") == 0
    said = capsys.readouterr().err
    assert said.startswith(f"{bitstream}: 130 of 130 tiles lost and concealed: 0, 1, 2, 3, ")
    assert said.endswith(", 98, 99 and 30 more\n")
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert dataset.tags()["DOWNPASS_LOST_TILES"] == " ".join(map(str, range(130)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (300, 2), (2000, 1)], ids=str)
@pytest.mark.parametrize("bands", [1, 2, 3])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_narrow_pictures_of_noise_become_a_png(
    tmp_path: Path, shape: tuple[int, int], bands: int, kind: type[np.integer]
) -> None:
    top = int(np.iinfo(kind).max) + 1
    noise = np.random.default_rng(7).integers(0, top, (bands, *shape)).astype(kind)
    profile = {"alpha": "YES"} if bands == 2 else {}
    picture, out = save(tmp_path / "in.tif", noise, **profile), tmp_path / "out.png"
    given = ("--codec", "jpegls", "--quality", 100, "--bands", *range(1, bands + 1))
    assert codec("decode", coded(picture, *given), out) == 0
    assert np.array_equal(np.atleast_3d(imagecodecs.imread(out)), np.moveaxis(noise, 0, 2))
