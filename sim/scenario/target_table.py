"""Read targets from a file: GeoJSON, CSV, and with GDAL's vector drivers GeoPackage and KML.

    file ──► features: geometry and attributes ──► targets, as `targets:` would list them

GeoJSON is RFC 7946: longitude before latitude, WGS 84. CSV has one point a row, under a row of
column names. GeoPackage and KML need pyogrio (`pip install downpass[gis]`).
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...link.suggestion import did_you_mean
from .refusal import shown
from .units import NUMBER

LARGEST_FILE: Final = 200_000_000
"""Bytes of a file of targets."""
MOST_TARGETS: Final = 100_000
MOST_CORNERS: Final = 5_000_000
"""Corners of all features together."""
_DEEPEST: Final = 64
_LONGEST_ROW: Final = 1_000_000
_NUMBER: Final = re.compile(NUMBER, re.ASCII)
_LATITUDES: Final = ("latitude", "lat", "y")
_LONGITUDES: Final = ("longitude", "lon", "lng", "long", "x")

Point = tuple[float, float]
"""Latitude and longitude in degrees."""


class TargetTableError(Exception):
    """A file of targets that cannot be used, in one line without the file's name."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One place of a file.

    Attributes:
        place: Where it stands in the file, such as "feature 12" or "line 12".
        attributes: Its properties or columns.
        point: The place itself; None for an area.
        corners: Corners of the area; none for a point.
    """

    place: str
    attributes: Mapping[str, Any]
    point: Point | None = None
    corners: tuple[Point, ...] = ()


def read_features(path: Path) -> Iterator[Feature]:
    """Yield the features of a file, by its name's ending.

    Several areas or points in one feature become as many features.

    Raises:
        TargetTableError: The file cannot be read, is too large, or has a fault.
    """
    ending = path.suffix.lower()
    match ending:
        case ".geojson" | ".json":
            yield from _of_geojson(_text(path))
        case ".csv":
            yield from _of_csv(_text(path))
        case ".gpkg" | ".kml":
            yield from _of_layer(path)
        case _:
            raise TargetTableError(
                f"found a name that ends in {shown(ending or path.name)}; "
                "allowed: .geojson, .json, .csv, .gpkg, .kml"
            )


def _text(path: Path) -> str:
    try:
        if not path.is_file():  # a named pipe would hold the program up for ever
            raise TargetTableError(
                "no such file" if not path.exists() else "found no regular file; allowed: a file"
            )
        if path.stat().st_size > LARGEST_FILE:
            raise TargetTableError(
                f"found {path.stat().st_size} bytes; allowed: at most {LARGEST_FILE}"
            )
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise TargetTableError("found bytes that are no UTF-8; allowed: UTF-8 text") from None
        reason = getattr(error, "strerror", None) or "cannot be read"
        raise TargetTableError(str(reason)) from None


def _of_geojson(text: str) -> Iterator[Feature]:
    try:
        content = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise TargetTableError(f"nested too deep; allowed: at most {_DEEPEST} levels") from None
    except ValueError as error:
        raise TargetTableError(f"not JSON: {error}") from None
    kind = content.get("type") if isinstance(content, dict) else None
    features = content.get("features") if kind == "FeatureCollection" else [content]
    if not isinstance(features, list) or kind not in ("FeatureCollection", "Feature"):
        raise TargetTableError(
            f"found {shown(kind)}; allowed: a FeatureCollection or a Feature of GeoJSON"
        )
    crs = content.get("crs")  # of the format before RFC 7946
    if crs is not None and not any(
        name in json.dumps(crs)[:1000] for name in ("CRS84", "EPSG::4326", "EPSG:4326")
    ):
        raise TargetTableError(
            f"found the reference system {shown(json.dumps(crs)[:200])}; "
            "allowed: WGS 84, longitude before latitude"
        )
    corners = 0
    for number, feature in enumerate(features, 1):
        place = f"feature {number}"
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise TargetTableError(f"{place}: found no Feature; allowed: a Feature of GeoJSON")
        attributes = feature.get("properties") or {}
        if not isinstance(attributes, dict):
            raise TargetTableError(f"{place}: found properties that are no object")
        geometry = feature.get("geometry")
        if geometry is None:
            raise TargetTableError(f"{place}: found no geometry; allowed: Point, Polygon")
        for point, ring in _of_geometry(geometry, place):
            corners += max(1, len(ring))
            if corners > MOST_CORNERS:
                raise TargetTableError(
                    f"found more than {MOST_CORNERS} corners; allowed: at most that many"
                )
            yield Feature(place, attributes, point, ring)


def _of_geometry(geometry: Any, place: str) -> Iterator[tuple[Point | None, tuple[Point, ...]]]:
    """Yield a point or a ring for each part of a geometry of GeoJSON."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    inside = geometry.get("coordinates") if isinstance(geometry, dict) else None
    several = isinstance(kind, str) and kind.startswith("Multi")
    if kind not in ("Point", "MultiPoint", "Polygon", "MultiPolygon"):
        raise TargetTableError(
            f"{place}: found {shown(kind)}; allowed: Point, MultiPoint, Polygon, MultiPolygon"
        )
    parts = inside if several else [inside]
    if not isinstance(parts, list) or not parts:
        raise TargetTableError(f"{place}: found no coordinates")
    for part in parts:
        if kind.endswith("Point"):
            yield _point(part, place), ()
            continue
        if not isinstance(part, list) or not part or not isinstance(part[0], list):
            raise TargetTableError(f"{place}: found no ring of corners in the polygon")
        if len(part) > 1:
            raise TargetTableError(
                f"{place}: found a polygon with a hole; allowed: polygons without holes"
            )
        yield None, _ring([_point(corner, place) for corner in part[0]])


