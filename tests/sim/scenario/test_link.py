"""The link's and the receiver's keys: what they mean, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from downpass.link.channel.modulation import CCSDS_131, DVB_S2
from downpass.sim.scenario.link import BANDS, MODE_SETS, BandName, ModeSetName, ReceiverSpec
from downpass.sim.scenario.load import ScenarioError, load_scenario

SATELLITE = """\
    imager: {swath: 10 km, gsd: 10 m, frame_length: 10 km, bands: 1}
    processor: {profile: zynq-7020}
    recorder: {capacity: 1 GB}
    codec: {name: jpeg2000, bpp: 1.0}
    orbit: {altitude: 500 km, inclination: 97 deg}
"""
LINK = "frequency: 8.2 GHz, eirp: 12 dBW, symbol_rate: 50 Msymbol/s, modes: dvb-s2, coding: acm"
STATION = "{use: matera, receiver: {g_over_t: 27 dB/K}}"


def file(tmp_path: Path, link: str = LINK, station: str = STATION, rate: str = "") -> Path:
    transmitter = f"link: {{{link}}}" if link else ""
    transmitter = ", ".join(part for part in (transmitter, rate) if part)
    path = tmp_path / "s.yaml"
    path.write_text(
        "name: s\nstart: 2024-12-02T00:00:00Z\nduration: 1 h\nsatellites:\n  - name: sat\n"
        f"{SATELLITE}    transmitter: {{{transmitter}}}\n"
        f"targets: [{{name: t, at: [0, 0]}}]\nstations:\n  - {station}\n"
    )
    return path


def refused(path: Path) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


def swapped(old: str, new: str) -> str:
    assert old in LINK
    return LINK.replace(old, new)


def test_defaults_are_those_of_a_plain_link(tmp_path: Path) -> None:
    scenario = load_scenario(file(tmp_path))
    link = scenario.satellites[0].transmitter.link
    assert link is not None
    assert (link.frequency, link.eirp, link.symbol_rate) == (8.2e9, 12.0, 50e6)
    assert (link.margin, link.hysteresis, link.reaction_time) == (1.0, 0.3, 0.5)
    assert link.mode_set == DVB_S2
    assert link.used_modes == DVB_S2.envelope()
    receiver = scenario.stations[0].receiver
    assert receiver is not None
    assert (receiver.g_over_t, receiver.diameter) == (27.0, None)


def test_the_modes_of_ccsds(tmp_path: Path) -> None:
    link = load_scenario(file(tmp_path, swapped("dvb-s2", "ccsds-131"))).satellites[0].transmitter
    assert link.link is not None
    assert link.link.used_modes == CCSDS_131.envelope()
    one = swapped("dvb-s2, coding: acm", "ccsds-131, coding: ccm, mode: OQPSK LDPC 7/8")
    link = load_scenario(file(tmp_path, one)).satellites[0].transmitter
    assert link.link is not None
    assert [mode.name for mode in link.link.used_modes] == ["OQPSK LDPC 7/8"]


def test_modes_of_ones_own_and_the_order_of_fallback(tmp_path: Path) -> None:
    own = (
        "modes: [{name: fast, bits_per_symbol: 2, required_es_n0: 7 dB},"
        " {name: worse, bits_per_symbol: 1.5, required_es_n0: 8 dB},"
        " {name: slow, bits_per_symbol: 1, required_es_n0: 1 dB}]"
    )
    link = load_scenario(file(tmp_path, swapped("modes: dvb-s2", own))).satellites[0].transmitter
    assert link.link is not None
    assert [mode.name for mode in link.link.used_modes] == ["slow", "fast"]
    some = f"{LINK}, fallback: [8PSK 3/4, QPSK 1/4]"
    link = load_scenario(file(tmp_path, some)).satellites[0].transmitter
    assert link.link is not None
    assert [mode.name for mode in link.link.used_modes] == ["QPSK 1/4", "8PSK 3/4"]
    one = swapped("coding: acm", "coding: ccm, mode: QPSK 3/4")
    link = load_scenario(file(tmp_path, one)).satellites[0].transmitter
    assert link.link is not None
    assert [mode.name for mode in link.link.used_modes] == ["QPSK 3/4"]


AT = "satellites.0.transmitter"


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        (swapped("eirp: 12 dBW", "power: 2 W"), (
            f"11: {AT}.link.power: found power; allowed: eirp, or both power and antenna_gain")),
        (swapped("eirp: 12 dBW, ", ""), (
            f"11: {AT}.link: found none of them; allowed: eirp, or both power and antenna_gain")),
        (swapped("eirp: 12 dBW", "eirp: 12 dBW, line_loss: 1 dB"), (
            f"11: {AT}.link.line_loss: found line_loss beside eirp; allowed: eirp alone, or power, "
            "antenna_gain and line_loss")),
        (swapped("8.2 GHz", "8.2"), (
            f"11: {AT}.link.frequency: found 8.2; it has no unit; "
            "allowed: a number and a unit, such as 8.2 GHz")),
        (swapped("8.2 GHz", "90 GHz"), (
            f"11: {AT}.link.frequency: found 90 GHz; allowed: 100 MHz to 55 GHz")),
        (swapped("12 dBW", "12 dBm"), (
            f"11: {AT}.link.eirp: found 12 dBm; unit dBm does not fit here; allowed units: dBW")),
        (swapped("dvb-s2", "dvb-s3"), (
            f"11: {AT}.link.modes: found dvb-s3; allowed: dvb-s2, ccsds-131; did you mean "
            "dvb-s2?")),
        (swapped("dvb-s2", "[]"), (
            f"11: {AT}.link.modes: found an empty list; allowed: at least 1")),
        (swapped("dvb-s2", "[{name: a, bits_per_symbol: 0, required_es_n0: 1 dB}]"), (
            f"11: {AT}.link.modes.0.bits_per_symbol: found 0; allowed: a number above 0, up to "
            "20")),
        (swapped("dvb-s2", "[{name: a, bits_per_symbol: 1}]"), (
            f"11: {AT}.link.modes.0.required_es_n0: missing; for example required_es_n0: 7.91 dB")),
        (swapped("dvb-s2", "[{name: a, bits_per_symbol: 1, required_es_n0: 1 dB}, "
                 "{name: a, bits_per_symbol: 2, required_es_n0: 2 dB}]"), (
            f"11: {AT}.link.modes: found two modes called a; allowed: each name once")),
        (swapped("coding: acm", "coding: am"), (
            f"11: {AT}.link.coding: found am; allowed: ccm, vcm, acm; did you mean acm?")),
        (swapped("coding: acm", "coding: ccm"), (
            f"11: {AT}.link.mode: missing with coding ccm; allowed: the mode that is sent")),
        (swapped("coding: acm", "coding: ccm, mode: QPSK 3/5x"), (
            f"11: {AT}.link.mode: found QPSK 3/5x; allowed: "
            + ", ".join(mode.name for mode in DVB_S2) + "; did you mean QPSK 3/5?")),
        (f"{LINK}, mode: QPSK 3/4", (
            f"11: {AT}.link.mode: found mode with coding acm; allowed: with coding ccm")),
        (f"{LINK}, availability: 0.99", (
            f"11: {AT}.link.availability: found availability with coding acm; allowed: with coding "
            "vcm")),
        (f"{LINK}, fallback: []", (
            f"11: {AT}.link.fallback: found an empty list; allowed: at least one mode")),
        (f"{LINK}, marginn: 1 dB", f"11: {AT}.link.marginn: no such key; did you mean margin?"),
    ],
)  # fmt: skip
def test_a_fault_of_the_link_is_one_line(tmp_path: Path, link: str, problem: str) -> None:
    assert refused(file(tmp_path, link)) == [problem]


@pytest.mark.parametrize(
    ("station", "problem"),
    [
        ("matera", (
            "14: stations.0: found no receiver, and satellite sat has a link; allowed: a receiver "
            "with g_over_t or diameter, or a rate of the station's own")),
        ("{name: mine, at: [0, 0]}", (
            "14: stations.0: found no receiver, and satellite sat has a link; allowed: a receiver "
            "with g_over_t or diameter, or a rate of the station's own")),
        ("{use: matera, receiver: {efficiency: 0.5}}", (
            "14: stations.0.receiver: found neither g_over_t nor diameter; allowed: one of them or "
            "both")),
        ("{use: matera, receiver: {diameter: 3 m, bands: [X, Q]}}", (
            "14: stations.0.receiver.bands.1: found Q; allowed: VHF, UHF, L, S, C, X, Ku, K, Ka, V"
        )),
        ("{use: matera, receiver: {diameter: 3 m}, horizon: [[0, 5], [0, 6]]}", (
            "14: stations.0.horizon: found azimuth 0 after 0; allowed: azimuths that rise from "
            "corner to corner")),
        ("{use: matera, receiver: {diameter: 3 m}, horizon: [[0, 85]]}", (
            "14: stations.0.horizon: found elevation 85; allowed: 0 to 80 degrees")),
        ("{use: matera, receiver: {diameter: 3 m}, horizon: []}", (
            "14: stations.0.horizon: found a list of 0; allowed: corners such as [[0, 5], [90, 12]]"
            ", azimuth and elevation in degrees, up to 720")),
        ("{use: matera, receiver: {diameter: 3 m}, horizon: [[0, north]]}", (
            "14: stations.0.horizon: found a corner a list; allowed: corners such as [[0, 5], [90, "
            "12]], azimuth and elevation in degrees")),
    ],
)  # fmt: skip
def test_a_fault_of_the_station_is_one_line(tmp_path: Path, station: str, problem: str) -> None:
    assert refused(file(tmp_path, station=station)) == [problem]


def test_a_transmitter_has_a_rate_or_a_link(tmp_path: Path) -> None:
    both = refused(file(tmp_path, rate="rate: 1 Mbit/s"))
    assert both == [f"11: {AT}.link: found rate and link; allowed: exactly one of rate, link"]
    assert refused(file(tmp_path, link="", rate="packet: 512 B")) == [
        f"11: {AT}: found none of them; allowed: exactly one of rate, link"
    ]


def test_a_stations_own_rate_is_enough_for_a_satellite_with_a_link(tmp_path: Path) -> None:
    scenario = load_scenario(file(tmp_path, station="{use: matera, rate: 10 Mbit/s}"))
    rate: Any = scenario.stations[0].rate
    assert [(step.elevation, step.rate) for step in rate] == [(-90.0, 10e6)]


def test_bands_and_sets_of_modes_are_listed_once() -> None:
    assert set(get_args(BandName)) == set(BANDS)
    assert set(get_args(ModeSetName)) == set(MODE_SETS)


@pytest.mark.parametrize(
    ("bands", "frequency_hz", "receives"),
    [
        ((), 8.2e9, True),
        (("S", "X"), 8.2e9, True),
        (("S",), 8.2e9, False),
        (("Ka",), 26.25e9, True),  # Earth observation's Ka band, which IEEE calls K
        (("K",), 26.25e9, True),
        (("X",), 7.75e9, True),
    ],
)
def test_which_bands_a_station_receives(
    bands: tuple[Any, ...], frequency_hz: float, receives: bool
) -> None:
    assert ReceiverSpec(g_over_t=20.0, bands=bands).receives(frequency_hz) == receives
