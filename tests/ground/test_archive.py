from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from downpass.ground.archive import write_cog
from downpass.ground.white_is_zero import counted_from_white
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.imager.scenes import FrameWindow, Scene

SCENES = Path(__file__).parents[2] / "scenarios" / "scenes"


@pytest.mark.parametrize("path", sorted(SCENES.glob("*.tif")), ids=lambda path: path.stem)
def test_a_frame_lies_where_its_window_lay(tmp_path: Path, path: Path) -> None:
    window = FrameWindow(40, 30, 150, 120)
    out = tmp_path / "frame.tif"
    with Scene(path) as scene:
        frame = scene.read(window, bit_depth=12)
        described = scene.describe(window, bit_depth=12)
        write_cog(out, frame, described, {"DOWNPASS_LOST_TILES": "3"})
        shift = scene.shift(12)
    with rasterio.open(path) as original, rasterio.open(out) as written:
        place = rasterio.windows.Window(40, 30, 150, 120)
        assert written.crs == original.crs
        assert written.transform.almost_equals(original.window_transform(place))
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert written.tags()["DOWNPASS_LOST_TILES"] == "3"
        assert np.array_equal(
            written.read() * (1 << shift), original.read(window=place) >> shift << shift
        )
        assert written.scales == (float(1 << shift),) * written.count
        assert rasterio.enums.ColorInterp.alpha not in written.colorinterp
    assert list(tmp_path.iterdir()) == [out]


def test_nodata_is_recorded_and_overviews_are_there(tmp_path: Path) -> None:
    pixels = np.arange(600 * 600, dtype=np.uint16).reshape(600, 600, 1)
    write_cog(tmp_path / "f.tif", Frame(pixels, 16, nodata=5))
    with rasterio.open(tmp_path / "f.tif") as written:
        assert written.nodata == 5
        assert written.overviews(1)
        assert np.array_equal(written.read(1), pixels[..., 0])


def test_an_older_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "f.tif"
    path.write_text("old")
    write_cog(path, Frame(np.ones((5, 5, 3), np.uint8), 8))
    with rasterio.open(path) as written:
        assert written.count == 3


def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    frame = Frame(np.ones((5, 5, 3), np.uint8), 8)
    with pytest.raises(InputError, match="cannot be written"):
        write_cog(tmp_path / "none" / "f.tif", frame)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="is no regular file"):
        write_cog(tmp_path / "folder", frame)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("big", ["YES", "NO"])
@pytest.mark.parametrize("order", ["LITTLE", "BIG"])
def test_white_is_zero_in_files_of_any_form(tmp_path: Path, big: str, order: str) -> None:
    path = tmp_path / "grey.tif"
    form: Any = {"BIGTIFF": big, "ENDIANNESS": order, "width": 64, "height": 48}
    samples = np.arange(64 * 48, dtype=np.uint16).reshape(1, 48, 64)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", driver="GTiff", count=1, dtype="uint16", **form) as dataset,
    ):
        dataset.write(samples)
        dataset.write_mask(samples[0] > 99)
        dataset.build_overviews([2])
    path.write_bytes(counted_from_white(path.read_bytes()))
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["MINISWHITE"] == "YES"
        assert np.array_equal(dataset.read(), samples)
        assert np.array_equal(dataset.read_masks(1) > 0, samples[0] > 99)