def _ring(corners: Sequence[Point]) -> tuple[Point, ...]:
    """Return a ring without the last corner, which repeats the first."""
    return tuple(corners[:-1] if len(corners) > 1 and corners[0] == corners[-1] else corners)


def _point(value: Any, place: str) -> Point:
    """Return latitude and longitude of a position of GeoJSON: longitude, latitude, height."""
    numbers = value if isinstance(value, list) else []
    if len(numbers) < 2 or not all(_is_finite(number) for number in numbers[:2]):
        raise TargetTableError(
            f"{place}: found {shown(value)}; allowed: [longitude, latitude] in degrees"
        )
    return _checked(float(numbers[1]), float(numbers[0]), place)


def _checked(latitude: float, longitude: float, place: str) -> Point:
    for value, name, most in ((latitude, "latitude", 90.0), (longitude, "longitude", 180.0)):
        if not -most <= value <= most:
            raise TargetTableError(
                f"{place}: found {name} {value:g}; allowed: {-most:g} to {most:g} degrees"
            )
    return latitude, longitude


def _is_finite(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return is_number and math.isfinite(value)
    except OverflowError:
        return False


def _no_constant(name: str) -> float:
    raise ValueError(f"found {name}; allowed: finite numbers")


def _of_csv(text: str) -> Iterator[Feature]:
    sample = text[:4096].partition("\n")[0]
    separator = ";" if sample.count(";") > sample.count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = [name.strip() for name in next(rows)]
    except StopIteration:
        raise TargetTableError("found an empty file; allowed: a row of column names") from None
    except csv.Error as error:
        raise TargetTableError(f"line 1: not CSV: {error}") from None
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if len(columns) > 1000 or twice is not None:
        problem = f"the column {shown(twice)} twice" if twice else f"{len(columns)} columns"
        raise TargetTableError(f"line 1: found {problem}; allowed: each once, at most 1000")
    latitude, longitude = _column(columns, _LATITUDES), _column(columns, _LONGITUDES)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise TargetTableError(f"line {rows.line_num}: not CSV: {error}") from None
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        place = f"line {rows.line_num}"
        if len(row) != len(columns):
            raise TargetTableError(
                f"{place}: found {len(row)} cells; allowed: {len(columns)}, as in the first line"
            )
        point = _checked(
            _number(row[latitude], "latitude", place),
            _number(row[longitude], "longitude", place),
            place,
        )
        attributes = {name: cell.strip() for name, cell in zip(columns, row, strict=True) if name}
        yield Feature(place, attributes, point)


def _column(columns: Sequence[str], names: Sequence[str]) -> int:
    lowered = [name.lower() for name in columns]
    for name in names:
        if name in lowered:
            return lowered.index(name)
    raise TargetTableError(
        f"line 1: found no column {names[0]} among {shown(', '.join(columns))}; "
        f"allowed: one called {', '.join(names)}"
    )


def _number(text: str, name: str, place: str) -> float:
    # Python would also read 3_8.7 and digits of other scripts.
    value = float(text) if _NUMBER.fullmatch(text.strip()) else math.nan
    if not math.isfinite(value):
        raise TargetTableError(f"{place}: found {name} {shown(text)}; allowed: degrees, as 38.72")
    return value


def _of_layer(path: Path) -> Iterator[Feature]:
    """Yield the features of the first layer of a GeoPackage or of all folders of a KML file."""
    try:
        import pyogrio
    except ImportError:
        raise TargetTableError(
            f"reading {path.suffix} needs pyogrio; install downpass[gis], or convert it to GeoJSON"
        ) from None
    import shapely

    if not path.is_file():
        raise TargetTableError("no such file")
    if path.stat().st_size > LARGEST_FILE:
        raise TargetTableError(
            f"found {path.stat().st_size} bytes; allowed: at most {LARGEST_FILE}"
        )
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        read = [
            pyogrio.raw.read(path, layer=layer, max_features=MOST_TARGETS + 1, force_2d=True)
            for layer in (layers if path.suffix.lower() == ".kml" else layers[:1])
        ]
    except Exception as error:  # GDAL's drivers raise what they like
        raise TargetTableError(f"cannot be read: {shown(str(error))}") from None
    number = 0
    for meta, _, geometries, columns in read:
        crs = str(meta["crs"])
        if crs not in ("EPSG:4326", "OGC:CRS84", "None"):
            raise TargetTableError(
                f"found the reference system {shown(crs)}; allowed: EPSG:4326 (WGS 84)"
            )
        names = [str(name) for name in meta["fields"]]
        for row, geometry in enumerate(geometries):
            number += 1
            place = f"feature {number}"
            values = [column[row] for column in columns]
            attributes = {
                name: value.item() if hasattr(value, "item") else value
                for name, value in zip(names, values, strict=True)
            }
            if geometry is None:
                raise TargetTableError(f"{place}: found no geometry; allowed: Point, Polygon")
            shape = json.loads(shapely.to_geojson(shapely.from_wkb(geometry)))
            for point, ring in _of_geometry(shape, place):
                yield Feature(place, attributes, point, ring)


def attribute_of(feature: Feature, name: str) -> Any:
    """Return an attribute of a feature; None if it is empty.

    Raises:
        TargetTableError: The feature has no such attribute.
    """
    if name not in feature.attributes:
        known = [str(key) for key in list(feature.attributes)[:50]]
        raise TargetTableError(
            f"{feature.place}: found no attribute {shown(name)}; allowed: "
            f"{shown(', '.join(known)) if known else 'none, it has no attributes'}"
            f"{did_you_mean(name, known)}"
        )
    value = feature.attributes[name]
    return None if value == "" else value
