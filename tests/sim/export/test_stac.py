"""STAC: a catalogue library reads the collection, and items are where their pictures are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pystac
import pytest
import rasterio
import shapely
from downpass.sim.export.stac import _box, _footprint, _on_earth
from downpass.sim.mission.views import View
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.sat import SatExtension
from pystac.extensions.view import ViewExtension
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform
from small_scenarios import downpass, lossy, satellite, scenario, write, write_scene


@dataclass(frozen=True)
class Ran:
    out: Path
    items: dict[int, pystac.Item]
    frames: dict[int, dict[str, Any]]
    collection: pystac.Collection


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("stac")
    write_scene(folder / "scene.tif")
    # The second satellite's frames are larger than the scene, which is mirrored beyond its edge.
    wide = satellite(name="wide")
    wide["imager"] = wide["imager"] | {"swath": "3.2 km", "frame_length": "2.56 km"}
    fast = {"transmitter": lossy(0.02) | {"rate": "1 Mbit/s"}}
    given = scenario(satellites=[satellite() | fast, wide | fast], duration="8 h")
    file = write(folder, given)
    out = folder / "out"
    said = downpass("run", file, "--out", out, "--no-tradeoff", "--quiet", "--cache", folder / "c")
    assert said.status == 0
    collection = pystac.Collection.from_file(str(out / "stac" / "collection.json"))
    return Ran(
        out,
        {item.properties["downpass:frame"]: item for item in collection.get_items()},
        {row["frame"]: row for row in pq.read_table(out / "frames.parquet").to_pylist()},
        collection,
    )


def test_each_picture_has_an_item_and_each_item_a_picture(ran: Ran) -> None:
    pictures = {path.name for path in (ran.out / "delivered").iterdir()}
    hrefs = {Path(item.assets["image"].get_absolute_href()) for item in ran.items.values()}
    assert {path.resolve() for path in hrefs} == {
        (ran.out / "delivered" / name).resolve() for name in pictures
    }
    assert len(pictures) >= 3
    listed = {link.href for link in ran.collection.links if link.rel == "item"}
    files = {path.name for path in (ran.out / "stac").iterdir()} - {"collection.json"}
    assert {Path(href).name for href in listed} == files


def test_items_say_what_the_tables_say(ran: Ran) -> None:
    for number, item in ran.items.items():
        row = ran.frames[number]
        assert item.id == f"{number:06d}-{row['satellite']}-{row['target']}"
        assert item.properties["platform"] == row["satellite"]
        assert item.properties["gsd"] == 20.0
        assert item.properties["downpass:delivery"] == row["delivery"]
        end = item.common_metadata.end_datetime
        start = json.loads((ran.out / "summary.json").read_text())["start"]
        assert (end - pystac.utils.str_to_datetime(start)).total_seconds() == row["capture_s"]
        assert ViewExtension.ext(item).off_nadir == row["off_nadir_deg"]
        assert SatExtension.ext(item).orbit_state in ("ascending", "descending")
        # The targets are far north, and so are the satellites.
        assert ViewExtension.ext(item).sun_elevation < 0


def test_places_are_those_of_the_pictures(ran: Ran) -> None:
    for item in ran.items.values():
        path = item.assets["image"].get_absolute_href()
        with rasterio.open(path) as picture:
            projection = ProjectionExtension.ext(item)
            assert projection.code == "EPSG:32629" == picture.crs.to_string()
            assert projection.shape == [picture.height, picture.width]
            assert projection.transform == list(picture.transform)[:6]
            width, height = picture.width, picture.height
            said = picture.tags().get("DOWNPASS_SCENE_PIXELS")
            if said:
                width, height = (int(word) for word in said.split()[::2][:2])
            corners = [picture.transform @ at for at in ((0, 0), (width, 0), (width, height))]
        x, y = zip(*corners, strict=True)
        longitudes, latitudes = transform("EPSG:32629", "EPSG:4326", x, y)
        shape = shapely.geometry.shape(item.geometry)
        assert shape.is_valid and shape.exterior.is_ccw
        for longitude, latitude in zip(longitudes, latitudes, strict=True):
            assert shape.boundary.distance(shapely.Point(longitude, latitude)) < 1e-6
        assert item.bbox == pytest.approx(shape.bounds)
        box = ran.collection.extent.spatial.bboxes[0]
        assert box[0] <= item.bbox[0] and item.bbox[2] <= box[2]


def test_frames_beyond_their_scene_end_where_it_does(ran: Ran) -> None:
    wide = [i for n, i in ran.items.items() if ran.frames[n]["satellite"] == "wide"]
    assert wide
    for item in wide:
        with rasterio.open(item.assets["image"].get_absolute_href()) as picture:
            assert picture.width * 20 > 128 * 20
            west, south, east, north = picture.bounds
        shape = shapely.geometry.shape(item.geometry)
        whole, _ = transform("EPSG:32629", "EPSG:4326", [west, east], [south, north])
        assert shape.bounds[2] < max(whole) - 1e-4


def test_the_antimeridian_cuts_an_item_in_two() -> None:
    """A picture of 40 km across 180 degrees at the equator, in UTM zone 1."""
    place = Affine(20.0, 0.0, 150_000.0, 0.0, -20.0, 20_000.0)
    shape = _on_earth(place, CRS.from_epsg(32601), View(2000, 1000, 1, 8))
    assert shape is not None and shape["type"] == "MultiPolygon"
    west, south, east, north = _box(shape)
    assert west > 179.0 and east < -179.0
    assert (180.0 - west) + (east + 180.0) == pytest.approx(40_000 / 111_320, rel=0.01)
    assert south < north
    assert all(shapely.Polygon(part[0]).exterior.is_ccw for part in shape["coordinates"])


def test_a_picture_without_a_place_has_an_item_without_one(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif", crs=None, transform=None)
    file = write(tmp_path, scenario(duration="3 h"))
    out = tmp_path / "out"
    common = ("--no-tradeoff", "--quiet", "--cache", tmp_path / "c")
    assert downpass("run", file, "--out", out, *common).status == 0
    (first, *_) = pystac.Collection.from_file(str(out / "stac/collection.json")).get_items()
    assert first.geometry is None and first.bbox is None
    # A later run replaces the folder with its items, and one without pictures has none.
    assert downpass("run", file, "--out", out, "--no-delivered", *common).status == 0
    assert not (out / "stac").exists()
    (out / "stac").mkdir()
    (out / "stac" / "mine.txt").write_text("mine")
    said = downpass("run", file, "--out", out, *common)
    assert said.status == 2
    assert "holds stac/mine.txt, which no run has written" in said.err


MOON = (
    'GEOGCS["Moon",DATUM["Moon",SPHEROID["Moon",1737400,0]],PRIMEM["Reference_Meridian",0],'
    'UNIT["degree",0.0174532925199433]]'
)


@pytest.mark.parametrize(
    "profile",
    [
        {"crs": 'LOCAL_CS["engineering",UNIT["metre",1]]', "transform": Affine.scale(10)},
        {"crs": MOON, "transform": Affine(0.001, 0, 15, 0, -0.001, 78)},
        {"crs": "EPSG:4326", "gcps": [GroundControlPoint(9, 9, 15, 78)] * 3},
        {"crs": "EPSG:4326", "gcps": [GroundControlPoint(n, 2 * n, 15, 78 + n) for n in range(4)]},
    ],
    ids=["local", "moon", "one-point", "one-line"],
)
def test_a_place_that_is_none_on_earth_is_left_out(tmp_path: Path, profile: dict[str, Any]) -> None:
    size = {"width": 8, "height": 8, "count": 1, "dtype": "uint8"}
    path = tmp_path / "frame.tif"
    with rasterio.open(path, "w", driver="GTiff", **size, **profile):
        pass
    place, projection = _footprint(path, View(8, 8, 1, 8))
    assert place == {"geometry": None}
    assert projection["proj:shape"] == [8, 8]


@pytest.mark.parametrize("corners", [[(0, 0), (8, 8)], [(0, 0), (8, 0), (0, 8)]])
def test_two_or_three_control_points_place_a_picture(
    tmp_path: Path, corners: list[tuple[int, int]]
) -> None:
    """A degree is 8 pixels, from 15 degrees east and 78 degrees north on."""
    points = [GroundControlPoint(row, col, 15 + col / 8, 78 - row / 8) for row, col in corners]
    size = {"width": 8, "height": 8, "count": 1, "dtype": "uint8"}
    path = tmp_path / "frame.tif"
    with rasterio.open(path, "w", driver="GTiff", **size, crs="EPSG:4326", gcps=points):
        pass
    place, _ = _footprint(path, View(8, 8, 1, 8))
    assert place["bbox"] == pytest.approx([15, 77, 16, 78])
