"""STAC items for the delivered pictures of a run, so that catalogues and viewers find them.

A collection has one item for each GeoTIFF. The item's place is that of the picture: the window of
the scene that stands in for the ground, and only as far as the scene itself reaches.

Sources: the SpatioTemporal Asset Catalog specification 1.0.0 and its extensions `view` 1.0.0, `sat`
1.0.0 and `projection` 2.0.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.transform import Affine, from_gcps
from rasterio.warp import transform_geom
from shapely.geometry.polygon import orient

from ...link.text import json_text
from ...payload.imager.raster import environment, open_raster
from ..contact_plans.contact import moment_text
from ..mission.views import View
from ..model.setup import Capture
from ..results.results import Results

COLLECTION: Final = "collection.json"
_VERSION: Final = "1.0.0"
_EXTENSIONS: Final = {
    "view": "https://stac-extensions.github.io/view/v1.0.0/schema.json",
    "sat": "https://stac-extensions.github.io/sat/v1.0.0/schema.json",
    "proj": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
}
_COG: Final = "image/tiff; application=geotiff; profile=cloud-optimized"
_EDGE: Final = 8
"""Parts of each edge of a footprint: the edges of a projected picture are curved on the globe."""


def write_stac(results: Results, pictures: Path, folder: Path) -> int:
    """Write the collection and an item for each picture.

    Args:
        results: Results of the run.
        pictures: Folder of the delivered pictures; items refer to it as `../NAME`.
        folder: An empty folder beside it.

    Returns:
        The number of items.
    """
    rows = {row["frame"]: row for row in results.frames.to_pylist()}
    captures = {
        capture.number: capture
        for satellite in results.mission.setup.satellites
        for capture in satellite.captures
    }
    items = []
    for path in sorted(pictures.glob("*.tif")):
        number = int(path.name.partition("-")[0])
        item = _item(results, rows[number], captures[number], path)
        (folder / f"{path.stem}.json").write_text(json_text(item) + "\n", encoding="utf-8")
        items.append(item)
    text = json_text(_collection(results, items))
    (folder / COLLECTION).write_text(text + "\n", encoding="utf-8")
    return len(items)


def _item(results: Results, row: Mapping[str, Any], capture: Capture, path: Path) -> dict[str, Any]:
    mission = results.mission
    scenario = mission.flight.scenario
    names = [satellite.name for satellite in scenario.satellites]
    index = names.index(row["satellite"])
    access = mission.flight.accesses[capture.access]
    begin, end = (
        moment_text(scenario.start + timedelta(microseconds=tick))
        for tick in (capture.start, capture.end)
    )
    place, projection = _footprint(path, mission.views[capture.number])
    properties = {
        "datetime": begin,
        "start_datetime": begin,
        "end_datetime": end,
        "platform": row["satellite"],
        "gsd": scenario.satellites[index].imager.gsd,
        "view:off_nadir": round(access.off_nadir_deg, 4),
        "view:sun_elevation": round(access.sun_elevation_deg, 4),
        "sat:orbit_state": _orbit_state(results, index, capture.start / 1e6),
        **projection,
        "downpass:frame": row["frame"],
        "downpass:target": row["target"],
        "downpass:latitude": row["latitude"],
        "downpass:longitude": row["longitude"],
        "downpass:scene": row["scene"],
        "downpass:codec": results.summary["codecs"][row["satellite"]],
        "downpass:encoded_bytes": row["encoded_bytes"],
        "downpass:delivery": row["delivery"],
        "downpass:lost_tiles": row["lost_tiles"],
        "downpass:undecodable_tiles": row["undecodable_tiles"],
        "downpass:wrong_tiles": row["wrong_tiles"],
        "downpass:psnr_db": _finite(row["psnr_db"]),
        "downpass:station": row["station"],
        "downpass:delivered": moment_text(
            scenario.start + timedelta(seconds=round(row["delivered_s"], 6))
        ),
    }
    return {
        "type": "Feature",
        "stac_version": _VERSION,
        "stac_extensions": list(_EXTENSIONS.values()),
        "id": path.stem,
        **place,
        "properties": properties,
        "links": [
            {"rel": rel, "href": f"./{COLLECTION}", "type": "application/json"}
            for rel in ("root", "parent", "collection")
        ],
        "assets": {
            "image": {
                "href": f"../{path.parent.name}/{path.name}",
                "type": _COG,
                "title": f"Frame {row['frame']} as it was decoded on the ground",
                "roles": ["data"],
            }
        },
        "collection": scenario.name,
    }


def _collection(results: Results, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    scenario = results.mission.flight.scenario
    boxes = [item["bbox"] for item in items if "bbox" in item]
    # A box that crosses the antimeridian has its west edge east of its east edge.
    crosses = any(box[0] > box[2] for box in boxes)
    whole = [-180.0, min(b[1] for b in boxes), 180.0, max(b[3] for b in boxes)] if boxes else []
    if boxes and not crosses:
        whole[0], whole[2] = min(b[0] for b in boxes), max(b[2] for b in boxes)
    return {
        "type": "Collection",
        "stac_version": _VERSION,
        "id": scenario.name,
        "description": scenario.description.strip()
        or f"Pictures that {scenario.name}, a simulation by downpass, delivered",
        "license": "proprietary",
        "extent": {
            "spatial": {"bbox": [whole or [-180.0, -90.0, 180.0, 90.0]]},
            "temporal": {"interval": [[moment_text(scenario.start), moment_text(scenario.end)]]},
        },
        "summaries": {
            "platform": sorted({item["properties"]["platform"] for item in items}),
            "gsd": sorted({item["properties"]["gsd"] for item in items}),
        },
        "links": [
            {"rel": "root", "href": f"./{COLLECTION}", "type": "application/json"},
            *(
                {"rel": "item", "href": f"./{item['id']}.json", "type": "application/geo+json"}
                for item in items
            ),
        ],
    }


def _footprint(path: Path, view: View) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return geometry with its box, and the projection's properties.

    A picture that says nothing of its place has no geometry, nor has one whose reference system
    is not tied to the Earth.
    """
    with environment(), open_raster(path) as picture:
        return _place(picture, view)


