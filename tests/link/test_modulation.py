"""Modes: what they carry and need, and which are worth using."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from downpass.link.channel.modulation import CCSDS_131, DVB_S2, Mode, ModeSet
from hypothesis import given
from hypothesis import strategies as st

# ETSI EN 302 307-1 V1.4.1, table 13: spectral efficiency of normal frames without pilots, Es/N0.
TABLE_13 = {
    "QPSK 1/4": (0.490243, -2.35), "QPSK 1/3": (0.656448, -1.24), "QPSK 2/5": (0.789412, -0.30),
    "QPSK 1/2": (0.988858, 1.00), "QPSK 3/5": (1.188304, 2.23), "QPSK 2/3": (1.322253, 3.10),
    "QPSK 3/4": (1.487473, 4.03), "QPSK 4/5": (1.587196, 4.68), "QPSK 5/6": (1.654663, 5.18),
    "QPSK 8/9": (1.766451, 6.20), "QPSK 9/10": (1.788612, 6.42), "8PSK 3/5": (1.779991, 5.50),
    "8PSK 2/3": (1.980636, 6.62), "8PSK 3/4": (2.228124, 7.91), "8PSK 5/6": (2.478562, 9.35),
    "8PSK 8/9": (2.646012, 10.69), "8PSK 9/10": (2.679207, 10.98), "16APSK 2/3": (2.637201, 8.97),
    "16APSK 3/4": (2.966728, 10.21), "16APSK 4/5": (3.165623, 11.03),
    "16APSK 5/6": (3.300184, 11.61), "16APSK 8/9": (3.523143, 12.89),
    "16APSK 9/10": (3.567342, 13.13), "32APSK 3/4": (3.703295, 12.73),
    "32APSK 4/5": (3.951571, 13.64), "32APSK 5/6": (4.119540, 14.28),
    "32APSK 8/9": (4.397854, 15.69), "32APSK 9/10": (4.453027, 16.05),
}  # fmt: skip

modes = st.lists(
    st.tuples(st.floats(0.1, 6), st.floats(-5, 20)), min_size=1, max_size=12, unique=True
).map(lambda pairs: ModeSet(tuple(Mode(f"m{i}", *pair) for i, pair in enumerate(pairs))))


@pytest.mark.parametrize("name", TABLE_13)
def test_dvb_s2_is_the_standards_table(name: str) -> None:
    mode = DVB_S2.named(name)
    assert mode is not None
    efficiency, threshold = TABLE_13[name]
    assert mode.bits_per_symbol == pytest.approx(efficiency, abs=5e-7)
    assert mode.required_es_n0_db == threshold


def test_dvb_s2_has_no_other_mode() -> None:
    assert {mode.name for mode in DVB_S2} == set(TABLE_13)


def test_modes_stay_below_capacity() -> None:
    """No code beats Shannon's limit, log2(1 + Es/N0) bits a symbol."""
    for mode in (*DVB_S2, *CCSDS_131):
        assert mode.bits_per_symbol < math.log2(1 + 10 ** (mode.required_es_n0_db / 10)), mode


@pytest.mark.parametrize(
    ("name", "bits", "es_n0"),
    [
        # 8920 bits in (4 + 5 × 255) bytes, times two; 2.36 dB + 10 log 223/255 (two bits at 1/2).
        ("QPSK RS+conv 1/2", 2 * 8920 / (2 * 10232), 1.78),
        ("BPSK RS+conv 7/8", 8920 / (10232 * 8 / 7), 3.50),
        ("BPSK turbo 1/6", 1784 / (6 * (1788 + 32)), 0.29 - 7.79),
        ("QPSK LDPC 7/8", 2 * 7136 / 8192, None),
    ],
)
def test_ccsds_modes_worked_by_hand(name: str, bits: float, es_n0: float | None) -> None:
    mode = CCSDS_131.named(name)
    assert mode is not None
    assert mode.bits_per_symbol == pytest.approx(bits, rel=1e-12)
    if es_n0 is not None:
        assert mode.required_es_n0_db == pytest.approx(es_n0, abs=0.011)


def test_offset_qpsk_is_as_good_as_qpsk() -> None:
    for mode in CCSDS_131:
        if mode.name.startswith("QPSK"):
            offset = CCSDS_131.named(f"O{mode.name}")
            assert offset is not None
            assert offset.bits_per_symbol == mode.bits_per_symbol
            assert offset.required_es_n0_db == mode.required_es_n0_db


def test_envelope_leaves_out_what_another_beats() -> None:
    names = [mode.name for mode in DVB_S2.envelope()]
    # 8PSK 3/5 needs 5.50 dB for 1.780 bits where QPSK 9/10 needs 6.42 dB for 1.789: both stay.
    assert "QPSK 8/9" not in names  # 1.766 at 6.20 dB
    assert "8PSK 8/9" not in names  # 2.646 at 10.69 dB; 16APSK 3/4 carries 2.967 at 10.21 dB
    assert names[0] == "QPSK 1/4"
    assert names[-1] == "32APSK 9/10"


@given(modes, st.floats(-10, 25))
def test_best_carries_most_of_what_is_received(choice: ModeSet, es_n0: float) -> None:
    received = [mode for mode in choice if mode.required_es_n0_db <= es_n0]
    best = choice.best(es_n0)
    if not received:
        assert best is None
    else:
        assert best is not None
        assert best.bits_per_symbol == max(mode.bits_per_symbol for mode in received)


@given(modes)
def test_envelope_rises_in_both(choice: ModeSet) -> None:
    kept = choice.envelope()
    for low, high in pairwise(kept):
        assert low.required_es_n0_db < high.required_es_n0_db
        assert low.bits_per_symbol < high.bits_per_symbol


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", 0.0, 1.0), "0.0 bits per symbol; allowed is above 0"),
        (("a", float("inf"), 1.0), "inf bits per symbol"),
        (("a", 1.0, float("nan")), "a required Es/N0 of nan"),
    ],
    ids=["none", "infinite", "not a number"],
)
def test_a_mode_that_cannot_be_is_refused(
    arguments: tuple[str, float, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Mode(*arguments)


def test_a_set_needs_modes_with_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="at least one mode"):
        ModeSet(())
    with pytest.raises(ValueError, match="the mode a is listed twice"):
        ModeSet((Mode("a", 1.0, 0.0), Mode("a", 2.0, 3.0)))
