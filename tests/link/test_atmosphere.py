"""Attenuation by the atmosphere: against ITU-Rpy, against a line-by-line integration, and its laws.

`itur_attenuation.csv` holds what ITU-Rpy computes for 60 random links, with the climates that went
in: `python benchmarks/link_budget.py --fixture tests/link/itur_attenuation.csv` writes it. ITU-Rpy
itself is too large for the tests.
"""

from __future__ import annotations

import csv
from dataclasses import fields, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from downpass.link.channel.atmosphere.cloud import cloud_attenuation_db, liquid_water_coefficient
from downpass.link.channel.atmosphere.gases import (
    gas_attenuation_db,
    oxygen_db_per_km,
    vapour_db_per_km,
)
from downpass.link.channel.atmosphere.path import slant_factor
from downpass.link.channel.atmosphere.rain import (
    rain_attenuation_db,
    rain_attenuation_probability_percent,
    specific_attenuation_db_per_km,
)
from downpass.link.channel.atmosphere.scintillation import scintillation_fade_db
from downpass.link.channel.atmosphere.site import (
    PROBABILITIES_PERCENT,
    SiteClimate,
    exceeded,
    standard_pressure_hpa,
)
from downpass.link.channel.atmosphere.total import contributions, excess_attenuation_db
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

LINKS = Path(__file__).with_name("itur_attenuation.csv")
CAUSES = ("gases", "clouds", "rain", "scintillation", "total")

SINGAPORE = SiteClimate(
    latitude_deg=1.396,
    height_km=0.02,
    rain_rate_001_mm_h=100.1,
    rain_probability_percent=4.3,
    rain_height_km=4.97,
    temperature_k=300.2,
    pressure_hpa=1010.85,
    water_vapour_g_m3=20.7,
    wet_refractivity=129.3,
    integrated_vapour_kg_m2=(64.2, 62.9, 62.1, 61.1, 59.4, 57.3, 55.7, 53.0),
    cloud_liquid_kg_m2=(3.66, 3.44, 3.24, 2.91, 2.21, 1.44, 0.95, 0.35),
)

frequencies = st.floats(2e9, 40e9)
elevations = st.floats(0, 90)
percents = st.floats(0.001, 50)


@st.composite
def sites(draw: st.DrawFn) -> SiteClimate:
    vapour = sorted(draw(st.lists(st.floats(0.5, 70), min_size=8, max_size=8)), reverse=True)
    cloud = sorted(draw(st.lists(st.floats(0, 4), min_size=8, max_size=8)), reverse=True)
    height = draw(st.floats(0, 4))
    return SiteClimate(
        latitude_deg=draw(st.floats(-90, 90)),
        height_km=height,
        rain_rate_001_mm_h=draw(st.floats(0, 150)),
        rain_probability_percent=draw(st.floats(0, 20)),
        rain_height_km=draw(st.floats(0.2, 5.5)),
        temperature_k=draw(st.floats(230, 310)),
        pressure_hpa=standard_pressure_hpa(height),
        water_vapour_g_m3=draw(st.floats(0.1, 25)),
        wet_refractivity=draw(st.floats(0, 150)),
        integrated_vapour_kg_m2=tuple(vapour),
        cloud_liquid_kg_m2=tuple(cloud),
    )


def itur_links() -> list[tuple[SiteClimate, dict[str, float]]]:
    with LINKS.open(encoding="utf-8") as file:
        file.readline()
        links = []
        for row in csv.DictReader(file):
            climate = {
                field.name: tuple(map(float, row[field.name].split()))
                if field.name.endswith("kg_m2")
                else float(row[field.name])
                for field in fields(SiteClimate)
            }
            rest = {key: float(row[key]) for key in row if key not in climate}
            links.append((SiteClimate(**climate), rest))
    return links


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_is_that_of_itur(cause: str) -> None:
    links = itur_links()
    assert len(links) == 60
    for site, link in links:
        found = contributions(
            link["frequency_ghz"] * 1e9,
            link["elevation_deg"],
            site,
            link["exceedance_percent"],
            link["diameter_m"],
            link["tilt_deg"],
            link["efficiency"],
        )
        ours = getattr(found, f"{cause}_db")
        # Gases: ITU-Rpy takes the surface's water vapour at the exceedance, here it is the median.
        near = {"gases": 0.02, "total": 0.02}.get(cause, 0.001)
        assert float(ours) == pytest.approx(link[cause], abs=near), link


