"""Compare the link budget with ITU-Rpy and spacelink over random links.

    pip install '.[bench]'
    python benchmarks/link_budget.py                      1000 links, about half a minute
    python benchmarks/link_budget.py --fixture FILE.csv   writes 60 of them for the tests

Each link has a place on land, a frequency of 2 to 30 GHz, an elevation of 5° to 90°, a dish, and a
part of the year. Both sides get the same climate, read from ITU-Rpy's maps at full resolution, so
what is compared is the models. `benchmarks/climate_map.py check` says what the shipped grid adds.
"""

from __future__ import annotations

import argparse
import csv
import random
import warnings
from dataclasses import astuple, fields
from importlib.metadata import version

import astropy.units as u
import itur
import numpy as np
from climate_map import site, values
from downpass.link.channel.antenna import sky_temperature_k
from downpass.link.channel.atmosphere.site import SiteClimate
from downpass.link.channel.atmosphere.total import contributions
from downpass.link.channel.budget import LinkBudget
from downpass.link.channel.link_ends import Receiver, Transmitter
from itur.models import itu1511
from spacelink.core import antenna, noise, path

EXCEEDANCES = (0.01, 0.03, 0.1, 0.3, 0.5, 1, 2, 3, 5)
PLACES = 60
CAUSES = ("gases", "clouds", "rain", "scintillation", "total")


def draw_links(count: int) -> list[dict]:
    """Return random links: place, climate and what goes into a budget."""
    draw = random.Random("link budget")
    places: list[tuple[float, float, SiteClimate]] = []
    while len(places) < PLACES:
        latitude, longitude = draw.uniform(-70, 78), draw.uniform(-180, 180)
        height = float(values(itu1511.topographic_altitude(latitude, longitude % 360)))
        if height > 0.005:
            places.append((latitude, longitude, site(latitude, longitude, round(height, 3))))
    links = []
    for _ in range(count):
        latitude, longitude, climate = draw.choice(places)
        elevation = draw.uniform(5, 90)
        links.append(
            {
                "latitude": latitude,
                "longitude": longitude,
                "site": climate,
                "frequency_ghz": draw.uniform(2, 30),
                "elevation_deg": elevation,
                "range_m": draw.uniform(500e3, 700e3) / np.sin(np.radians(elevation)) ** 0.7,
                "diameter_m": draw.uniform(1, 13),
                "efficiency": draw.uniform(0.45, 0.7),
                "exceedance_percent": draw.choice(EXCEEDANCES),
                "tilt_deg": draw.choice((0, 45, 90)),
                "eirp_dbw": draw.uniform(-3, 25),
                "symbol_rate": draw.uniform(1e6, 5e8),
                "temperature_k": draw.uniform(80, 400),
            }
        )
    return links


def by_itur(link: dict) -> list[float]:
    """Return the attenuation by cause in dB as ITU-Rpy computes it."""
    gases, clouds, rain, scintillation, total = itur.atmospheric_attenuation_slant_path(
        link["latitude"],
        link["longitude"] % 360,
        link["frequency_ghz"],
        link["elevation_deg"],
        link["exceedance_percent"],
        link["diameter_m"],
        hs=link["site"].height_km,
        eta=link["efficiency"],
        tau=link["tilt_deg"],
        return_contributions=True,
    )
    return [float(values(x).squeeze()) for x in (gases, clouds, rain, scintillation, total)]


def by_us(link: dict) -> list[float]:
    """Return the attenuation by cause in dB as downpass computes it."""
    found = contributions(
        link["frequency_ghz"] * 1e9,
        link["elevation_deg"],
        link["site"],
        link["exceedance_percent"],
        link["diameter_m"],
        link["tilt_deg"],
        link["efficiency"],
    )
    return [
        float(x)
        for x in (
            found.gases_db,
            found.clouds_db,
            found.rain_db,
            found.scintillation_db,
            found.total_db,
        )
    ]


