"""CCM, VCM and ACM over passes: by hand, against dense sampling, and against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from downpass.link.channel.adaptive import (
    AdaptiveCoding,
    AdaptiveLink,
    Coding,
    ConstantCoding,
    VariableCoding,
    es_n0_over,
)
from downpass.link.channel.atmosphere.climate_map import climate_at
from downpass.link.channel.budget import LinkBudget
from downpass.link.channel.downlink import MARGIN, PACKET_LOSS, RAIN, Downlink, RateSegment
from downpass.link.channel.fade import Fade, NoFade
from downpass.link.channel.link_ends import Receiver, Transmitter
from downpass.link.channel.modulation import DVB_S2, Mode
from downpass.link.channel.rain_fade import RainFade
from downpass.link.channel.rain_series import RainSeries
from hypothesis import given, settings
from hypothesis import strategies as st
from passes_by_formula import AirlessBudget, CircularPass

S = 1_000_000
SLOW, FAST = Mode("slow", 1.0, 0.0), Mode("fast", 2.0, 6.0)


@dataclass(frozen=True)
class Ramp:
    """A fade that rises by `db_per_s` from `start_s` on, up to `most_db`."""

    start_s: float
    db_per_s: float
    most_db: float
    step_s = 10.0

    def attenuation_db(self, time_s: np.ndarray, elevation_deg: np.ndarray) -> np.ndarray:
        return np.clip((time_s - self.start_s) * self.db_per_s, 0.0, self.most_db)


@dataclass(frozen=True)
class Waves:
    """A fade that comes and goes, never negative."""

    depth_db: float
    period_s: float
    step_s = 10.0

    def attenuation_db(self, time_s: np.ndarray, elevation_deg: np.ndarray) -> np.ndarray:
        swing = 1.0 - np.cos(2.0 * np.pi * time_s / self.period_s)
        return self.depth_db / 2.0 * swing / np.sin(np.radians(np.maximum(elevation_deg, 5.0)))


@dataclass(frozen=True)
class Still:
    """A satellite that stands over the station."""

    aos_s: float = 0.0
    los_s: float = 100.0

    def elevation_deg_at(self, time_s: np.ndarray) -> np.ndarray:
        return np.full(len(time_s), 90.0)

    def slant_range_m_at(self, time_s: np.ndarray) -> np.ndarray:
        return np.full(len(time_s), 500e3)

    def stretches(self, elevations_deg: Sequence[float]) -> Any:
        raise NotImplementedError


def link(
    coding: Coding,
    *,
    es_n0_db: float = 10.0,
    fade: Fade | None = None,
    modes: Sequence[Mode] = (SLOW, FAST),
    packet_loss: float = 0.0,
) -> AdaptiveLink:
    rates = tuple(round(mode.bits_per_symbol * 1e6) for mode in modes)
    budget: Any = AirlessBudget(es_n0_db)
    return AdaptiveLink(budget, tuple(modes), rates, coding, fade or NoFade(), packet_loss)


def told(segments: Sequence[RateSegment]) -> list[tuple[float, str, float, str]]:
    """Start in seconds, mode, loss and cause of each."""
    return [(s.start / S, s.mode, s.packet_loss, s.loss_cause) for s in segments]


def test_acm_leaves_a_mode_when_its_margin_is_gone_a_reaction_time_late() -> None:
    # 10 dB less 0.1 dB/s from 20 s on: 7 dB, which is fast plus margin, at 50 s, and 6 dB at 60 s.
    rain = Ramp(20.0, 0.1, 100.0)
    acm = AdaptiveCoding(margin_db=1.0, hysteresis_db=0.5, reaction_s=2.0)
    assert told(link(acm, fade=rain, packet_loss=0.01).segments(Still())) == [
        (0.0, "", 0.01, PACKET_LOSS),  # until the first report
        (2.0, "fast", 0.01, PACKET_LOSS),
        (52.0, "slow", 0.01, PACKET_LOSS),
    ]
    slower = AdaptiveCoding(margin_db=1.0, hysteresis_db=0.5, reaction_s=15.0)
    assert told(link(slower, fade=rain, packet_loss=0.01).segments(Still())) == [
        (0.0, "", 0.01, PACKET_LOSS),
        (15.0, "fast", 0.01, PACKET_LOSS),
        (60.0, "fast", 1.0, RAIN),  # the threshold is crossed 5 s before the mode changes
        (65.0, "slow", 0.01, PACKET_LOSS),
    ]


def test_hysteresis_delays_going_up_and_not_going_down() -> None:
    # 10 dB less a fade that falls from 10 dB by 0.1 dB/s: 7 dB at 70 s, 7.5 dB at 75 s.
    @dataclass(frozen=True)
    class Clearing:
        step_s = 10.0

        def attenuation_db(self, time_s: np.ndarray, elevation_deg: np.ndarray) -> np.ndarray:
            return 10.0 - 0.1 * time_s

    eager = AdaptiveCoding(margin_db=1.0, hysteresis_db=0.0, reaction_s=0.0)
    wary = AdaptiveCoding(margin_db=1.0, hysteresis_db=0.5, reaction_s=0.0)
    found = [told(link(c, fade=Clearing()).segments(Still(0.0, 100.0))) for c in (eager, wary)]
    assert [[(time, mode) for time, mode, _, _ in one] for one in found] == [
        [(0.0, ""), (10.0, "slow"), (70.0, "fast")],
        [(0.0, ""), (15.0, "slow"), (75.0, "fast")],
    ]


def test_vcm_follows_the_prediction_and_loses_what_the_rain_takes() -> None:
    vcm = VariableCoding(predicted=Ramp(0.0, 0.1, 100.0), margin_db=0.0)  # fast until 40 s
    assert told(link(vcm, fade=Ramp(20.0, 1.0, 20.0)).segments(Still())) == [
        (0.0, "fast", 0.0, PACKET_LOSS),
        (24.0, "fast", 1.0, RAIN),
        (40.0, "slow", 1.0, RAIN),
    ]


def test_ccm_sends_all_the_time_and_says_whether_rain_or_range_cost_the_frames() -> None:
    one = CircularPass.above(5.0, 80.0, 1000.0)
    ccm = link(ConstantCoding(), es_n0_db=10.0, modes=[FAST])
    (segments,) = ccm.segments_of([one])
    # 4 dB above the threshold at 500 km: received while nearer than 792.4 km.
    assert [(s.mode, s.packet_loss, s.loss_cause) for s in segments] == [
        ("fast", 1.0, MARGIN),
        ("fast", 0.0, PACKET_LOSS),
        ("fast", 1.0, MARGIN),
    ]
    edges = np.array([segments[1].start, segments[1].end]) / S
    assert one.slant_range_m_at(edges) == pytest.approx(500e3 * 10 ** (4 / 20), abs=10.0)
    wet = link(ConstantCoding(), es_n0_db=10.0, modes=[FAST], fade=Ramp(0.0, 1.0, 30.0))
    assert [(s.packet_loss, s.loss_cause) for s in wet.segments(one)] == [
        (1.0, MARGIN),
        (1.0, RAIN),
        (1.0, MARGIN),
    ]


def test_where_no_mode_closes_nothing_is_sent() -> None:
    for coding in (VariableCoding(NoFade(), 0.0), AdaptiveCoding(0.0, 0.0, 0.0)):
        (only,) = link(coding, es_n0_db=-1.0).segments(Still())
        assert only == RateSegment(0, 100 * S, 0)


@pytest.mark.parametrize(
    ("modes", "rates", "message"),
    [
        ((SLOW, FAST), (1,), "1 rates for 2 modes; allowed is one rate"),
        ((), (), "0 rates for 0 modes"),
        ((FAST, SLOW), (2, 1), "allowed is an ascending order"),
    ],
)
def test_modes_that_do_not_fit_are_refused(
    modes: tuple[Mode, ...], rates: tuple[int, ...], message: str
) -> None:
    budget: Any = AirlessBudget(0.0)
    with pytest.raises(ValueError, match=message):
        AdaptiveLink(budget, modes, rates, ConstantCoding(), NoFade())


passes = st.builds(
    CircularPass.above,
    mask_deg=st.floats(0.0, 20.0),
    highest_deg=st.floats(21.0, 90.0),
    top_s=st.just(2000.0),
    altitude_m=st.floats(300e3, 1200e3),
)
fades = st.one_of(
    st.just(NoFade()), st.builds(Waves, st.floats(0.1, 15.0), st.floats(100.0, 2000.0))
)
codings = st.one_of(
    st.just(ConstantCoding()),
    st.builds(VariableCoding, fades, st.floats(0.0, 3.0)),
    st.builds(AdaptiveCoding, st.floats(0.0, 3.0), st.floats(0.0, 2.0), st.floats(0.0, 20.0)),
)
ENVELOPE = DVB_S2.envelope()


@settings(max_examples=60, deadline=None)
@given(one=passes, fade=fades, coding=codings, es_n0_db=st.floats(0.0, 25.0))
def test_segments_are_without_gaps_and_losses_are_where_sampling_sees_them(
    one: CircularPass, fade: Fade, coding: Coding, es_n0_db: float
) -> None:
    modes = ENVELOPE[10:11] if isinstance(coding, ConstantCoding) else ENVELOPE
    model = link(coding, es_n0_db=es_n0_db, fade=fade, modes=modes)
    segments = model.segments(one)
    assert segments[0].start == round(one.aos_s * 1000) * 1000
    assert segments[-1].end == round(one.los_s * 1000) * 1000
    assert all(a.end == b.start for a, b in pairwise(segments))
    assert all(s.start < s.end and s.start % 1000 == 0 for s in segments)
    assert all(replaced(a) != replaced(b) for a, b in pairwise(segments))
    required = {mode.name: mode.required_es_n0_db for mode in modes}
    for segment in segments:
        assert (segment.mode == "") == (segment.bits_per_second == 0)
        if not segment.mode:
            continue
        inner = np.linspace(segment.start + 1000, segment.end - 1000, 25) / S
        if segment.end - segment.start <= 3000:
            continue
        actual = es_n0_over(model.budget, one, inner, fade)
        clear = es_n0_over(model.budget, one, inner, NoFade())
        level = required[segment.mode]
        if segment.packet_loss == 0.0:
            assert np.all(actual >= level - 1e-6)
        else:
            assert np.all(actual < level + 1e-6)
            if segment.loss_cause == RAIN:
                assert np.all(clear >= level - 1e-6)
            else:
                assert segment.loss_cause == MARGIN
                assert np.all(clear < level + 1e-6)


def replaced(segment: RateSegment) -> tuple[object, ...]:
    return segment.bits_per_second, segment.packet_loss, segment.loss_cause, segment.mode


@settings(max_examples=40, deadline=None)
@given(
    one=passes,
    fade=fades,
    es_n0_db=st.floats(0.0, 25.0),
    margin=st.floats(0.0, 3.0),
    hysteresis=st.floats(0.0, 2.0),
    reaction=st.floats(0.0, 30.0),
)
def test_acm_is_what_a_modem_does_that_looks_ten_times_a_second(
    one: CircularPass,
    fade: Fade,
    es_n0_db: float,
    margin: float,
    hysteresis: float,
    reaction: float,
) -> None:
    model = link(
        AdaptiveCoding(margin, hysteresis, reaction), es_n0_db=es_n0_db, fade=fade, modes=ENVELOPE
    )
    segments = model.segments(one)
    keep = np.array([mode.required_es_n0_db for mode in ENVELOPE]) + margin
    starts = np.array([s.start for s in segments])
    names = ["", *(mode.name for mode in ENVELOPE)]
    delay = round(reaction * 1000) / 1000
    times = np.arange(one.aos_s, one.los_s - delay, 0.1)
    measured = es_n0_over(model.budget, one, times, fade)
    mode, wrong = int(np.searchsorted(keep, measured[0], side="right")), 0
    for time, value in zip(times, measured, strict=True):
        while mode > 0 and value < keep[mode - 1]:
            mode -= 1
        while mode < len(keep) and value >= keep[mode] + hysteresis:
            mode += 1
        index = np.searchsorted(starts, round((time + delay) * S), side="right") - 1
        wrong += segments[index].mode != names[mode]
    # The modem that looks ten times a second is late by up to 0.1 s at each change.
    assert wrong <= len(segments)


def received_bits(segments: Sequence[RateSegment]) -> int:
    return sum((s.end - s.start) * s.bits_per_second for s in segments if s.packet_loss == 0.0)


@settings(max_examples=40, deadline=None)
@given(one=passes, fade=fades, predicted=fades, es_n0_db=st.floats(0.0, 25.0))
def test_acm_that_reacts_at_once_is_never_below_vcm(
    one: CircularPass, fade: Fade, predicted: Fade, es_n0_db: float
) -> None:
    acm = link(AdaptiveCoding(0.0, 0.0, 0.0), es_n0_db=es_n0_db, fade=fade, modes=ENVELOPE)
    vcm = link(VariableCoding(predicted, 0.0), es_n0_db=es_n0_db, fade=fade, modes=ENVELOPE)
    slack = 2 * ENVELOPE[-1].bits_per_symbol * 1e6 * 1000 * len(ENVELOPE) * 4  # rounding to 1 ms
    assert received_bits(acm.segments(one)) >= received_bits(vcm.segments(one)) - slack


@settings(max_examples=40, deadline=None)
@given(one=passes, es_n0_db=st.floats(0.0, 25.0), number=st.integers(0, len(ENVELOPE) - 1))
def test_ccm_is_never_above_vcm_in_a_clear_sky(
    one: CircularPass, es_n0_db: float, number: int
) -> None:
    ccm = link(ConstantCoding(), es_n0_db=es_n0_db, modes=ENVELOPE[number : number + 1])
    vcm = link(VariableCoding(NoFade(), 0.0), es_n0_db=es_n0_db, modes=ENVELOPE)
    assert received_bits(ccm.segments(one)) <= received_bits(vcm.segments(one))


def test_passes_of_a_link_together_are_the_passes_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The passes of a link share their geometry: here one orbit that comes around twice.
    @dataclass(frozen=True)
    class Twice(Still):
        def slant_range_m_at(self, time_s: np.ndarray) -> np.ndarray:
            return 500e3 * (2.0 - np.sin(time_s / 300.0))

    pair = [Twice(100.0, 700.0), Twice(2000.0, 2750.5)]
    model = link(
        AdaptiveCoding(0.5, 0.3, 1.0), es_n0_db=14.0, fade=Waves(5.0, 300.0), modes=ENVELOPE
    )
    together = model.segments_of(pair)
    assert together == [model.segments(one) for one in pair]
    # Long runs are computed in parts.
    monkeypatch.setattr("downpass.link.channel.adaptive._LONGEST_TOGETHER_S", 700.0)
    assert model.segments_of(pair) == together
    assert all(len({s.mode for s in one}) > 5 for one in together)
    assert all(Downlink(one).capacity > 0 for one in together)
    assert model.segments_of([]) == []


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    highest_deg=st.floats(15.0, 89.0),
    eirp_dbw=st.floats(0.0, 15.0),
    coding=codings,
)
def test_losses_in_drawn_rain_are_where_sampling_sees_them(
    seed: int, highest_deg: float, eirp_dbw: float, coding: Coding
) -> None:
    climate = climate_at(1.4, 103.8, 20.0)
    budget = LinkBudget(Transmitter(20e9, eirp_dbw, 25e6), Receiver(25.0), climate)
    fade = RainFade(RainSeries(seed, "station"), 20e9, climate)
    modes = ENVELOPE[10:11] if isinstance(coding, ConstantCoding) else ENVELOPE
    rates = tuple(round(mode.bits_per_symbol * 25e6) for mode in modes)
    model = AdaptiveLink(budget, tuple(modes), rates, coding, fade)
    one = CircularPass.above(5.0, highest_deg, 3000.0)
    segments = model.segments(one)
    starts = np.array([segment.start for segment in segments])
    time = np.arange(one.aos_s, one.los_s, 0.25)
    actual = es_n0_over(budget, one, time, fade)
    clear = es_n0_over(budget, one, time, NoFade())
    required = {mode.name: mode.required_es_n0_db for mode in modes}
    edges = np.append(starts, segments[-1].end) / S
    for moment, value, dry in zip(time, actual, clear, strict=True):
        if np.min(np.abs(edges - moment)) < 0.002:
            continue  # within the rounding of an edge
        segment = segments[int(np.searchsorted(starts, moment * S, side="right")) - 1]
        if not segment.mode:
            continue
        level = required[segment.mode]
        if min(abs(value - level), abs(dry - level)) < 1e-5:
            continue
        assert (segment.packet_loss == 1.0) == (value < level), (moment, value, level)
        if segment.packet_loss == 1.0:
            assert segment.loss_cause == (RAIN if dry >= level else MARGIN)