def _place(picture: Any, view: View) -> tuple[dict[str, Any], dict[str, Any]]:
    transform, crs, shape = picture.transform, picture.crs, list(picture.shape)
    points, points_crs = picture.gcps
    projection: dict[str, Any] = {"proj:shape": shape, "proj:code": None}
    if crs is None and points_crs is not None and _span(points):
        transform, crs = from_gcps(points), points_crs
    elif crs is not None:
        projection["proj:transform"] = list(transform)[:6]
    if crs is None or transform.is_degenerate:
        return {"geometry": None}, projection
    try:
        code = crs.to_epsg()
        if code is not None:
            projection["proj:code"] = f"EPSG:{code}"
        else:
            projection["proj:wkt2"] = crs.to_wkt()
    except CRSError:
        return {"geometry": None}, projection
    place = _on_earth(transform, crs, view)
    if place is None:
        return {"geometry": None}, projection
    box = _box(place)
    if not np.isfinite(box).all():  # beyond what the projection can show
        return {"geometry": None}, projection
    return {"geometry": place, "bbox": box}, projection


def _span(points: Sequence[Any]) -> bool:
    """Return whether control points give a picture's place; GDAL returns anything if they do not.

    Two points do if they lie in different rows and columns; more, if they are not on one line.
    """
    places = np.array([(point.col, point.row) for point in points]).reshape(-1, 2)
    spread = places - places[:1]
    if len(places) == 2:
        return bool(spread[1].all())
    return bool(np.linalg.matrix_rank(spread) == 2)


def _on_earth(transform: Affine, crs: CRS, view: View) -> dict[str, Any] | None:
    """Return the outline of a picture as GeoJSON, cut at the antimeridian.

    It is None if the reference system is not tied to the Earth.
    """
    steps = np.linspace(0.0, 1.0, _EDGE + 1)[:-1]
    outline = [
        *((step, 0.0) for step in steps),
        *((1.0, step) for step in steps),
        *((1.0 - step, 1.0) for step in steps),
        *((0.0, 1.0 - step) for step in steps),
    ]
    ring = [
        tuple(transform @ (column * view.own_width, row * view.own_height))
        for column, row in [*outline, outline[0]]
    ]
    shape = {"type": "Polygon", "coordinates": [ring]}
    try:
        found: dict[str, Any] = transform_geom(
            crs, "EPSG:4326", shape, antimeridian_cutting=True, precision=7
        )
    except Exception:  # errors of GDAL's own come through, which have no public class
        return None
    # Exterior rings run counter-clockwise (RFC 7946, section 3.1.6).
    outlined = (
        orient(shapely.geometry.shape(found))
        if found["type"] == "Polygon"
        else (shapely.MultiPolygon([orient(part) for part in shapely.geometry.shape(found).geoms]))
    )
    oriented: dict[str, Any] = shapely.geometry.mapping(outlined)
    return oriented


def _box(shape: Mapping[str, Any]) -> list[float]:
    """Return west, south, east and north; west is above east over the antimeridian."""
    parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    boxes = []
    for ring, *_ in parts:
        longitudes, latitudes = zip(*((x, y) for x, y, *_ in ring), strict=True)
        boxes.append((min(longitudes), min(latitudes), max(longitudes), max(latitudes)))
    south, north = min(b[1] for b in boxes), max(b[3] for b in boxes)
    eastern = [b for b in boxes if b[2] >= 180.0 - 1e-6]
    western = [b for b in boxes if b[0] <= -180.0 + 1e-6]
    if eastern and western and len(boxes) > 1:
        return [min(b[0] for b in eastern), south, max(b[2] for b in western), north]
    return [min(b[0] for b in boxes), south, max(b[2] for b in boxes), north]


def _orbit_state(results: Results, satellite: int, time_s: float) -> str:
    """Return whether the satellite flies north or south."""
    track = results.mission.flight.geometries[satellite].track
    row = int(np.clip(np.searchsorted(track.time_s, time_s), 1, len(track.time_s) - 1))
    north = track.latitude_deg[row] > track.latitude_deg[row - 1]
    return "ascending" if north else "descending"


def _finite(value: float | None) -> float | None:
    """Return a number that JSON can write; None for an infinite PSNR, which is exact, or NaN."""
    return value if value is not None and np.isfinite(value) else None
