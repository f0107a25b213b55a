"""The link budget: published and hand-computed budgets, its lines, and its laws."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from downpass.link.channel.antenna import (
    dish_beamwidth_deg,
    dish_diameter_m,
    dish_gain_dbi,
    free_space_loss_db,
    sky_temperature_k,
)
from downpass.link.channel.atmosphere.climate_map import climate_at
from downpass.link.channel.atmosphere.site import SiteClimate
from downpass.link.channel.atmosphere.total import excess_attenuation_db
from downpass.link.channel.budget import LinkBudget
from downpass.link.channel.framing import Framing, information_rate
from downpass.link.channel.link_ends import Receiver, Transmitter
from downpass.link.channel.modulation import DVB_S2
from hypothesis import given
from hypothesis import strategies as st

TEMPERATE = SiteClimate(
    latitude_deg=53.3,
    height_km=0.1,
    rain_rate_001_mm_h=25.6,
    rain_probability_percent=5.0,
    rain_height_km=2.5,
    temperature_k=282.0,
    pressure_hpa=1001.0,
    water_vapour_g_m3=7.5,
    wet_refractivity=47.0,
    integrated_vapour_kg_m2=(33.0, 30.5, 29.0, 27.0, 24.0, 20.5, 18.0, 14.5),
    cloud_liquid_kg_m2=(1.3, 1.1, 0.95, 0.75, 0.48, 0.2, 0.08, 0.01),
)
NEUSTRELITZ = replace(
    climate_at(53.33, 13.072, 110.0),
    rain_rate_001_mm_h=25.6,
    rain_probability_percent=5.0,
    rain_height_km=2.53,
)
X_BAND = LinkBudget(
    Transmitter(8.2e9, 10.0, 50e6, implementation_loss_db=1.5, pointing_loss_db=0.5),
    Receiver(g_over_t_db_per_k=31.0, system_temperature_k=120.0, pointing_loss_db=0.2),
    TEMPERATE,
)


def by_name(budget: LinkBudget, *at: float) -> dict[str, float]:
    return {line.name: line.value for line in budget.lines(*at)}


def test_a_published_budget() -> None:
    """Telemetry at 2200 MHz: EURASIP J. Wirel. Commun. Netw. 2020, 13638-020-01674-9, table 1.

    EIRP 38.3 dBm, free-space loss 162.2 dB, depointing 10 dB, 5 m at 50 % with 38.2 dBi, 130 K:
    C/N0 81.8 dBHz; 3.4 Mbit/s: Eb/N0 16.5 dB. The table has no gases, so they are added here.
    """
    distance = 299_792_458 / (4 * math.pi * 2.2e9) * 10 ** (162.2 / 20)
    budget = LinkBudget(
        Transmitter(2.2e9, 8.3, 3.4e6, pointing_loss_db=10.0),
        Receiver(diameter_m=5.0, efficiency=0.5, system_temperature_k=130.0),
        TEMPERATE,
    )
    found = by_name(budget, 10.0, distance)
    assert found["receiver antenna gain"] == pytest.approx(38.2, abs=0.1)
    assert found["C/N0"] - found["gases"] == pytest.approx(81.8, abs=0.1)
    assert found["Es/N0"] - found["gases"] == pytest.approx(16.5, abs=0.1)


def test_an_x_band_budget_worked_by_hand() -> None:
    """docs/link.md works the same budget: 8.2 GHz, 10° elevation, 1600 km, 1 dB of fade."""
    found = by_name(X_BAND, 10.0, 1600e3, 1.0)
    space = 20 * math.log10(4 * math.pi * 1600e3 * 8.2e9 / 299_792_458)
    assert space == pytest.approx(174.8, abs=0.05)
    assert found["free-space loss"] == pytest.approx(-space)
    gases = -found["gases"]
    assert gases == pytest.approx(0.30, abs=0.05)
    # Stated at 10°, so the clear sky's noise there is that of the reference.
    clear = 275 * (1 - 10 ** (-gases / 10)) + 2.7 * 10 ** (-gases / 10)
    wet = 275 * (1 - 10 ** (-(gases + 1) / 10)) + 2.7 * 10 ** (-(gases + 1) / 10)
    temperature = 120 - clear + wet
    assert found["system noise temperature"] == pytest.approx(temperature)
    merit = 31 + 10 * math.log10(120) - 10 * math.log10(temperature)
    assert found["G/T"] == pytest.approx(merit)
    expected = 10 - 0.5 - space - gases - 1 - 0.2 + merit + 228.599 - 10 * math.log10(50e6) - 1.5
    assert found["Es/N0"] == pytest.approx(expected, abs=1e-3)
    assert float(X_BAND.es_n0_db(10.0, 1600e3, 1.0)) == pytest.approx(found["Es/N0"], abs=1e-9)


def test_g_over_t_at_the_reference_is_the_stated_one() -> None:
    assert by_name(X_BAND, 10.0, 1600e3)["G/T"] == pytest.approx(31.0)
    assert by_name(X_BAND, 90.0, 500e3)["G/T"] > 31.0
    assert by_name(X_BAND, 5.0, 2000e3)["G/T"] < 31.0


def test_dish_and_g_over_t_agree() -> None:
    gain = dish_gain_dbi(7.3, 8.2e9, 0.6)
    stated = Receiver(
        g_over_t_db_per_k=gain - 10 * math.log10(150), system_temperature_k=150, efficiency=0.6
    )
    assert stated.gain_dbi(8.2e9) == pytest.approx(gain)
    assert stated.aperture_m(8.2e9) == pytest.approx(7.3)
    assert Receiver(diameter_m=7.3).gain_dbi(8.2e9) == pytest.approx(gain)


@pytest.mark.parametrize(
    ("diameter", "frequency", "efficiency", "gain"),
    # 20 log(π D f / c) + 10 log η, by hand.
    [(5.0, 2.2e9, 0.5, 38.224), (11.3, 8.2e9, 0.6, 57.526), (1.0, 26e9, 0.55, 46.11)],
)
def test_gain_of_a_dish(diameter: float, frequency: float, efficiency: float, gain: float) -> None:
    assert dish_gain_dbi(diameter, frequency, efficiency) == pytest.approx(gain, abs=0.01)
    assert dish_diameter_m(
        dish_gain_dbi(diameter, frequency, efficiency), frequency, efficiency
    ) == pytest.approx(diameter)
    assert dish_beamwidth_deg(diameter, frequency) == pytest.approx(
        70 * 0.299792458 / (frequency / 1e9) / diameter
    )


def test_an_amplifier_gives_the_eirp() -> None:
    sent = Transmitter.of_amplifier(8.2e9, 8.0, 15.0, 50e6, line_loss_db=1.0)
    assert sent.eirp_dbw == pytest.approx(9.03 + 15 - 1, abs=0.01)
    found = by_name(LinkBudget(sent, X_BAND.receiver, TEMPERATE), 10.0, 1600e3)
    assert found["EIRP"] == pytest.approx(
        found["transmitter power"] + found["line loss"] + found["transmitter antenna gain"]
    )


def test_lines_add_up() -> None:
    found = by_name(X_BAND, 25.0, 1100e3, 2.5)
    parts = (
        "EIRP", "pointing loss, satellite", "free-space loss", "gases", "fade",
        "pointing loss, station", "polarization loss", "G/T", "−k",
    )  # fmt: skip
    assert sum(found[name] for name in parts) == pytest.approx(found["C/N0"])
    assert found["C/N0"] - found["symbol rate"] + found["implementation loss"] == pytest.approx(
        found["Es/N0"]
    )
    assert all(line.how for line in X_BAND.lines(25.0, 1100e3, 2.5))


def test_the_page_of_the_link_budget_is_what_is_computed() -> None:
    """docs/link.md, "A budget by hand"."""
    page = (Path(__file__).parents[2] / "docs/link.md").read_text(encoding="utf-8")
    table = page[page.index("| line | value | how |") :].split("\n\n")[0].splitlines()[2:]
    budget = LinkBudget(
        Transmitter.of_amplifier(
            8.2e9,
            2.0,
            6.0,
            50e6,
            line_loss_db=1.0,
            pointing_loss_db=0.5,
            implementation_loss_db=1.5,
        ),
        Receiver(g_over_t_db_per_k=31.5, diameter_m=7.3, pointing_loss_db=0.2),
        NEUSTRELITZ,
    )
    fade = round(float(excess_attenuation_db(8.2e9, 10.0, NEUSTRELITZ, 0.5, 7.3)), 2)
    lines = budget.lines(10.0, 1640e3, fade)
    assert table == [
        f"| {line.name} | {line.value:.2f} {line.unit} | {line.how} |" for line in lines
    ]
    mode = DVB_S2.best(lines[-1].value - 1.0)
    assert mode is not None
    assert mode.name == "16APSK 2/3"
    rate = information_rate(mode, 50e6, Framing(pilots=True, packet_data_bytes=1024))
    assert f"{rate:,} bit/s" in page


budgets = st.builds(
    LinkBudget,
    st.builds(Transmitter, st.floats(2e9, 40e9), st.floats(-20, 40), st.floats(1e4, 1e9)),
    st.builds(
        Receiver,
        diameter_m=st.floats(0.3, 15),
        efficiency=st.floats(0.3, 0.8),
        system_temperature_k=st.floats(40, 800),
        reference_elevation_deg=st.floats(5, 90),
    ),
    st.just(TEMPERATE),
)


@given(budgets, st.floats(0, 90), st.floats(300e3, 3000e3), st.floats(0, 60))
def test_lines_end_where_the_array_does(
    budget: LinkBudget, elevation: float, distance: float, fade: float
) -> None:
    assert budget.lines(elevation, distance, fade)[-1].value == pytest.approx(
        float(budget.es_n0_db(elevation, distance, fade)), abs=1e-9
    )


@given(budgets, st.floats(0, 90), st.floats(0, 90), st.floats(300e3, 3000e3), st.floats(0, 40))
def test_a_higher_clear_sky_is_never_worse(
    budget: LinkBudget, one: float, other: float, distance: float, fade: float
) -> None:
    low, high = budget.es_n0_db(sorted((one, other)), distance, fade)
    assert high >= low - 1e-9


@given(budgets, st.floats(0, 90), st.floats(300e3, 3000e3), st.floats(0, 40), st.floats(0, 10))
def test_a_fade_costs_more_than_itself(
    budget: LinkBudget, elevation: float, distance: float, fade: float, more: float
) -> None:
    """What absorbs also radiates."""
    before, after = budget.es_n0_db(elevation, distance, [fade, fade + more])
    assert before - after >= more - 1e-9
    assert by_name(budget, elevation, distance, fade)["sky noise"] <= 275


def test_twice_the_distance_costs_six_decibels() -> None:
    near, far = free_space_loss_db(8.2e9, [800e3, 1600e3])
    assert far - near == pytest.approx(20 * math.log10(2))


def test_the_sky_is_cold_when_clear_and_warm_when_closed() -> None:
    assert sky_temperature_k([0.0, 100.0]) == pytest.approx([2.7, 275.0], abs=1e-6)


def test_a_stated_temperature_below_the_skys_is_held_up() -> None:
    """26 GHz at 5° in humid air: gases alone make the sky warmer than the stated 60 K."""
    budget = LinkBudget(
        Transmitter(23e9, 20.0, 1e8),
        Receiver(diameter_m=5, system_temperature_k=60, reference_elevation_deg=5),
        TEMPERATE,
    )
    sky = float(sky_temperature_k(budget.gases_db(90.0)))
    assert float(budget.system_temperature_k(90.0)) == pytest.approx(30 + sky)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither G/T nor a diameter"),
        ({"diameter_m": 0.0}, "diameter in m: 0; allowed is 0.01 to 100"),
        ({"diameter_m": 3.0, "efficiency": 1.2}, "efficiency: 1.2"),
        ({"g_over_t_db_per_k": float("nan")}, "G/T in dB/K: nan"),
    ],
    ids=["nothing", "no dish", "efficiency", "not a number"],
)
def test_a_receiver_that_cannot_be_is_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Receiver(**arguments)  # type: ignore[arg-type]


def test_a_transmitter_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="roll-off: 2; allowed is 0 to 1"):
        Transmitter(8.2e9, 10.0, 50e6, roll_off=2.0)
    with pytest.raises(ValueError, match=r"frequency in Hz: 8\.2; allowed"):
        Transmitter(8.2, 10.0, 50e6)


def test_arrays_are_broadcast() -> None:
    elevation = np.linspace(5, 90, 7)
    distance = np.linspace(2000e3, 500e3, 7)
    whole = X_BAND.es_n0_db(elevation, distance, 1.0)
    assert whole.shape == (7,)
    for index in range(7):
        assert whole[index] == pytest.approx(
            float(X_BAND.es_n0_db(elevation[index], distance[index], 1.0))
        )
