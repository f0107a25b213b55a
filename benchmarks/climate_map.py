"""Make link/channel/atmosphere/climate_map.npz and the stations' climates from the ITU-R's maps.

    pip install '.[bench]'
    python benchmarks/climate_map.py map        writes the grid
    python benchmarks/climate_map.py stations   prints the [NAME.climate] tables of stations.toml
    python benchmarks/climate_map.py check      prints how far the grid is from the maps

The maps are those that `itur` carries: P.453-13, P.836-6, P.837-7, P.839-4, P.840-8, P.1510-1. It
is a wheel of 163 MB, so it is needed here and not by downpass.
"""

from __future__ import annotations

import argparse
import random
import tomllib
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from downpass.link.channel.atmosphere import climate_map
from downpass.link.channel.atmosphere.rain import rain_attenuation_db
from downpass.link.channel.atmosphere.site import PROBABILITIES_PERCENT, SiteClimate
from itur.models import itu453, itu835, itu836, itu837, itu839, itu840, itu1510, itu1511

ROOT = Path(__file__).resolve().parent.parent
MAP = ROOT / "link/channel/atmosphere/climate_map.npz"
STATIONS = ROOT / "sim/scenario/stations.toml"


def values(quantity: object) -> np.ndarray:
    """Return the numbers of an astropy quantity."""
    return np.asarray(getattr(quantity, "value", quantity), dtype=np.float64)


def descending(rows: list[np.ndarray]) -> np.ndarray:
    """Stack quantiles, rarer first, and remove what rises by the maps' own rounding."""
    return np.maximum.accumulate(np.stack(rows)[::-1])[::-1]


def figures(latitude: np.ndarray, longitude: np.ndarray, height_km: np.ndarray) -> dict:
    """Return all figures of places, shape of the arguments, from the maps at full resolution."""
    at = (latitude, longitude)
    return {
        "rain_rate_001_mm_h": values(itu837.rainfall_rate(*at, 0.01)),
        "rain_probability_percent": values(itu837.rainfall_probability(*at)),
        "rain_height_km": values(itu839.rain_height(*at)),
        "temperature_k": values(itu1510.surface_mean_temperature(*at)),
        "water_vapour_g_m3": values(itu836.surface_water_vapour_density(*at, 50, height_km)),
        "wet_refractivity": values(itu453.map_wet_term_radio_refractivity(*at, 50)),
        "integrated_vapour_kg_m2": descending(
            [
                values(itu836.total_water_vapour_content(*at, p, height_km))
                for p in PROBABILITIES_PERCENT
            ]
        ),
        "cloud_liquid_kg_m2": descending(
            [values(itu840.columnar_content_reduced_liquid(*at, p)) for p in PROBABILITIES_PERCENT]
        ),
    }


def site(latitude: float, longitude: float, height_km: float) -> SiteClimate:
    """Return the climate of one place from the maps at full resolution."""
    # Twice the same place: itur returns a bare number for an array of one.
    found = figures(*(np.array([x, x]) for x in (latitude, longitude % 360, height_km)))
    single = {
        name: float(value[0]) if value.ndim == 1 else tuple(float(x) for x in value[:, 0])
        for name, value in found.items()
    }
    pressure = float(values(itu835.standard_pressure(height_km)))
    return SiteClimate(latitude_deg=latitude, height_km=height_km, pressure_hpa=pressure, **single)


def grid(step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return latitudes and longitudes of a grid, each of shape ``(180 / step + 1, 360 / step)``."""
    # The maps of P.836 have no values north of 87°.
    latitude = np.clip(np.arange(-90, 90 + step / 2, step), -89.0, 86.0)
    return tuple(np.meshgrid(latitude, np.arange(0, 360, step), indexing="ij"))


def write_map() -> None:
    """Write the grid: rain on 2.5°, all else on 5°, each figure in whole steps of its scale."""
    latitude, longitude = grid(climate_map.RAIN_STEP_DEG)
    fine = {
        "rain_rate_001_mm_h": values(itu837.rainfall_rate(latitude, longitude, 0.01)),
        "rain_probability_percent": values(itu837.rainfall_probability(latitude, longitude)),
        "rain_height_km": values(itu839.rain_height(latitude, longitude)),
    }
    latitude, longitude = grid(climate_map.STEP_DEG)
    model = itu836._ITU836_6()
    height = model.topo_alt(latitude, longitude)
    coarse = figures(latitude, longitude, height)
    coarse |= {
        "map_height_km": height,
        "vapour_scale_height_km": np.clip(model.VSCH(latitude, longitude, 50), 0.5, 20),
    }
    tables = coarse | fine
    for name, table in tables.items():
        assert np.all(np.isfinite(table)), (name, np.argwhere(~np.isfinite(table))[:5])
    whole = {
        name: np.round(tables[name] / scale).astype(np.int16)
        for name, scale in climate_map.SCALES.items()
    }
    np.savez_compressed(MAP, **whole)
    print(f"{MAP.name}: {MAP.stat().st_size} bytes, itur {version('itur')}")


def print_stations() -> None:
    """Print the climate of every shipped station, in TOML."""
    for name, station in tomllib.loads(STATIONS.read_text(encoding="utf-8")).items():
        height = float(station["altitude"].split()[0]) / 1000
        found = site(*station["at"], height)
        print(
            f'{name}: climate = {{ rain_rate = "{found.rain_rate_001_mm_h:.1f} mm/h", '
            f"rain_probability = {found.rain_probability_percent / 100:.3f}, "
            f'rain_height = "{found.rain_height_km:.2f} km" }}'
        )


def check(count: int) -> None:
    """Print how far the grid is from the maps, over land between 70° S and 78° N."""
    draw = random.Random("climate map")
    relative, decibels = [], []
    while len(relative) < count:
        latitude, longitude = draw.uniform(-70, 78), draw.uniform(0, 360)
        height = float(values(itu1511.topographic_altitude(latitude, longitude)))
        if height < 0.005:
            continue
        exact = site(latitude, longitude, height)
        coarse = climate_map.climate_at(latitude, longitude, 1000 * height)
        relative.append(coarse.rain_rate_001_mm_h / max(exact.rain_rate_001_mm_h, 1.0) - 1)
        decibels.append(
            [float(rain_attenuation_db(8.2e9, 10.0, where, 0.1)) for where in (exact, coarse)]
        )
    error = np.abs(np.diff(np.array(decibels), axis=1))
    middle, most = np.percentile(error, (50, 95))
    print(
        f"{count} places on land: rain rate at 0.01 %, rms {100 * np.std(relative):.0f} %; rain at "
        f"8.2 GHz, 10°, 0.1 %: median {middle:.2f} dB, 95 % {most:.2f} dB, "
        f"worst {error.max():.2f} dB"
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("map", "stations", "check"))
    parser.add_argument("--count", type=int, default=300)
    arguments = parser.parse_args()
    if arguments.what == "map":
        write_map()
    elif arguments.what == "stations":
        print_stations()
    else:
        check(arguments.count)
