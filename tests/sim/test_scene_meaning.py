"""Runs with scenes whose files say more than samples; rasterio reads both ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from downpass.ground.quality import quality
from downpass.link.container.frame import Frame
from downpass.sim.frames.crops import _stretched
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.windows import Window
from small_scenarios import downpass, pixels, satellite, scenario, write, write_scene

NIR = getattr(ColorInterp, "nir", ColorInterp.cyan)  # GDAL has it since 3.10
POINTS = [
    GroundControlPoint(row, column, 500_000 + 20 * column, 4_400_000 - 20 * row, 0.0)
    for row in (0, 96)
    for column in (0, 128)
]
OPTIONS = ("--quiet", "--no-tradeoff")


def one_satellite(depth: int = 10, **changes: Any) -> dict[str, Any]:
    given = satellite()
    return satellite(
        imager=given["imager"] | {"bit_depth": depth},
        codec={"name": "jpegls", "quality": 100, "tile": 32},
        transmitter={"rate": "1 Mbit/s"},
        **changes,
    )


def test_delivered_frames_mean_what_their_scene_means(tmp_path: Path) -> None:
    """A mask, control points, names, scales, colours; bands 3 and 1 of it, with 10 of 12 bits."""
    planes = np.maximum(pixels(), 1)
    planes[1] = 65_535  # a band of flags that the imager does not see
    hidden = np.add.outer(np.arange(96), np.arange(128)) < 90
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        scene = write_scene(
            tmp_path / "scene.tif", planes, nodata=None, transform=None, gcps=POINTS
        )
        with rasterio.open(scene, "r+") as file:
            file.write_mask(~hidden)
            file.scales, file.offsets = (0.5, 1.0, 0.25), (3.0, 0.0, -1.0)
            file.descriptions = ("blue", "flags", "nir")
            file.colorinterp = (ColorInterp.blue, ColorInterp.undefined, NIR)
    one = one_satellite()
    one["imager"]["bands"] = [3, 1]
    path = write(tmp_path, scenario(satellites=[one]))
    out = tmp_path / "out"
    said = downpass("run", path, "--out", out, "--cache", tmp_path / "cache", *OPTIONS)
    assert said.status == 0, said.err
    delivered = sorted((out / "delivered").iterdir())
    assert len(delivered) > 3
    rows = {row["frame"]: row for row in pq.read_table(out / "frames.parquet").to_pylist()}
    seen_masks = 0
    for name in delivered:
        with rasterio.open(name) as file, rasterio.open(scene) as whole:
            first = file.gcps[0][0]
            place = Window(-first.col, -first.row, file.width, file.height)
            samples = whole.read([3, 1], window=place)
            valid = whole.read_masks([3, 1], window=place) > 0
            assert file.gcps[1] == whole.gcps[1]
            assert np.array_equal(file.read_masks() > 0, valid)
            assert np.array_equal(file.read()[valid], samples[valid] >> 2)
            assert (file.scales, file.offsets) == ((1.0, 2.0), (-1.0, 3.0))
            assert file.descriptions == ("nir", "blue")
            assert file.colorinterp == (NIR, ColorInterp.blue)
        seen_masks += not valid.all()
        assert rows[int(name.name[:6])]["bit_depth"] == 10
    assert seen_masks


def test_bits_that_are_not_seen_are_reported(tmp_path: Path) -> None:
    """Flags of 16 bits in a band that no imager sees do not count; 12 bits before 10 do."""
    planes = np.maximum(pixels(), 1)
    planes[1], planes[0, 50, 50] = 65_535, 4095
    write_scene(tmp_path / "scene.tif", planes)
    path = write(tmp_path, scenario(satellites=[one_satellite(10), one_satellite(12, name="b")]))
    said = downpass("validate", path)
    assert said.status == 0
    assert said.err.count("note:") == 1
    assert (
        "satellites.0.imager.bit_depth: found 10 bits, and samples of 12 in scene.tif; " in said.err
    )
    assert "the lowest 2 are not seen, and delivered frames have 4 times the scale" in said.err


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"photometric": "PALETTE"}, "band 1 holds indices of a palette"),
        ({"driver": "VRT"}, "found a VRT"),
        ({"dtype": "float32"}, "samples of type float32"),
    ],
    ids=["palette", "vrt", "float"],
)
def test_a_scene_that_cannot_be_one_is_refused_where_it_is_named(
    tmp_path: Path, profile: dict[str, Any], words: str
) -> None:
    scene, profile = tmp_path / "scene.tif", dict(profile)
    if profile.get("driver") == "VRT":
        scene.write_text("<VRTDataset rasterXSize='9' rasterYSize='9'></VRTDataset>")
    else:
        kind = profile.pop("dtype", "uint8")
        write_scene(scene, (pixels(bands=1) % 16).astype(kind), **profile)
        if "photometric" in profile:
            with rasterio.open(scene, "r+") as file:
                file.write_colormap(1, {i: (i, 0, 255 - i, 255) for i in range(256)})
    one = one_satellite(8)
    one["imager"]["bands"] = [1]
    path = write(tmp_path, scenario(satellites=[one]))
    said = downpass("run", path, "--out", tmp_path / "out", "--cache", tmp_path / "c", *OPTIONS)
    assert said.status == 2
    assert all(line.startswith(f"{path}:") for line in said.err.splitlines())
    assert f"targets.0.scenes.0: scene {scene}: {words}" in said.err
    assert not (tmp_path / "out").exists()


def test_pictures_are_stretched_by_what_was_seen() -> None:
    """Nodata of 65535 in half of a 12-bit frame: black there, and the rest as without it."""
    planes = np.moveaxis(pixels(), 0, 2)
    planes = np.maximum(planes, 1)
    holed = planes.copy()
    holed[:, 64:] = 65_535
    expected, _ = _stretched(Frame(planes[:, :64], 12), Frame(planes[:, :64], 12), (0, 1, 2))
    frame = Frame(holed, 12, nodata=65_535)
    before, after = _stretched(frame, frame, (0, 1, 2))
    assert np.array_equal(before[:, :64], expected)
    assert np.array_equal(after, before)
    assert not before[:, 64:].any()


def test_scattered_holes_leave_ms_ssim_a_number() -> None:
    """One hole in every 16 x 16 pixels leaves no coarse window: fewer scales, and a number."""
    rng = np.random.default_rng(2)
    plain = rng.integers(1, 255, (256, 256, 1)).astype(np.uint8)
    plain[8::24, 8::24] = 0
    worse = np.clip(plain.astype(int) + rng.integers(-9, 9, plain.shape), 1, 255).astype(np.uint8)
    found = quality(Frame(plain, 8, nodata=0), Frame(worse, 8, nodata=0))
    assert 0.9 < found.ms_ssim < 1
