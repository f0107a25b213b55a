"""The shipped grid of climates: known places, continuity, and what it must never return."""

from __future__ import annotations

import pytest
from downpass.link.channel.atmosphere.climate_map import climate_at
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("place", "at", "rain_rate", "rain_height"),
    # From the maps at full resolution: benchmarks/climate_map.py stations.
    [
        ("Neustrelitz", (53.33, 13.07, 110), 25.6, 2.53),
        ("Singapore", (1.40, 103.83, 20), 100.1, 4.97),
        ("Alice Springs", (-23.76, 133.88, 600), 35.2, 4.35),
        ("Svalbard", (78.23, 15.41, 440), 9.4, 1.91),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_known_places(
    place: str, at: tuple[float, float, float], rain_rate: float, rain_height: float
) -> None:
    found = climate_at(*at)
    assert found.rain_rate_001_mm_h == pytest.approx(rain_rate, rel=0.05)
    assert found.rain_height_km == pytest.approx(rain_height, abs=0.3)


@given(st.floats(-90, 90), st.floats(-360, 360), st.floats(-500, 9000))
def test_any_place_has_a_climate(latitude: float, longitude: float, height: float) -> None:
    found = climate_at(latitude, longitude, height)  # refuses what cannot be on Earth
    around = climate_at(latitude, longitude + 360, height)
    assert found.rain_rate_001_mm_h == pytest.approx(around.rain_rate_001_mm_h, abs=1e-3)


@given(st.floats(-89, 89), st.floats(-180, 180), st.floats(0, 3000))
def test_neighbours_are_alike(latitude: float, longitude: float, height: float) -> None:
    """Bilinear interpolation is continuous, at the borders of cells and at the date line, too."""
    here = climate_at(latitude, longitude, height)
    there = climate_at(latitude + 1e-4, longitude + 1e-4, height)
    assert here.rain_rate_001_mm_h == pytest.approx(there.rain_rate_001_mm_h, abs=0.05)
    assert here.temperature_k == pytest.approx(there.temperature_k, abs=0.05)
    assert here.integrated_vapour_kg_m2 == pytest.approx(there.integrated_vapour_kg_m2, abs=0.05)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 2500))
def test_higher_stations_have_less_air_above(
    latitude: float, longitude: float, height: float
) -> None:
    low, high = (
        climate_at(latitude, longitude, height),
        climate_at(latitude, longitude, height + 500),
    )
    assert high.pressure_hpa < low.pressure_hpa
    assert high.water_vapour_g_m3 <= low.water_vapour_g_m3
    assert all(
        above <= below
        for above, below in zip(
            high.integrated_vapour_kg_m2, low.integrated_vapour_kg_m2, strict=True
        )
    )
