"""Rates that are chosen during the run: what a satellite foresees, and what it makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from downpass.link.channel.downlink import Downlink, RateSegment
from downpass.payload.encoders.base import Setting
from downpass.payload.recorder import DownlinkOrder, DropRule
from downpass.sim.evaluate import evaluate
from downpass.sim.frames.foresight import Foresight
from downpass.sim.frames.lookahead import Lookahead
from downpass.sim.frames.rate_policy import BacklogRate
from downpass.sim.frames.rated_frames import RatedFrames
from downpass.sim.model.records import FrameState
from downpass.sim.model.setup import (
    Arbitration,
    Capture,
    Contact,
    EncodeOrder,
    MissionSetup,
    SatelliteSetup,
    Situation,
    StationSetup,
)
from downpass.sim.model.simulation import Outcome, simulate
from downpass.sim.scenario import ScenarioError, load_scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from small_scenarios import satellite, scenario, write, write_scene

S = 1_000_000
RATE = 8000  # bit/s: 1000 bytes in a second


def contact(sat: int, station: int, start_s: int, end_s: int) -> Contact:
    return Contact(sat, station, Downlink([RateSegment(start_s * S, end_s * S, RATE)]), 0)


def capture(number: int, end_s: int, target: int = 0, priority: int = 5) -> Capture:
    return Capture(
        number, end_s * S - 1, end_s * S, 0, target, priority, 1000, 1000, 100, 80
    )  # 8000 px: one bit per pixel is 1000 bytes


def mission(
    captures: list[Capture], contacts: list[Contact], duration_s: int, capacity: int = 10**9
) -> MissionSetup:
    sats = [
        SatelliteSetup(
            name=f"s{n}",
            captures=tuple(captures) if n == 0 else (),
            working_memory=10**9,
            encode_order=EncodeOrder.FIFO,
            recorder_capacity=capacity,
            downlink_order=DownlinkOrder.FIFO,
            drop_rule=DropRule.NEWEST,
            packet=10,
            acknowledge_ticks=0,
            encoding_milliwatts=None,
        )
        for n in range(1 + max((c.satellite for c in contacts), default=0))
    ]
    return MissionSetup(
        duration=duration_s * S,
        seed=1,
        satellites=tuple(sats),
        stations=tuple(StationSetup(f"g{n}", 1) for n in range(3)),
        contacts=tuple(contacts),
        arbitration=Arbitration.FIRST_COME,
        targets=("a", "b"),
    )


@pytest.mark.parametrize(
    ("contacts", "at_s", "sendable"),
    [
        ([], 100, 0),
        ([contact(0, 0, 10, 20)], 5, 0),
        ([contact(0, 0, 10, 20)], 13, 3000),
        ([contact(0, 0, 10, 20)], 99, 10_000),
        ([contact(0, 0, 10, 20), contact(0, 1, 40, 50)], 45, 15_000),
        # One transmitter: 10 to 25 and not twice 15 to 20.
        ([contact(0, 0, 10, 20), contact(0, 1, 15, 25)], 99, 15_000),
        ([contact(0, 0, 10, 30), contact(0, 1, 15, 25)], 99, 20_000),
        # In the order of passes; an outage cut the beginning off the first.
        ([contact(0, 0, 50, 60), contact(0, 1, 10, 40)], 99, 40_000),
        # A rival for the one antenna during half of the contact.
        ([contact(0, 0, 10, 20), contact(1, 0, 15, 40)], 99, 7_500),
        ([contact(0, 0, 10, 20), contact(1, 1, 15, 40)], 99, 10_000),
    ],
    ids=[
        "none",
        "before",
        "within",
        "after",
        "two",
        "overlap",
        "inside",
        "late",
        "rival",
        "elsewhere",
    ],
)
def test_what_can_be_sent(contacts: list[Contact], at_s: int, sendable: int) -> None:
    foresight = Foresight(mission([], contacts, 100), 0)
    assert foresight.sendable(at_s * S) == sendable


def test_the_backlog_rule_by_hand() -> None:
    # Half full: half-way between 1 and 3 bpp. In steps of a 64th, rounded to the fuller side.
    rule = BacklogRate(1.0, 3.0)
    one = capture(0, 1)
    for used, bpp in ((0, 3.0), (50, 2.0), (100, 1.0), (1, 3.0 - 2 / 64)):
        assert rule.setting(one, Situation(0, used, 100, 0)) == Setting(bpp=bpp)
    assert rule.setting(one, Situation(0, 0, 0, 0)) == Setting(bpp=1.0)
    assert rule.planned(one) is None


def look(setup: MissionSetup, least: float = 0.125, most: float = 4.0) -> Outcome:
    """Run a mission without pixels under the policy."""
    path = Path(__file__).parent / "scenario" / "example.yaml"
    spec = load_scenario(path, ["targets.*.scenes=[]", "satellites.0.codec.bpp=1"]).satellites[0]
    policy = Lookahead(setup, 0, least_bpp=least, most_bpp=most, measure=lambda *_: None)
    idle = [RatedFrames(spec)] * (len(setup.satellites) - 1)
    return simulate(setup, [RatedFrames(spec, policy=policy), *idle])


def sizes(outcome: Outcome) -> list[int]:
    return [record.encoded_bytes for record in outcome.satellites[0].frames.values()]


def test_equal_frames_share_what_can_be_sent() -> None:
    # Four frames, 4000 bytes to send: 1 bpp each, which is a step of the rates.
    setup = mission([capture(n, n + 1) for n in range(4)], [contact(0, 0, 10, 14)], 20)
    assert sizes(look(setup)) == [1000] * 4


def test_an_important_frame_gets_more() -> None:
    captures = [capture(0, 1, priority=1), capture(1, 2, priority=8)]
    low, high = sizes(look(mission(captures, [contact(0, 0, 10, 12)], 20)))
    assert low < 1000 < high and low + high <= 2000


def test_bits_are_spent_where_nothing_else_can_use_them() -> None:
    # The first pass serves the first frame alone; the second is shared by three.
    setup = mission(
        [capture(0, 1), *(capture(n, 50 + n) for n in (1, 2, 3))],
        [contact(0, 0, 10, 12), contact(0, 0, 80, 83)],
        100,
    )
    assert sizes(look(setup)) == [2000, 1000, 1000, 1000]


@settings(max_examples=25, deadline=None)
@given(
    ends=st.lists(st.integers(1, 200), min_size=1, max_size=25, unique=True),
    passes=st.lists(st.integers(0, 180), max_size=4),
    capacity=st.integers(3_200, 20_000),
)
def test_nothing_is_dropped_if_the_lowest_rate_fits(
    ends: list[int], passes: list[int], capacity: int
) -> None:
    captures = [capture(n, end) for n, end in enumerate(sorted(ends))]
    starts = sorted({start // 20 * 20 for start in passes})
    setup = mission(captures, [contact(0, 0, s, s + 12) for s in starts], 400, capacity)
    outcome = look(setup)
    records = outcome.satellites[0].frames.values()
    least = 125  # bytes of a frame at an eighth of a bit per pixel
    if (len(captures) + 1) * least <= capacity:
        assert all(record.state is not FrameState.DROPPED for record in records)
    assert all(least <= r.encoded_bytes <= 4000 for r in records if r.encode_end >= 0)


def test_curves_decide_who_gets_the_bits() -> None:
    """A target whose quality does not rise gets the least; one not yet seen counts as the mean."""
    flat, steep = [(0.5, 40.0), (1.0, 40.0), (2.0, 40.0)], [(0.5, 30.0), (1.0, 36.0), (2.0, 40.0)]
    setup = mission(
        [capture(0, 1, target=0), capture(1, 2, target=1), capture(2, 3, target=0)],
        [contact(0, 0, 10, 13)],
        20,
    )

    def measure(one: Capture, asked: Sequence[Setting]) -> list[tuple[float, float] | None]:
        curve = dict(flat if one.target == 0 else steep)
        return [(s.bpp, curve[s.bpp]) if s.bpp in curve else None for s in asked if s.bpp]

    policy = Lookahead(setup, 0, least_bpp=0.5, most_bpp=2.0, measure=measure)
    found = [
        policy.setting(one, Situation(one.end, 0, 10**9, one.raw_bytes)).bpp
        for one in setup.satellites[0].captures
    ]
    assert found == [0.5, 2.0, 0.5]


def test_a_rate_that_the_codec_cannot_meet_is_not_chosen() -> None:
    setup = mission([capture(0, 1)], [], 20, capacity=10)
    policy = Lookahead(
        setup,
        0,
        least_bpp=0.5,
        most_bpp=2.0,
        measure=lambda _, asked: [
            None,
            *((s.bpp or 0.0, 30.0 + i) for i, s in enumerate(asked[1:])),
        ],
    )
    chosen = policy.setting(setup.satellites[0].captures[0], Situation(S, 0, 10, 1000))
    assert chosen.bpp == pytest.approx(policy.measured[1].bpp)


def test_with_pixels_it_delivers_more_than_it_drops(tmp_path: Path) -> None:
    """On a short link, more frames arrive than at the highest rate, better than at the lowest."""
    write_scene(tmp_path / "scene.tif")

    def total(**codec: object) -> dict[str, object]:
        sat = satellite(
            codec={"name": "student", "bpp": 4.0, "tile": 64, **codec},
            transmitter={"rate": "60 bit/s", "packet": "64 B"},
            recorder={"capacity": "6 kB"},
        )
        path = write(tmp_path, scenario(duration="9 h", satellites=[sat]))
        return evaluate(load_scenario(path), tmp_path / "cache")

    fixed, least, look = total(), total(bpp=0.5), total(policy="lookahead", least_bpp=0.5)
    delivered, psnr = "total.frames.delivered_whole", "total.psnr_db.pooled"
    assert look[delivered] > fixed[delivered]  # type: ignore[operator]
    assert look[delivered] >= least[delivered]  # type: ignore[operator]
    assert look[psnr] > least[psnr]  # type: ignore[operator]
    again = total(policy="lookahead", least_bpp=0.5)
    assert again == look


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ({"quality": 50, "policy": "lookahead"}, "codec.quality: found quality with policy"),
        ({"bpp": 1, "least_bpp": 0.5}, "codec.least_bpp: found least_bpp with a fixed rate"),
        (
            {"bpp": 1, "least_bpp": 2, "policy": "backlog"},
            "codec.least_bpp: found 2, above bpp; allowed: at most 1",
        ),
        (
            {"bpp": 2, "least_bpp": 0.001, "policy": "lookahead"},
            "codec.least_bpp: found 0.001; allowed: at least 0.002, a thousandth of bpp",
        ),
        ({"bpp": 1, "policy": "look"}, "codec.policy: found look; allowed: fixed, backlog"),
    ],
)
def test_settings_that_do_not_suit_the_policy(
    tmp_path: Path, codec: dict[str, object], said: str
) -> None:
    sat = satellite(codec={"name": "jpeg2000", "tile": 64, **codec})
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write(tmp_path, scenario(None, satellites=[sat])))
    assert any(said in line for line in caught.value.problems), caught.value.problems
