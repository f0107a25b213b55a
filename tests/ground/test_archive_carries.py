"""What a scene's file says arrives in the delivered GeoTIFF: rasterio reads both ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from downpass.ground.archive import write_cog
from downpass.ground.decoders import decode
from downpass.link.container.bitstream import with_description
from downpass.link.container.description import Description
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder
from downpass.payload.imager.scenes import FrameWindow, Scene
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp as C
from rasterio.rpc import RPC
from rasterio.transform import Affine
from rasterio.windows import Window

NIR = getattr(C, "nir", C.cyan)  # GDAL has it since 3.10
HEIGHT, WIDTH = 60, 70
WINDOW = FrameWindow(11, 7, 40, 30)
UTM = CRS.from_epsg(32633)
RATIONAL = RPC(
    height_off=5,
    height_scale=500,
    lat_off=78.25,
    lat_scale=0.1,
    line_den_coeff=[1.0] + [0.0] * 19,
    line_num_coeff=[0.0, 0.1 + 0.2, -1.0] + [1e-9] * 17,
    line_off=30.5,
    line_scale=256,
    long_off=15,
    long_scale=0.1,
    samp_den_coeff=[1.0] + [0.0] * 19,
    samp_num_coeff=[0.0, 1.0] + [0.0] * 18,
    samp_off=33.25,
    samp_scale=256,
    err_bias=1.5,
    err_rand=0.5,
)
POINTS = [
    GroundControlPoint(r, c, 500_000 + 10 * c + r, 8_700_000 - 10 * r, 7.0)
    for r in (0.5, HEIGHT)
    for c in (0, WIDTH - 0.25)
]
MASK = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) > 55


def _meaning(dataset: Any) -> None:
    dataset.scales, dataset.offsets = (0.0001, 0.5, 2.0), (-0.1, 0.0, 3.0)
    dataset.descriptions = ("B02 blue", "B08", "B11 ß")
    dataset.units = ("reflectance", "K", "")
    dataset.colorinterp = (C.blue, NIR, C.undefined)


def _statistics(dataset: Any) -> None:
    dataset.update_tags(1, STATISTICS_MAXIMUM="1", STATISTICS_MEAN="1")


SCENES: dict[str, tuple[dict[str, Any], Callable[[Any], None]]] = {
    "transform": ({"crs": UTM, "transform": Affine(10, 0, 5e5, 0, -10, 8.7e6)}, _statistics),
    "rotated": ({"crs": UTM, "transform": Affine(9, 2, 5e5, 3, -8, 8.7e6)}, _meaning),
    "south up": ({"crs": UTM, "transform": Affine(10, 0, 5e5, 0, 10, 8.7e6)}, lambda _: None),
    "transform without a crs": ({"transform": Affine(2, 0, 1, 0, -2, 3)}, lambda _: None),
    "crs without a transform": ({"crs": UTM}, lambda _: None),
    "crs without a code": (
        {
            "crs": CRS.from_proj4("+proj=laea +lat_0=51.3 +lon_0=10 +ellps=GRS80 +units=m"),
            "transform": Affine(10, 0, 5e5, 0, -10, 8.7e6),
        },
        lambda _: None,
    ),
    "points of pixels": (
        {"crs": UTM, "transform": Affine(10, 0, 5e5, 0, -10, 8.7e6)},
        lambda dataset: dataset.update_tags(AREA_OR_POINT="Point"),
    ),
    "control points": ({"gcps": POINTS, "crs": UTM}, _meaning),
    "control points of pixels": (
        {"gcps": POINTS, "crs": UTM},
        lambda dataset: dataset.update_tags(AREA_OR_POINT="Point"),
    ),
    "rational polynomials": ({"rpcs": RATIONAL}, lambda _: None),
    "no place": ({}, _meaning),
    "colours": ({"photometric": "RGB"}, lambda _: None),
    "nodata": ({"nodata": 9}, lambda _: None),
    "mask": ({}, lambda dataset: dataset.write_mask(~MASK)),
    "twelve bits": ({"nbits": 12}, lambda _: None),
}


def scene_of(path: Path, kind: str) -> Path:
    profile, describe = SCENES[kind]
    samples = np.random.default_rng(4).integers(1, 4095, (3, HEIGHT, WIDTH)).astype(np.uint16)
    given = {"photometric": "MINISBLACK", "alpha": "NO", **profile}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path, "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=3, dtype="uint16", **given
        ) as dataset,
    ):
        describe(dataset)
        dataset.write(samples)
    return path


def same(scene: Path, delivered: Path, window: FrameWindow, factor: int = 1) -> None:
    """Hold what rasterio reads of the delivered file against what it reads of the scene."""
    place = Window(window.column, window.row, window.width, window.height)
    with rasterio.open(scene) as one, rasterio.open(delivered) as two:
        samples = one.read(window=place)
        assert np.array_equal(two.read_masks(), one.read_masks(window=place))
        seen = two.read_masks() > 0
        assert np.array_equal(two.read()[seen], samples[seen] // factor)
        assert two.nodata == one.nodata
        if one.transform == Affine.identity():
            assert two.transform == Affine.identity()
        else:
            assert two.transform.almost_equals(one.window_transform(place), 1e-9)
        assert two.crs == one.crs
        points, crs = one.gcps
        assert two.gcps[1] == crs
        assert [
            (p.row + window.row, p.col + window.column, p.x, p.y, p.z) for p in two.gcps[0]
        ] == [(p.row, p.col, p.x, p.y, p.z) for p in points]
        if one.rpcs is None:
            assert two.rpcs is None
        else:
            moved = one.rpcs.to_dict()
            moved["line_off"] -= window.row
            moved["samp_off"] -= window.column
            assert two.rpcs.to_dict() == moved
        assert two.descriptions == one.descriptions
        assert two.colorinterp == one.colorinterp
        assert [unit or "" for unit in two.units] == [unit or "" for unit in one.units]
        assert two.scales == tuple(scale * factor for scale in one.scales)
        assert two.offsets == one.offsets
        point = "AREA_OR_POINT"
        assert (two.tags().get(point) == "Point") == (one.tags().get(point) == "Point")
        assert not any("STATISTICS" in name for name in two.tags(1))
        if factor == 1:
            kind = {"ns": "IMAGE_STRUCTURE"}
            assert two.tags(1, **kind).get("NBITS") == one.tags(1, **kind).get("NBITS")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("window", [None, WINDOW], ids=["whole", "window"])
@pytest.mark.parametrize("kind", SCENES)
def test_what_the_file_says_arrives(tmp_path: Path, kind: str, window: FrameWindow | None) -> None:
    path, out = scene_of(tmp_path / "scene.tif", kind), tmp_path / "out.tif"
    codec = encoder("jpegls", 32)
    with Scene(path) as scene:
        frame, described = scene.read(window), scene.describe(window)
    bitstream = with_description(codec.encode(frame, Setting(quality=100)), described.pack())
    decoded = decode(bitstream)
    back = Description.unpack(decoded.header.description, 3)
    assert back == described
    write_cog(out, decoded.frame, back)
    same(path, out, window or FrameWindow(0, 0, WIDTH, HEIGHT))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("kind", ["rotated", "mask", "twelve bits"])
def test_a_coarser_imager_is_undone_by_the_scale(tmp_path: Path, kind: str) -> None:
    path, out = scene_of(tmp_path / "scene.tif", kind), tmp_path / "out.tif"
    with Scene(path) as scene:
        frame, described = scene.read(WINDOW, bit_depth=10), scene.describe(WINDOW, bit_depth=10)
    write_cog(out, frame, described)
    same(path, out, WINDOW, factor=4)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_what_is_carried_follows_the_bands(tmp_path: Path) -> None:
    path, out = scene_of(tmp_path / "scene.tif", "rotated"), tmp_path / "out.tif"
    with Scene(path) as scene:
        write_cog(out, scene.read(bands=[3, 1]), scene.describe(bands=[3, 1]))
    with rasterio.open(path) as one, rasterio.open(out) as two:
        assert two.descriptions == ("B11 ß", "B02 blue")
        assert two.scales == (one.scales[2], one.scales[0])
        assert two.colorinterp[1] == C.blue
        assert np.array_equal(two.read(2), one.read(1))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_palette_arrives_with_its_colours(tmp_path: Path) -> None:
    path, out = tmp_path / "scene.tif", tmp_path / "out.tif"
    table = {i: ((i * 7) % 256, (i * 13) % 256, (i * 29) % 256, 255) for i in range(256)}
    classes = (np.arange(400 * 300) // 70 % 12).reshape(1, 400, 300).astype(np.uint8)
    profile = {"width": 300, "height": 400, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", photometric="PALETTE", **profile) as dataset:
        dataset.write(classes)
        dataset.write_colormap(1, table)
    with Scene(path) as scene:
        write_cog(out, scene.read(palette=True), scene.describe())
    with rasterio.open(out) as dataset:
        assert dataset.colorinterp == (C.palette,)
        assert dataset.colormap(1) == table
        assert np.array_equal(dataset.read(), classes)
        small = dataset.read(1, out_shape=(200, 150))
        assert set(np.unique(small)) <= set(range(12))  # overviews have no classes between others


def test_a_reference_system_that_is_none_is_refused(tmp_path: Path) -> None:
    frame = Frame(np.ones((5, 5, 1), np.uint8), 8)
    for crs in ("EPSG:1", "PROJCS["):
        with pytest.raises(InputError, match="cannot be written") as error:
            write_cog(tmp_path / "f.tif", frame, replace(Description(), crs=crs))
        assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
