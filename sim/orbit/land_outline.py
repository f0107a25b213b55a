"""Makes `land.geojson`, the outline of the land, from Natural Earth as TopoJSON.

`python -m downpass.sim.orbit.land_outline land-50m.json > sim/orbit/land.geojson` writes the file
that ships; `SOURCES.md` says where its input comes from. No simulation runs this.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

_TOLERANCE_DEG = 0.08  # Douglas-Peucker: 9 km along a meridian
_DECIMALS = 2
_LEAST_KM2 = 100.0  # smaller islands and lakes are left out
_KM_PER_DEG = 111.2
_LEAST_SCALE = 0.05  # keeps the edge along the South Pole apart
_ANTARCTICA_DEG = -60.0
_GREENLAND = shapely.Point(-40.0, 72.0)


def outline(topology: Mapping[str, Any]) -> dict[str, Any]:
    """Return the land as a GeoJSON feature collection with one feature for each region.

    Args:
        topology: A TopoJSON topology with the object `land`, in degrees of longitude and latitude,
            whose rings run across the antimeridian and around the pole.
    """
    arcs = list(_arcs(topology))
    polygons: list[shapely.Polygon] = []
    for geometry in topology["objects"]["land"]["geometries"]:
        for rings in geometry["arcs"]:
            shell, *holes = (_ring(ring, arcs) for ring in rings)
            for part in _on_the_map(shapely.Polygon(shell, holes)):
                polygons += _simplified(part)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"region": region},
                "geometry": {
                    "type": "MultiPolygon",
                    "coordinates": [
                        _rings(part)
                        for part in _united([p for p in polygons if _region(p) == region])
                    ],
                },
            }
            for region in ("antarctica", "greenland", "other")
        ],
    }


def _united(polygons: list[shapely.Polygon]) -> list[shapely.Polygon]:
    """Join polygons that touch or overlap after simplification; the largest comes first."""
    whole = shapely.union_all(polygons, grid_size=10.0**-_DECIMALS)
    parts = shapely.get_parts(whole).tolist()
    return sorted(parts, key=lambda part: (-_square_km(part), part.bounds))


def _rings(polygon: shapely.Polygon) -> list[list[list[float]]]:
    return [
        [[round(x, _DECIMALS), round(y, _DECIMALS)] for x, y in ring.coords]
        for ring in (polygon.exterior, *polygon.interiors)
    ]


def _arcs(topology: Mapping[str, Any]) -> Iterator[NDArray[np.float64]]:
    """Yield the arcs in degrees; the file has each as whole differences from point to point."""
    transform = topology["transform"]
    for arc in topology["arcs"]:
        yield np.cumsum(np.array(arc), axis=0) * transform["scale"] + transform["translate"]


def _ring(indices: Sequence[int], arcs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Join arcs to a ring whose longitudes continue beyond 180 degrees.

    ``~n`` is arc n backwards, and adjacent arcs share a point. A ring around the South Pole is
    closed along 90 degrees south.
    """
    parts = [arcs[index] if index >= 0 else arcs[~index][::-1] for index in indices]
    points = np.concatenate([part[:-1] for part in parts] + [parts[0][:1]])
    points[:, 0] = np.unwrap(points[:, 0], period=360.0)
    (first, _), (last, south) = points[0], points[-1]
    if abs(last - first) > 180.0:
        points = np.concatenate((points, [[last, -90.0], [first, -90.0], [first, south]]))
    return points


def _on_the_map(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """Cut a polygon at the antimeridian and return its parts between -180 and 180 degrees."""
    whole = shapely.make_valid(polygon)
    found = []
    for turn in (-360.0, 0.0, 360.0):
        moved = shapely.transform(whole, lambda xy, turn=turn: np.add(xy, (turn, 0.0)))
        part = shapely.intersection(moved, shapely.box(-180.0, -90.0, 180.0, 90.0))
        found += [p for p in shapely.get_parts(part) if p.geom_type == "Polygon"]
    return found


def _simplified(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """Return the polygon simplified and rounded, without small islands and lakes."""
    middle = (polygon.bounds[0] + polygon.bounds[2]) / 2.0
    # In the sinusoidal projection a degree is about as long across as along.
    flat = shapely.transform(polygon, lambda xy: _sinusoidal(xy, middle))
    coarse = shapely.simplify(flat, _TOLERANCE_DEG, preserve_topology=True)
    plain = shapely.transform(coarse, lambda xy: _sinusoidal(xy, middle, back=True))
    rounded = shapely.set_precision(shapely.make_valid(plain), 10.0**-_DECIMALS)
    kept = []
    for part in shapely.get_parts(shapely.make_valid(rounded)):
        if part.geom_type != "Polygon" or _square_km(part) < _LEAST_KM2:
            continue
        lakes = [ring for ring in part.interiors if _square_km(shapely.Polygon(ring)) >= _LEAST_KM2]
        kept.append(shapely.Polygon(part.exterior, lakes))
    return kept


def _sinusoidal(
    degrees: NDArray[np.float64], middle_deg: float, *, back: bool = False
) -> NDArray[np.float64]:
    """Project points to, or back from, the sinusoidal projection around a meridian, in degrees."""
    scale = np.maximum(np.cos(np.radians(degrees[:, 1])), _LEAST_SCALE)
    x, y = degrees.T
    x = x / scale + middle_deg if back else (x - middle_deg) * scale
    return np.stack([x, y], axis=1)


def _square_km(polygon: shapely.Polygon) -> float:
    """Return the area by the cylindrical equal-area projection, on a sphere."""
    equal = shapely.transform(
        polygon,
        lambda xy: np.stack(
            [np.radians(xy[:, 0]), np.sin(np.radians(np.clip(xy[:, 1], -90, 90)))], axis=1
        ),
    )
    return float(shapely.area(equal)) * float(np.degrees(_KM_PER_DEG)) ** 2


def _region(polygon: shapely.Polygon) -> str:
    if polygon.bounds[3] <= _ANTARCTICA_DEG:
        return "antarctica"
    return "greenland" if polygon.contains(_GREENLAND) else "other"


def main() -> None:
    """Read a TopoJSON file and print the outline as GeoJSON, one polygon a line."""
    found = outline(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    text = json.dumps(found, separators=(",", ":"))
    text = text.replace("[[[", "\n[[[").replace('{"type":"Feature",', '\n{"type":"Feature",')
    print(text)  # noqa: T201 - the shell writes it to the file


if __name__ == "__main__":
    main()