@pytest.mark.parametrize(
    ("frequency_ghz", "per_km"),
    # ITU-R P.838-3, table 5: k and alpha, here at 50 mm/h: (k_H, alpha_H, k_V, alpha_V).
    [
        (2, (0.0000847, 1.0664, 0.0000998, 0.9490)),
        (8, (0.004115, 1.3905, 0.003450, 1.3797)),
        (12, (0.02386, 1.1825, 0.02455, 1.1216)),
        (20, (0.09164, 1.0568, 0.09611, 0.9847)),
        (30, (0.2403, 0.9485, 0.2291, 0.9129)),
    ],
    ids=lambda value: f"{value} GHz" if isinstance(value, int) else "",
)
def test_specific_attenuation_is_that_of_the_recommendations_table(
    frequency_ghz: float, per_km: tuple[float, float, float, float]
) -> None:
    k_h, alpha_h, k_v, alpha_v = per_km
    for tilt, k, alpha in ((0, k_h, alpha_h), (90, k_v, alpha_v)):
        found = specific_attenuation_db_per_km(frequency_ghz * 1e9, 0.0, 50.0, tilt)
        assert float(found) == pytest.approx(k * 50**alpha, rel=2e-3)


@pytest.mark.parametrize("frequency_ghz", [2.2, 8.2, 14.0, 20.0, 26.0, 30.0])
def test_zenith_gases_agree_with_an_integration_line_by_line(frequency_ghz: float) -> None:
    """P.676-12 annex 1 over the reference atmosphere of P.835: another method, the same air."""
    height = np.concatenate([np.linspace(0, 11, 441), np.linspace(11, 20, 91)[1:]])
    geopotential = 6356.766 * height / (6356.766 + height)
    temperature = np.where(geopotential <= 11, 288.15 - 6.5 * geopotential, 216.65)
    pressure = np.where(
        geopotential <= 11,
        1013.25 * (288.15 / (288.15 - 6.5 * np.minimum(geopotential, 11))) ** (-34.1632 / 6.5),
        226.3226 * np.exp(-34.1632 * (geopotential - 11) / 216.65),
    )
    vapour = 7.5 * np.exp(-height / 2)
    per_km = oxygen_db_per_km(frequency_ghz, pressure, vapour, temperature) + vapour_db_per_km(
        frequency_ghz, pressure, vapour, temperature
    )
    whole = float(np.trapezoid(per_km, height))
    site = replace(
        SINGAPORE,
        latitude_deg=45,
        height_km=0.0,
        temperature_k=288.15,
        pressure_hpa=1013.25,
        water_vapour_g_m3=7.5,
        integrated_vapour_kg_m2=(15.0,) * 8,
    )
    assert float(gas_attenuation_db(frequency_ghz * 1e9, 90.0, site)) == pytest.approx(
        whole, rel=0.06
    )


def test_rain_of_a_path_worked_by_hand() -> None:
    """P.618-13 §2.2.1.1 step by step: 14 GHz, 30°, 50° N, 30 mm/h, rain up to 3 km, circular."""
    k, alpha = 0.03738, 1.1396  # P.838-3 table 5 at 14 GHz: k_H = 0.03738, alpha_H = 1.1396
    k_v, alpha_v = 0.04126, 1.0646
    mean_k = (k + k_v) / 2
    mean_alpha = (k * alpha + k_v * alpha_v) / (2 * mean_k)
    gamma = mean_k * 30**mean_alpha
    slant = 3 / 0.5
    ground = slant * np.cos(np.radians(30))
    r = 1 / (1 + 0.78 * np.sqrt(ground * gamma / 14) - 0.38 * (1 - np.exp(-2 * ground)))
    zeta = np.degrees(np.arctan(3 / (ground * r)))
    length = ground * r / np.cos(np.radians(30)) if zeta > 30 else 3 / 0.5
    v = 1 / (1 + np.sqrt(0.5) * (31 * (1 - np.exp(-30)) * np.sqrt(length * gamma) / 14**2 - 0.45))
    at_001 = gamma * length * v
    site = replace(
        SINGAPORE, latitude_deg=50, height_km=0.0, rain_rate_001_mm_h=30.0, rain_height_km=3.0
    )
    assert float(rain_attenuation_db(14e9, 30.0, site, 0.01)) == pytest.approx(at_001, rel=2e-3)
    exponent = 0.655 + 0.033 * np.log(0.1) - 0.045 * np.log(at_001)
    assert float(rain_attenuation_db(14e9, 30.0, site, 0.1)) == pytest.approx(
        at_001 * 10**-exponent, rel=2e-3
    )