def es_n0_by_spacelink(link: dict, gases_db: float, clear_db: float, fade_db: float) -> float:
    """Return Es/N0 in dB with spacelink's free space, dish and noise.

    Args:
        link: The link.
        gases_db: Gases at the link's elevation.
        clear_db: Gases at the elevation for which the system temperature is stated.
        fade_db: Excess attenuation.
    """
    frequency = link["frequency_ghz"] * u.GHz
    dish = antenna.dish_gain(
        link["diameter_m"] * u.m, frequency, link["efficiency"] * u.dimensionless_unscaled
    )
    gain = float(dish.value)
    loss = float(path.free_space_path_loss(link["range_m"] * u.m, frequency).value)
    sky = [float(sky_temperature_k(x)) for x in (clear_db, gases_db + fade_db)]
    own = max(link["temperature_k"] - sky[0], 30)
    density = float(noise.noise_power_density((own + sky[1]) * u.K).to_value(u.W / u.Hz))
    carrier = link["eirp_dbw"] - loss - gases_db - fade_db + gain
    return carrier - 10 * np.log10(density) - 10 * np.log10(link["symbol_rate"])


def write_fixture(name: str, links: list[dict]) -> None:
    """Write links with ITU-Rpy's attenuations, for tests that do without ITU-Rpy."""
    climate = [field.name for field in fields(SiteClimate)]
    keys = [
        *("frequency_ghz", "elevation_deg", "diameter_m", "efficiency"),
        *("exceedance_percent", "tilt_deg"),
    ]
    with open(name, "w", newline="", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"# ITU-Rpy {version('itur')}, benchmarks/link_budget.py --fixture\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*climate, *keys, *CAUSES])
        for link in links:
            figures = [
                " ".join(f"{x:.7g}" for x in value) if isinstance(value, tuple) else f"{value:.7g}"
                for value in astuple(link["site"])
            ]
            inputs = [f"{link[key]:.7g}" for key in keys]
            writer.writerow([*figures, *inputs, *(f"{x:.6g}" for x in by_itur(link))])


def main() -> None:
    """Print the differences, by cause."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", type=int, default=1000)
    parser.add_argument("--fixture", metavar="FILE")
    arguments = parser.parse_args()
    links = draw_links(60 if arguments.fixture else arguments.links)
    if arguments.fixture:
        write_fixture(arguments.fixture, links)
        return
    print(f"itur {version('itur')}, spacelink {version('spacelink')}, numpy {np.__version__}")
    print(f"{len(links)} links, 2–30 GHz, 5–90°, 0.01–5 % of the year, {PLACES} places")
    ours, theirs, ratios = [], [], []
    for link in links:
        found, reference = by_us(link), by_itur(link)
        ours.append(found)
        theirs.append(reference)
        fade = found[-1] - found[0]
        budget = LinkBudget(
            Transmitter(link["frequency_ghz"] * 1e9, link["eirp_dbw"], link["symbol_rate"]),
            Receiver(
                diameter_m=link["diameter_m"],
                efficiency=link["efficiency"],
                system_temperature_k=link["temperature_k"],
            ),
            link["site"],
        )
        mine = float(budget.es_n0_db(link["elevation_deg"], link["range_m"], fade))
        clear = float(budget.gases_db(budget.receiver.reference_elevation_deg))
        gases = float(budget.gases_db(link["elevation_deg"]))
        ratios.append(mine - es_n0_by_spacelink(link, gases, clear, fade))
    difference = np.abs(np.array(ours) - np.array(theirs))
    for cause, column in zip(CAUSES, difference.T, strict=True):
        print(f"  {cause:<14} worst {column.max():.4f} dB, 95 % {np.percentile(column, 95):.4f} dB")
    apart = np.abs(np.array(ratios))
    print(
        f"  {'Es/N0':<14} worst {apart.max():.4f} dB, 95 % {np.percentile(apart, 95):.4f} dB "
        "(spacelink's free space, dish and noise)"
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
