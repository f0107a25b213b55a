"""Weather in a scenario: which fade each link has, and what it loses, from file to tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from downpass.link.channel.fade import ConstantFade, NoFade
from downpass.link.channel.rain_fade import RainFade
from downpass.link.channel.rain_series import RainSeries
from downpass.sim.evaluate import evaluate
from downpass.sim.mission.contacts import contacts
from downpass.sim.mission.flight import fly
from downpass.sim.mission.weather import weather_of
from downpass.sim.scenario.load import ScenarioError, load_scenario
from small_scenarios import downpass, satellite, scenario, write

CARRIER = {
    "frequency": "26 GHz",
    "eirp": "24 dBW",
    "symbol_rate": "100 kBd",
    "modes": "dvb-s2",
    "coding": "ccm",
    "mode": "QPSK 3/4",
}
SINGAPORE = {"name": "singapore", "at": [1.35, 103.82], "receiver": {"g_over_t": "20 dB/K"}}
KOUROU = {"name": "kourou", "at": [5.25, -52.8], "receiver": {"g_over_t": "20 dB/K"}}


def sender(name: str = "sparrow", packet_loss: float = 0.001, **carrier: Any) -> dict[str, Any]:
    """A satellite with frames of 640 x 640 pixels, 12 bit each, and a link."""
    imager = satellite()["imager"] | {"gsd": "2 m"}
    return satellite(
        name=name,
        imager=imager,
        recorder={"capacity": "1 GB"},
        codec={"name": "jpeg2000", "bpp": 12.0},
        transmitter={"link": CARRIER | carrier, "packet_loss": packet_loss},
    )


def ka_band(tmp_path: Path, **changes: Any) -> Path:
    """A scenario of four days, in Ka band over two tropical stations, with more data than link."""
    given = {"satellites": [sender()], "stations": [SINGAPORE, KOUROU], "duration": "4 d"}
    return write(tmp_path, scenario(None, **(given | changes)))


@pytest.mark.parametrize(
    ("weather", "kind"),
    [
        ({}, RainFade),
        ({"weather": None}, RainFade),
        ({"weather": "drawn"}, RainFade),
        ({"weather": {"rain": "drawn"}}, RainFade),
        ({"weather": "none"}, NoFade),
        ({"weather": {"availability": 0.99}}, ConstantFade),
    ],
    ids=["default", "null", "word", "mapping", "none", "availability"],
)
def test_a_link_has_the_weather_that_the_file_asks_for(
    weather: dict[str, Any], kind: type, tmp_path: Path
) -> None:
    found = load_scenario(ka_band(tmp_path, **weather))
    fade = weather_of(found)(found.satellites[0], found.stations[0])
    assert isinstance(fade, kind)
    if isinstance(fade, ConstantFade):
        assert fade.availability == 0.99


def test_satellites_share_the_weather_of_a_station_and_stations_do_not(tmp_path: Path) -> None:
    both = [sender(), sender("lower", frequency="8.2 GHz")]
    found = load_scenario(ka_band(tmp_path, satellites=both))
    fade, times = weather_of(found), np.arange(0.0, 86_400.0, 60.0)
    high, low, elsewhere = (
        fade(found.satellites[s], found.stations[g]).attenuation_db(times, np.full(1440, 20.0))
        for s, g in ((0, 0), (1, 0), (0, 1))
    )
    wet = RainSeries(1, "singapore").state(times) > 1.0
    assert 0 < wet.sum() < len(wet)
    assert (np.diff(high[wet]) * np.diff(low[wet]) >= 0).all()
    assert high[wet].mean() > 3 * low[wet].mean()
    assert abs(np.corrcoef(high, elsewhere)[0, 1]) < 0.9


def test_other_satellites_and_stations_do_not_change_a_links_weather(tmp_path: Path) -> None:
    first = load_scenario(ka_band(tmp_path))
    more = load_scenario(
        ka_band(tmp_path, satellites=[sender("another"), sender()], stations=[KOUROU, SINGAPORE])
    )

    def carried(loaded: Any, name: str, station: str) -> list[tuple[int, int]]:
        passes = fly(loaded).passes
        return [
            (contact.downlink.start, contact.downlink.capacity)
            for contact in contacts(loaded, passes, weather_of(loaded))
            if loaded.satellites[contact.satellite].name == name
            and loaded.stations[contact.station].name == station
        ]

    for station in ("singapore", "kourou"):
        found = carried(first, "sparrow", station)
        assert found
        assert found == carried(more, "sparrow", station)


def test_what_rain_takes_is_counted_as_rain_in_summary_passes_and_terminal(tmp_path: Path) -> None:
    file = ka_band(tmp_path, seed=3)
    said = downpass("run", str(file), "--out", str(tmp_path / "out"), "--no-tradeoff")
    assert said.status == 0, said.err
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    lost = summary["total"]["bytes"]["lost"]
    assert lost["rain"] > 0
    assert lost["packet loss"] > 0
    passes = pq.read_table(tmp_path / "out" / "passes.parquet").to_pylist()
    columns = {"rain": "rain", "packet loss": "packet_loss", "margin": "margin"}
    for cause, column in (*columns.items(), ("cut off", "cut_off")):
        assert sum(row[f"lost_{column}_bytes"] for row in passes) == lost.get(cause, 0)
    for row in passes:
        parts = ("rain", "packet_loss", "margin", "cut_off")
        assert row["lost_bytes"] == sum(row[f"lost_{part}_bytes"] for part in parts)
        assert row["sent_bytes"] >= row["received_bytes"] + row["lost_bytes"]
    shown = [line for line in said.out.splitlines() if " kB rain" in line or " MB rain" in line]
    assert len(shown) == 1
    assert shown[0].startswith("lost on the way")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "lost: rain" in page
    assert "was lost on the way" in page


def test_under_a_clear_sky_nothing_is_lost_to_rain(tmp_path: Path) -> None:
    clear = evaluate(load_scenario(ka_band(tmp_path, weather="none")), tmp_path / "cache")
    assert "total.bytes.lost.rain" not in clear
    # Too little power for the mode at low elevations, and no weather to blame.
    weak = ka_band(tmp_path, weather="none", satellites=[sender(eirp="4 dBW")])
    lost = evaluate(load_scenario(weak), tmp_path / "cache")
    assert int(str(lost["total.bytes.lost.margin"])) > 0
    assert "total.bytes.lost.rain" not in lost


def test_the_same_seed_has_the_same_weather_and_another_seed_another(tmp_path: Path) -> None:
    def figures(seed: int) -> object:
        return evaluate(load_scenario(ka_band(tmp_path, seed=seed)), tmp_path / "cache")

    assert figures(3) == figures(3)
    first, other = (figures(seed) for seed in (3, 4))
    assert isinstance(first, dict)
    assert isinstance(other, dict)
    assert first["total.bytes.lost.rain"] != other.get("total.bytes.lost.rain")


@pytest.mark.parametrize(
    ("weather", "problem"),
    [
        ("dawn", ("weather: found dawn; allowed: a mapping such as {availability: 0.995}, or one "
         "of drawn, none; did you mean drawn?")),
        (3, ("weather: found 3; allowed: a mapping such as {availability: 0.995}, or one of "
         "drawn, none")),
        ({}, "weather: found none of them; allowed: exactly one of rain, availability"),
        ({"rain": "drawn", "availability": 0.9}, ("weather.availability: found rain and "
         "availability; allowed: exactly one of rain, availability")),
        ({"availability": 0.4}, ("weather.availability: found 0.4; allowed: a number from 0.5 to "
         "0.99999")),
        ({"rain": "heavy"}, "weather.rain: found heavy; allowed: drawn, none"),
    ],
)  # fmt: skip
def test_weather_that_is_none_is_refused_in_one_line(
    weather: object, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ScenarioError) as error:
        load_scenario(ka_band(tmp_path, weather=weather))
    (line,) = error.value.problems
    assert line.endswith(problem)


@pytest.mark.parametrize("weather", ["drawn", {"availability": 0.9}])
def test_weather_without_a_link_is_refused(weather: object, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no transmitter has a link"):
        load_scenario(write(tmp_path, scenario(None, weather=weather)))
    assert load_scenario(write(tmp_path, scenario(None, weather="none"))).weather is not None
