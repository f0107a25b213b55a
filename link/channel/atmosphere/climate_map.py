"""The climate of any place on Earth, from a coarse grid that ships with the package.

The grid is sampled from the digital maps of ITU-R Recommendations (SOURCES.md): rain every 2.5°,
all else every 5°, interpolated bilinearly. The maps themselves are finer. On islands and at
mountains, rain changes within tens of kilometres, and a station should give figures of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .site import SiteClimate, standard_pressure_hpa

RAIN_STEP_DEG: Final = 2.5
STEP_DEG: Final = 5.0

SCALES: Final = {
    "rain_rate_001_mm_h": 0.1,
    "rain_probability_percent": 0.01,
    "rain_height_km": 0.01,
    "temperature_k": 0.1,
    "water_vapour_g_m3": 0.01,
    "wet_refractivity": 0.1,
    "integrated_vapour_kg_m2": 0.1,
    "cloud_liquid_kg_m2": 0.01,
    "map_height_km": 0.01,
    "vapour_scale_height_km": 0.01,
}
"""What a step of each stored figure is worth."""

_DECIMALS: Final = 4

MOST_VAPOUR_G_M3: Final = 30.0
MOST_COLUMN_KG_M2: Final = 80.0
"""A little more than the maps have anywhere. Carried down far below the terrain of the grid, as in
a deep valley of the Himalaya, water vapour would exceed them."""


def climate_at(latitude_deg: float, longitude_deg: float, height_m: float) -> SiteClimate:
    """Return the climate of a place, interpolated in the shipped grid.

    Water vapour is carried from the grid's height to the station's with the map's own scale height
    (ITU-R P.836-6, annex 1). Pressure is that of the reference atmosphere at the station's height.

    Args:
        latitude_deg: Latitude in degrees, north positive.
        longitude_deg: Longitude in degrees, east positive.
        height_m: Height above mean sea level in metres.
    """
    height = min(max(height_m / 1000, -0.5), 9.0)
    tables = _tables()
    rain = _Cell.around(latitude_deg, longitude_deg, RAIN_STEP_DEG)
    cell = _Cell.around(latitude_deg, longitude_deg, STEP_DEG)
    above = height - cell.corners(tables["map_height_km"])
    thinning = np.exp(-above / cell.corners(tables["vapour_scale_height_km"]))

    def figure(where: _Cell, name: str) -> float:
        return round(float(where.mean(tables[name])), _DECIMALS)

    def quantiles(name: str, factor: NDArray[np.float64] | float = 1.0) -> tuple[float, ...]:
        values = cell.mean(tables[name], factor)
        return tuple(min(round(float(value), _DECIMALS), MOST_COLUMN_KG_M2) for value in values)

    return SiteClimate(
        latitude_deg=latitude_deg,
        height_km=height,
        rain_rate_001_mm_h=figure(rain, "rain_rate_001_mm_h"),
        rain_probability_percent=figure(rain, "rain_probability_percent"),
        rain_height_km=figure(rain, "rain_height_km"),
        temperature_k=figure(cell, "temperature_k"),
        pressure_hpa=round(standard_pressure_hpa(height), _DECIMALS),
        water_vapour_g_m3=round(float(cell.mean(tables["water_vapour_g_m3"], thinning)), _DECIMALS),
        wet_refractivity=figure(cell, "wet_refractivity"),
        integrated_vapour_kg_m2=quantiles("integrated_vapour_kg_m2", thinning),
        cloud_liquid_kg_m2=quantiles("cloud_liquid_kg_m2"),
    )


@dataclass(frozen=True, slots=True)
class _Cell:
    """The four grid points around a place, and their weights, each of shape ``(2, 2)``."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    weights: NDArray[np.float64]

    @classmethod
    def around(cls, latitude_deg: float, longitude_deg: float, step_deg: float) -> _Cell:
        """Return the cell of a grid from 90° S up, and from 0° eastwards around the Earth."""
        last = round(180 / step_deg)
        up = min(max(latitude_deg + 90, 0.0), 180.0) / step_deg
        east = longitude_deg % 360 / step_deg
        row, column = min(int(up), last - 1), int(east)
        north, eastern = up - row, east - column
        return cls(
            np.array([[row], [row + 1]]),
            np.array([[column, column + 1]]) % (2 * last),
            np.outer([1 - north, north], [1 - eastern, eastern]),
        )

    def corners(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a table's values at the four points, shape ``(…, 2, 2)``."""
        return table[..., self.rows, self.columns]

    def mean(
        self, table: NDArray[np.float64], factor: NDArray[np.float64] | float = 1.0
    ) -> NDArray[np.float64]:
        """Return the weighted mean of a table's values times a factor at each point."""
        total: NDArray[np.float64] = np.sum(
            self.corners(table) * factor * self.weights, axis=(-2, -1)
        )
        return total


@cache
def _tables() -> dict[str, NDArray[np.float64]]:
    """Return the grid's figures in their units, each of shape ``(…, rows, columns)``."""
    path = files(__package__).joinpath("climate_map.npz")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] * scale for name, scale in SCALES.items()}
