"""From a scenario's link to contacts: rates, causes, stations that differ, what must not change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from downpass.link.channel.downlink import MARGIN, PACKET_LOSS, RAIN, RateSegment
from downpass.link.channel.fade import NoFade
from downpass.link.channel.modulation import DVB_S2
from downpass.link.channel.rate_model import ElevationTable
from downpass.sim.mission.contacts import NOT_CLOSED, OUTAGE, contacts, rate_model, why_unused
from downpass.sim.mission.flight import Flight, fly
from downpass.sim.mission.link import OTHER_BAND, TOO_FAST, adaptive_link, budget_of
from downpass.sim.mission.link_moments import links_over_run
from downpass.sim.mission.weather import weather_of
from downpass.sim.scenario.scenario import Scenario
from small_scenarios import satellite, scenario

LINK: dict[str, Any] = {
    "frequency": "8.2 GHz",
    "eirp": "10 dBW",
    "symbol_rate": "25 Msymbol/s",
    "modes": "dvb-s2",
    "coding": "acm",
    "reaction_time": "0 s",
}
DISH = {"use": "svalbard", "receiver": {"g_over_t": "20 dB/K"}}


def read(stations: Sequence[Any], link: dict[str, Any] | None = None, **changes: Any) -> Scenario:
    transmitter = {"link": link or LINK}
    given = scenario(None, satellites=[satellite(transmitter=transmitter)], stations=stations)
    return Scenario.model_validate(given | changes)


def flown(given: Scenario) -> tuple[Flight, dict[int, list[RateSegment]]]:
    """The flight, and the segments of each pass with a contact, by index of the pass."""
    flight = fly(given)
    model = {
        s.name: rate_model(given.satellites[0], s, weather_of(given)(given.satellites[0], s))
        for s in given.stations
    }
    found = {}
    for contact in contacts(given, flight.passes, weather_of(given)):
        one = flight.passes[contact.pass_index]
        found[contact.pass_index] = model[given.stations[one.station].name].segments(one)
        assert contact.downlink.capacity == sum(
            (s.end - s.start) * s.bits_per_second for s in found[contact.pass_index]
        ) // (8 * 10**6)
    return flight, found


def test_a_link_gives_each_pass_modes_that_its_budget_carries() -> None:
    given = read([DISH], weather="none")
    flight, found = flown(given)
    assert len(found) == len(flight.passes) > 3
    budget = budget_of(given.satellites[0], given.stations[0])
    required = {mode.name: mode.required_es_n0_db for mode in DVB_S2}
    for index, segments in found.items():
        one = flight.passes[index]
        assert all(s.packet_loss == 0.0 and s.mode for s in segments)
        for segment in segments:
            middle = np.array([(segment.start + segment.end) / 2e6])
            es_n0 = budget.es_n0_db(one.elevation_deg_at(middle), one.slant_range_m_at(middle))
            assert float(es_n0[0]) >= required[segment.mode] + 1.0 - 1e-6


def test_a_larger_dish_carries_more_and_rain_carries_less() -> None:
    sizes = []
    for g_over_t, weather in (("14 dB/K", "none"), ("20 dB/K", "none"), ("20 dB/K", "rain")):
        how: Any = {"availability": 0.9999} if weather == "rain" else weather
        given = read(
            [{"use": "singapore", "receiver": {"g_over_t": g_over_t}}],
            duration="48 h",
            weather=how,
        )
        sizes.append(
            sum(
                contact.downlink.capacity
                for contact in contacts(given, fly(given).passes, weather_of(given))
            )
        )
    assert 0 < sizes[0] < sizes[1]
    assert sizes[2] < sizes[1]


def test_ccm_loses_by_margin_and_by_rain() -> None:
    ccm = {key: value for key, value in LINK.items() if key != "reaction_time"}
    ccm |= {"coding": "ccm", "mode": "16APSK 3/4"}
    _, dry = flown(read([DISH], ccm, weather="none"))
    causes = {(s.packet_loss, s.loss_cause) for segments in dry.values() for s in segments}
    assert causes == {(0.0, PACKET_LOSS), (1.0, MARGIN)}
    station = {"use": "singapore", "receiver": {"g_over_t": "20 dB/K"}}
    _, wet = flown(read([station], ccm, duration="48 h", weather={"availability": 0.9999}))
    assert RAIN in {s.loss_cause for segments in wet.values() for s in segments}


@pytest.mark.parametrize(
    ("receiver", "cause"),
    [
        ({"g_over_t": "20 dB/K", "bands": ["S"]}, OTHER_BAND),
        ({"g_over_t": "20 dB/K", "largest_symbol_rate": "10 Msymbol/s"}, TOO_FAST),
        ({"g_over_t": "-40 dB/K"}, NOT_CLOSED),
    ],
)
def test_a_pass_without_a_contact_says_why(receiver: dict[str, Any], cause: str) -> None:
    given = read([{"use": "svalbard", "receiver": receiver}])
    flight = fly(given)
    assert list(contacts(given, flight.passes, weather_of(given))) == []
    assert {why_unused(given, one) for one in flight.passes} == {cause}


def test_an_outage_of_the_whole_run_is_the_cause_also_with_a_link() -> None:
    outage = {"from": "2024-12-01T00:00:00Z", "to": "2024-12-03T00:00:00Z"}
    given = read([DISH | {"outages": [outage]}])
    flight = fly(given)
    assert list(contacts(given, flight.passes, weather_of(given))) == []
    assert {why_unused(given, one) for one in flight.passes} == {OUTAGE}


def test_a_stations_own_rate_comes_before_the_satellites() -> None:
    own = {"use": "svalbard", "rate": "5 Mbit/s"}
    given = Scenario.model_validate(scenario(None, stations=[own, "awarua"]))
    table = rate_model(given.satellites[0], given.stations[0], NoFade())
    assert table == ElevationTable((-90.0,), (5_000_000,))
    other = rate_model(given.satellites[0], given.stations[1], NoFade())
    assert other == ElevationTable((-90.0,), (9600,))
    # A satellite with a link uses the table where the station has no receiver.
    linked = read([own])
    assert rate_model(linked.satellites[0], linked.stations[0], NoFade()) == table


def test_the_best_and_the_worst_moment_bound_all_passes() -> None:
    given = read([DISH], duration="24 h")
    (one,) = links_over_run(fly(given))
    best, worst = one.best(), one.worst()
    assert best is not None
    assert worst is not None
    for over in one.passes:
        assert worst.es_n0_db - 1e-6 <= over.es_n0_db.min()
        assert over.es_n0_db.max() <= best.es_n0_db + 1e-6
        assert over.received_bytes <= over.carried_bytes
    named = {line.name: line for line in best.lines}
    link = adaptive_link(given.satellites[0], given.stations[0], NoFade())
    rates = {mode.name: rate for mode, rate in zip(link.modes, link.bits_per_second, strict=True)}
    assert named["information rate"].value == pytest.approx(rates[best.mode] / 1e6)
    assert named["margin"].value == pytest.approx(
        named["Es/N0"].value - named["required Es/N0"].value
    )


@pytest.mark.parametrize(
    ("symbol_rate", "value", "unit"),
    [("9600 Bd", 24.264, "kbit/s"), ("100 Bd", 252.0, "bit/s"), ("1 MBd", 2.528, "Mbit/s")],
)
def test_a_small_rate_has_a_small_unit(symbol_rate: str, value: float, unit: str) -> None:
    link = LINK | {"coding": "ccm", "mode": "16APSK 2/3", "symbol_rate": symbol_rate}
    del link["reaction_time"]
    given = scenario(
        None,
        satellites=[satellite(transmitter={"link": link, "packet": "1024 B"})],
        stations=[DISH],
        weather="none",
    )
    (one,) = links_over_run(fly(Scenario.model_validate(given)))
    best = one.best()
    assert best is not None
    rate = best.lines[-1]
    assert (round(rate.value, 3), rate.unit) == (value, unit)


@pytest.mark.parametrize(
    ("changes", "carried"),
    [
        ({}, 1024 / 1030),
        ({"packet": "16 B"}, 16 / 22),
        ({"packet": "16 B", "transfer": "acknowledged"}, 28 / 34),
        ({"packet": "65527 B", "transfer": "unacknowledged"}, 65536 / 65542),
    ],
)
def test_the_rate_is_less_by_the_headers_of_packets(
    changes: dict[str, Any], carried: float
) -> None:
    """docs/link.md works the rate of 16APSK 2/3 by hand; with CFDP, a packet carries a PDU."""
    link = LINK | {"coding": "ccm", "mode": "16APSK 2/3", "symbol_rate": "50 Msymbol/s"}
    del link["reaction_time"]
    transmitter = {"link": link} | changes
    given = scenario(None, satellites=[satellite(transmitter=transmitter)], stations=[DISH])
    checked = Scenario.model_validate(given)
    (rate,) = adaptive_link(checked.satellites[0], checked.stations[0], NoFade()).bits_per_second
    assert rate == int(50e6 * 42960 / 16686 * 1105 / 1119 * carried)
