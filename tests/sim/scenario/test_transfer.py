"""The scenario's file transfer: a mode alone or with figures, and what does not fit together."""

from __future__ import annotations

from pathlib import Path

import pytest
from downpass.link.errors import InputError
from downpass.sim.mission.flight import fly
from downpass.sim.mission.preparation import prepare
from downpass.sim.mission.views import NoPixels
from downpass.sim.scenario import load_scenario
from downpass.sim.scenario.scenario import Scenario

ROOT = Path(__file__).parents[3]
FILE = ROOT / "scenarios" / "lossy-link.yaml"
AT = "satellites.0.transmitter"


def load(*changes: str) -> Scenario:
    return load_scenario(FILE, [f"{AT}.{change}" for change in changes])


def test_a_mode_alone_has_the_defaults() -> None:
    spec = load("transfer=acknowledged").satellites[0].transmitter.transfer
    assert (spec.mode, spec.nak, spec.limit, spec.on_limit) == (
        "acknowledged",
        "deferred",
        10,
        "suspend",
    )
    assert (spec.uplink.rate, spec.uplink.packet, spec.uplink.delay) == (4000.0, 256, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["transfer=cfdp"], "acknowledged"),
        (["transfer={mode: resumable, nak: immediate}"], "found nak with mode resumable"),
        (["transfer={mode: unacknowledged, limit: 3}"], "allowed: mode acknowledged"),
        (
            ["transfer={mode: acknowledged, inactivity_timeout: 9 s}"],
            "allowed: mode unacknowledged",
        ),
        (["transfer.uplink.rate=0 bit/s"], "1 bit/s"),
        (["transfer.uplink.packet=40 B"], "64 B"),
        (["transfer.uplink.packet_loss=1.5"], "from 0 to 1"),
        (["transfer.limit=0"], "from 1 to 1000"),
        (["transfer.ack_timeout=0 s"], "100 ms"),
        (["acknowledge_delay=2 s"], "acknowledge_delay with transfer acknowledged"),
        (["packet=65536 B"], "at most 65527 B"),
    ],
)
def test_what_does_not_fit_is_refused(changes: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(*changes)


def test_the_delay_is_that_of_light_and_processing_or_the_scenarios_own() -> None:
    contacts = []
    for changes in ((), ("transfer.uplink.delay=1 s",), ("transfer=unacknowledged",)):
        scenario = load_scenario(FILE, ["duration=12 h", *(f"{AT}.{one}" for one in changes)])
        setup = prepare(fly(scenario), NoPixels(scenario)).setup
        transfer = setup.satellites[0].transfer
        assert transfer is not None
        contacts.append((transfer.uplink_delay, {c.light_ticks for c in setup.contacts}))
    (fixed, light), own, unacknowledged = contacts
    assert fixed == 200_000
    # From 500 km, a station's horizon at 5 deg is 2078 km away: 7 ms of light.
    assert light == {7000}
    assert own == (1_000_000, {0})
    assert unacknowledged[1] == {0}


def test_resumable_transfer_has_no_figures() -> None:
    scenario = load("transfer=resumable")
    assert prepare(fly(scenario), NoPixels(scenario)).setup.satellites[0].transfer is None
