"""The climate of stations: the shipped table's, a scenario's own, and the map's for the rest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from downpass.link.channel.atmosphere.climate_map import climate_at
from downpass.link.channel.atmosphere.total import excess_attenuation_db
from downpass.sim.mission.climate import site_climate
from downpass.sim.scenario import stations
from downpass.sim.scenario.ground import StationSpec


@pytest.mark.parametrize("name", stations.names())
def test_every_shipped_station_has_its_rain(name: str) -> None:
    station = StationSpec.model_validate(name)
    assert station.climate is not None
    found = site_climate(station)
    assert found.rain_rate_001_mm_h == station.climate.rain_rate
    assert found.rain_probability_percent == pytest.approx(
        100 * (station.climate.rain_probability or 0)
    )
    assert found.rain_height_km == pytest.approx((station.climate.rain_height or 0) / 1000)
    assert found.latitude_deg == station.at[0]
    assert found.height_km == station.altitude / 1000


def test_what_is_not_given_comes_from_the_map() -> None:
    plain = {"name": "mine", "at": [52.0, 4.4], "altitude": "10 m"}
    mapped = climate_at(52.0, 4.4, 10.0)
    assert site_climate(StationSpec.model_validate(plain)) == mapped
    own = StationSpec.model_validate(plain | {"climate": {"rain_rate": "60 mm/h"}})
    found = site_climate(own)
    assert found.rain_rate_001_mm_h == 60.0
    assert found.rain_height_km == mapped.rain_height_km
    assert found.rain_probability_percent == mapped.rain_probability_percent


def test_the_table_of_excess_attenuation_is_what_is_computed() -> None:
    """docs/link.md, "Atmosphere"."""
    page = (Path(__file__).parents[2] / "docs" / "link.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+), ([\d.]+) GHz \|((?: [\d.]+ \|){4})$", page, re.M)
    assert len(rows) == 6
    for name, frequency, figures in rows:
        site = site_climate(StationSpec.model_validate(name.lower()))
        excess = excess_attenuation_db(float(frequency) * 1e9, 10.0, site, (1, 0.5, 0.1, 0.01), 7.3)
        assert [f"{value:.1f}" for value in excess] == re.findall(r"[\d.]+", figures)


def test_no_rain_is_a_figure() -> None:
    dry = {"rain_rate": 0, "rain_probability": 0}
    station = StationSpec.model_validate({"name": "mine", "at": [1, 104], "climate": dry})
    found = site_climate(station)
    assert (found.rain_rate_001_mm_h, found.rain_probability_percent) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("climate", "message"),
    [
        ({"rain_rate": "60 km"}, "unit km does not fit here"),
        ({"rain_rate": "500 mm/h"}, "allowed: 0 mm/h to 300 mm/h"),
        ({"rain_probability": 4.3}, "allowed: a number from 0 to 1"),
    ],
    ids=["unit", "flood", "percent"],
)
def test_what_cannot_be_is_refused(climate: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StationSpec.model_validate({"name": "mine", "at": [1, 104], "climate": climate})