@pytest.mark.parametrize("frequency_ghz", [2.0, 8.0, 20.0, 30.0, 60.0])
def test_cloud_coefficient_is_rayleighs(frequency_ghz: float) -> None:
    """Absorption of small spheres, 6π/λ Im(−K), with Liebe's complex permittivity of water."""
    theta = 300 / 273.15
    static = 77.66 + 103.3 * (theta - 1)
    middle, infinite = 0.0671 * static, 3.52
    principal = 20.20 - 146 * (theta - 1) + 316 * (theta - 1) ** 2
    permittivity = static - frequency_ghz * (
        (static - middle) / (frequency_ghz + 1j * principal)
        + (middle - infinite) / (frequency_ghz + 1j * 39.8 * principal)
    )
    absorbing = abs(((permittivity - 1) / (permittivity + 2)).imag)
    wavelength_m = 0.299792458 / frequency_ghz
    # A gram of water in a cubic metre fills 1e-6 of it.
    per_km = 10 * np.log10(np.e) * 6 * np.pi / wavelength_m * absorbing * 1e-6 * 1000
    assert liquid_water_coefficient(frequency_ghz * 1e9) == pytest.approx(per_km, rel=2e-3)


@pytest.mark.parametrize("at_site_percent", [1e-6, 50.0, 99.999999, 100.0])
def test_rain_on_the_path_is_at_least_as_frequent_as_at_the_site(at_site_percent: float) -> None:
    site = replace(SINGAPORE, rain_probability_percent=at_site_percent)
    found = rain_attenuation_probability_percent([5.0, 30.0, 90.0], site)
    assert np.all(found >= at_site_percent * (1 - 1e-6))
    assert np.all(found <= 100.0)


@pytest.mark.parametrize("elevation", [5.0, 20.0, 60.0, 90.0])
def test_probability_of_rain_on_the_path(elevation: float) -> None:
    """P.618-13 §2.2.1.2, with scipy's bivariate normal distribution."""
    at_site = SINGAPORE.rain_probability_percent / 100
    length = (SINGAPORE.rain_height_km - SINGAPORE.height_km) / np.sin(np.radians(elevation))
    distance = length * np.cos(np.radians(elevation))
    correlation = 0.59 * np.exp(-distance / 31) + 0.41 * np.exp(-distance / 800)
    threshold = NormalDist().inv_cdf(1 - at_site)
    both = stats.multivariate_normal.cdf(
        [-threshold, -threshold], cov=[[1, correlation], [correlation, 1]], allow_singular=True
    )
    spread = (both - at_site**2) / (at_site * (1 - at_site))
    expected = 100 * (1 - (1 - at_site) * spread**at_site)
    found = float(rain_attenuation_probability_percent(elevation, SINGAPORE))
    assert found == pytest.approx(expected, rel=1e-4)
    assert found >= SINGAPORE.rain_probability_percent - 1e-9


@given(elevations, elevations, st.floats(0.01, 10))
def test_a_lower_path_is_longer(one: float, other: float, layer: float) -> None:
    low, high = sorted((one, other))
    assert slant_factor(low, layer) >= slant_factor(high, layer) * (1 - 1e-12) >= 1 - 1e-12
    # No path within a shell over a sphere of 8500 km is longer than the one along the horizon.
    assert slant_factor(low, layer) <= max(np.sqrt(2 * 8500 / layer) * 1.0001, 11.5)


@given(sites(), frequencies, elevations, elevations, percents)
def test_gases_and_clouds_never_weaken_towards_the_horizon(
    site: SiteClimate, frequency: float, one: float, other: float, percent: float
) -> None:
    low, high = sorted((one, other))
    gases = gas_attenuation_db(frequency, [low, high], site, percent)
    clouds = cloud_attenuation_db(frequency, [low, high], site, percent)
    assert gases[0] >= gases[1] * (1 - 1e-12) > 0
    assert clouds[0] >= clouds[1] * (1 - 1e-12) >= 0


