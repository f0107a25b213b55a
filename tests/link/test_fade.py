"""Fades have the distribution that the Recommendations give, at every elevation and frequency."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from downpass.link.channel.atmosphere.cloud import cloud_attenuation_db
from downpass.link.channel.atmosphere.rain import (
    rain_attenuation_db,
    rain_attenuation_probability_percent,
)
from downpass.link.channel.atmosphere.site import SiteClimate
from downpass.link.channel.atmosphere.total import excess_attenuation_db
from downpass.link.channel.fade import ConstantFade, NoFade
from downpass.link.channel.rain_fade import RainFade, state_of_percent
from downpass.link.channel.rain_series import STEP_S, RainSeries
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

Array = NDArray[np.float64]

SITES = {
    "tropical": SiteClimate(
        latitude_deg=1.35,
        height_km=0.02,
        rain_rate_001_mm_h=100.1,
        rain_probability_percent=4.33,
        rain_height_km=4.9,
        temperature_k=300,
        pressure_hpa=1008,
        water_vapour_g_m3=21,
        wet_refractivity=110,
        integrated_vapour_kg_m2=(65, 63, 62, 60, 58, 56, 55, 52),
        cloud_liquid_kg_m2=(1.2, 1.0, 0.9, 0.8, 0.6, 0.4, 0.3, 0.15),
    ),
    "polar": SiteClimate(
        latitude_deg=78.2,
        height_km=0.45,
        rain_rate_001_mm_h=9.4,
        rain_probability_percent=3.07,
        rain_height_km=2.0,
        temperature_k=268,
        pressure_hpa=1000,
        water_vapour_g_m3=4,
        wet_refractivity=30,
        integrated_vapour_kg_m2=(18, 16, 15, 14, 12, 10, 9, 6),
        cloud_liquid_kg_m2=(0.8, 0.7, 0.6, 0.5, 0.35, 0.2, 0.12, 0.02),
    ),
    "dry": SiteClimate(
        latitude_deg=-27.8,
        height_km=0.2,
        rain_rate_001_mm_h=20.9,
        rain_probability_percent=0.54,
        rain_height_km=3.8,
        temperature_k=293,
        pressure_hpa=1010,
        water_vapour_g_m3=12,
        wet_refractivity=70,
        integrated_vapour_kg_m2=(38, 36, 35, 33, 30, 27, 25, 20),
        cloud_liquid_kg_m2=(0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.0),
    ),
}
FREQUENCIES_HZ = (2.2e9, 8.2e9, 26e9)

each_site = pytest.mark.parametrize("site", SITES.values(), ids=SITES.keys())
each_frequency = pytest.mark.parametrize("frequency_hz", FREQUENCIES_HZ)


def assert_close_to(found: Array, formula: Callable[[Array], Array], elevation: Array) -> None:
    """Compare with a formula that may jump with elevation, as P.618's path length does.

    Where it jumps, between its values on both sides is close enough.
    """
    around = np.stack([formula(np.clip(elevation + turn, 1.0, 90.0)) for turn in (-1.2, 0.0, 1.2)])
    least, most = around.min(axis=0), around.max(axis=0)
    assert (found >= 0.99 * least - 0.001).all()
    assert (found <= 1.01 * most + 0.001).all()
    smooth = most - least < 0.2 * around[1] * np.minimum(5.0, 20.0 / elevation)
    exact = np.abs(found - around[1]) <= 0.01 * around[1] + 0.001
    assert exact[smooth & (elevation < 88.0)].mean() > 0.99


@each_site
@each_frequency
def test_a_state_has_the_attenuation_that_p618_gives_for_its_share_of_the_year(
    site: SiteClimate, frequency_hz: float
) -> None:
    rng = np.random.default_rng(1)
    elevation = rng.uniform(2.0, 90.0, 3000)
    # Below 0.01 %, P.618's attenuation at 26 GHz falls again towards rarer weather.
    percent = np.exp(rng.uniform(np.log(0.01), np.log(5.0), 3000))
    state = np.array([state_of_percent(float(p)) for p in percent])

    def formula(elevation_deg: Array) -> Array:
        rain = rain_attenuation_db(frequency_hz, elevation_deg, site, percent)
        clouds = np.maximum(percent, 1.0)
        return rain + cloud_attenuation_db(frequency_hz, elevation_deg, site, clouds)

    found = RainFade(RainSeries(1, "here"), frequency_hz, site).at_state(state, elevation)
    assert_close_to(found, formula, elevation)


@each_site
def test_rain_ends_where_it_no_longer_falls_on_the_path(site: SiteClimate) -> None:
    elevation = np.array([5.0, 10.0, 30.0, 80.0])
    fade = RainFade(RainSeries(1, "here"), 8.2e9, site)
    wet = np.maximum(rain_attenuation_probability_percent(elevation, site), 6.0)
    for share, angle in zip(wet, elevation, strict=True):
        at = np.array([angle, angle])
        levels = np.array([state_of_percent(share * 1.1), state_of_percent(60.0)])
        clouds = cloud_attenuation_db(8.2e9, at, site, np.array([share * 1.1, 60.0]))
        assert fade.at_state(levels, at) == pytest.approx(clouds, abs=0.02)
        within = fade.at_state(np.array([state_of_percent(5.01)]), at[:1])
        assert within == pytest.approx(
            rain_attenuation_db(8.2e9, angle, site, 5.0)
            + cloud_attenuation_db(8.2e9, angle, site, 5.0),
            rel=0.05,
        )


@given(
    st.sampled_from(sorted(SITES)),
    st.sampled_from(FREQUENCIES_HZ),
    st.lists(st.floats(-8, 8), min_size=2, max_size=20),
    st.floats(0, 90),
)
def test_rarer_weather_never_attenuates_less(
    name: str, frequency_hz: float, states: list[float], elevation_deg: float
) -> None:
    fade = RainFade(RainSeries(1, "here"), frequency_hz, SITES[name])
    found = fade.at_state(np.sort(states), np.full(len(states), elevation_deg))
    assert (np.diff(found) >= 0).all()
    assert np.isfinite(found).all()
    assert found[0] >= 0


def test_two_links_of_a_station_fade_together_each_at_its_frequency_and_elevation() -> None:
    times = np.arange(0.0, 20 * 86_400.0, 300.0)
    weather = RainSeries(5, "tropical")
    low = RainFade(weather, 8.2e9, SITES["tropical"]).attenuation_db(times, np.full(len(times), 10))
    high = RainFade(weather, 26e9, SITES["tropical"]).attenuation_db(times, np.full(len(times), 60))
    assert (np.argsort(low[low > 0.5]) == np.argsort(high[low > 0.5])).mean() > 0.95
    assert high.max() > 2 * low.max() > 0


def test_over_years_p618s_attenuation_is_exceeded_for_its_share_of_the_time() -> None:
    # Four times ten years, one state every 1024 s. Ten years alone scatter by 5 % of the share at
    # 0.3 % of the time and by 8 % at 0.1 %; benchmarks/rain_series.py prints that, for every step.
    site, decades = SITES["tropical"], [RainSeries(seed, "here") for seed in range(1, 5)]
    states = np.concatenate([one.coarse(span)[:-1] for one in decades for span in range(2408)])
    fade = RainFade(decades[0], 8.2e9, site)
    found = fade.at_state(states, np.full(len(states), 20.0))
    for percent, tolerance in ((3.0, 0.1), (1.0, 0.1), (0.3, 0.1), (0.1, 0.25)):
        clouds = cloud_attenuation_db(8.2e9, 20.0, site, max(percent, 1.0))
        level = rain_attenuation_db(8.2e9, 20.0, site, percent) + clouds
        assert (found > level).mean() * 100 == pytest.approx(percent, rel=tolerance)


def test_attenuation_over_time_follows_the_stations_weather() -> None:
    site, weather = SITES["polar"], RainSeries(4, "here")
    times, elevation = np.arange(0.0, 40_000.0, 37.0), np.linspace(5.0, 85.0, 1082)
    fade = RainFade(weather, 26e9, site)
    found = fade.attenuation_db(times, elevation)
    assert (found == fade.at_state(weather.state(times), elevation)).all()
    assert (found == np.round(found, 6)).all()
    assert fade.step_s == STEP_S


@each_site
@each_frequency
@pytest.mark.parametrize("availability", [0.9, 0.995, 0.9999])
def test_a_fixed_availability_is_p618_at_each_elevation(
    site: SiteClimate, frequency_hz: float, availability: float
) -> None:
    elevation = np.random.default_rng(2).uniform(2.0, 90.0, 500)
    fade = ConstantFade(frequency_hz, site, availability, diameter_m=3.0)

    def formula(elevation_deg: Array) -> Array:
        percent = 100 * (1 - availability)
        return excess_attenuation_db(frequency_hz, elevation_deg, site, percent, 3.0)

    found = fade.attenuation_db(np.zeros(500), elevation)
    assert_close_to(found, formula, elevation)
    assert (fade.attenuation_db(np.full(500, 1e6), elevation) == found).all()


@pytest.mark.parametrize("availability", [0.49, 0.999999, 1.0, float("nan")])
def test_an_availability_that_p618_does_not_give_is_refused(availability: float) -> None:
    with pytest.raises(ValueError, match=r"allowed is 0\.5 to 0\.99999"):
        ConstantFade(8.2e9, SITES["polar"], availability, 3.0)


def test_a_clear_sky_never_fades() -> None:
    assert (NoFade().attenuation_db(np.arange(5.0), np.full(5, 3.0)) == 0).all()