@given(sites(), frequencies, elevations, percents, percents)
def test_rarer_is_worse(
    site: SiteClimate, frequency: float, elevation: float, one: float, other: float
) -> None:
    rare, common = sorted((one, other))
    for found in (
        gas_attenuation_db(frequency, elevation, site, [rare, common]),
        cloud_attenuation_db(frequency, elevation, site, [rare, common]),
        scintillation_fade_db(frequency, elevation, site, [rare, common], 5.0),
    ):
        assert np.all(np.isfinite(found))
        assert found[0] >= found[1] * (1 - 1e-9) >= 0


@given(sites(), frequencies, elevations, percents, st.floats(1, 2))
def test_more_rain_attenuates_more(
    site: SiteClimate, frequency: float, elevation: float, percent: float, more: float
) -> None:
    wetter = replace(site, rain_rate_001_mm_h=site.rain_rate_001_mm_h * more)
    per_km = [
        float(specific_attenuation_db_per_km(frequency, elevation, s.rain_rate_001_mm_h))
        for s in (site, wetter)
    ]
    assert per_km[1] >= per_km[0] * (1 - 1e-12)
    found = rain_attenuation_db(frequency, elevation, wetter, percent)
    assert np.isfinite(found)
    assert found >= rain_attenuation_db(frequency, elevation, site, percent) * (1 - 1e-9)


@given(sites(), st.floats(2e9, 20e9), st.floats(0.01, 5))
def test_rain_grows_towards_the_horizon_up_to_twenty_degrees(
    site: SiteClimate, frequency: float, percent: float
) -> None:
    """Higher up, P.618's adjustments let rain grow with elevation, most so near the equator."""
    falling = rain_attenuation_db(frequency, np.linspace(1, 20, 39), site, percent)
    rise = np.diff(falling)
    assert np.all(rise <= 0.01 * falling[:-1] + 1e-9)


def test_no_rain_above_the_rain() -> None:
    above = replace(SINGAPORE, height_km=5.5, pressure_hpa=standard_pressure_hpa(5.5))
    assert np.all(rain_attenuation_db(26e9, [5.0, 90.0], above, [0.01, 1.0]) == 0)
    assert np.all(rain_attenuation_probability_percent([5.0, 90.0], above) == 0)


@given(sites(), frequencies, elevations, percents)
def test_excess_is_what_the_total_has_over_the_median_gases(
    site: SiteClimate, frequency: float, elevation: float, percent: float
) -> None:
    excess = float(excess_attenuation_db(frequency, elevation, site, percent, 5.0))
    total = float(contributions(frequency, elevation, site, percent, 5.0).total_db)
    assert excess >= 0
    assert excess == pytest.approx(
        total - float(gas_attenuation_db(frequency, elevation, site)), abs=1e-9
    )


def test_shapes_are_broadcast() -> None:
    elevation, percent = np.array([[5.0], [20.0], [90.0]]), np.array([0.1, 1.0])
    whole = contributions(20e9, elevation, SINGAPORE, percent, 5.0).total_db
    assert whole.shape == (3, 2)
    for row, e in enumerate(elevation[:, 0]):
        for column, p in enumerate(percent):
            alone = contributions(20e9, e, SINGAPORE, p, 5.0).total_db
            assert whole[row, column] == pytest.approx(float(alone), rel=1e-12)


def test_quantiles_are_interpolated_in_the_logarithm() -> None:
    values = tuple(8.0 - i for i in range(8))
    assert [float(exceeded(values, p)) for p in PROBABILITIES_PERCENT] == list(values)
    assert float(exceeded(values, np.sqrt(2.0))) == pytest.approx(7.5)
    assert float(exceeded(values, 0.001)) == 8.0
    assert float(exceeded(values, 99.0)) == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latitude_deg": 91.0}, "latitude in deg: 91.0; allowed is -90 to 90"),
        ({"rain_rate_001_mm_h": float("nan")}, "rain rate in mm/h: nan; allowed is 0 to 400"),
        ({"cloud_liquid_kg_m2": (1.0,)}, "cloud liquid water: 1 values; allowed is 8"),
        ({"integrated_vapour_kg_m2": tuple(range(8))}, "allowed is 200 down to 0"),
    ],
    ids=["latitude", "rain rate", "length", "order"],
)
def test_a_climate_that_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        replace(SINGAPORE, **change)  # type: ignore[arg-type]
