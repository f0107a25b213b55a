"""Framing: what is left of a mode's symbols for data, against the standards and spacepackets."""

from __future__ import annotations

import pytest
from downpass.link.channel.framing import (
    PACKET_HEADER_BYTES,
    Framing,
    information_rate,
)
from downpass.link.channel.modulation import CCSDS_131, DVB_S2, Mode, ModeSet
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ccsds.spacepacket import CCSDS_HEADER_LEN, PacketType, SpHeader

BARE = Framing(transfer_frame_bytes=None)


def named(modes: ModeSet, name: str) -> Mode:
    mode = modes.named(name)
    assert mode is not None
    return mode


def test_packet_header_is_that_of_spacepackets() -> None:
    assert PACKET_HEADER_BYTES == CCSDS_HEADER_LEN
    packed = SpHeader(packet_type=PacketType.TM, apid=1, seq_count=0, data_len=0).pack()
    assert len(packed) == PACKET_HEADER_BYTES


def test_bare_mode_carries_its_spectral_efficiency() -> None:
    for mode in DVB_S2:
        assert information_rate(mode, 1e6, BARE) == int(mode.bits_per_symbol * 1e6 + 1e-4)


@pytest.mark.parametrize(
    ("name", "symbols", "pilots"),
    # A slot has 90 symbols; a pilot block of 36 follows each 16 slots but the last.
    [
        ("QPSK 1/2", 361 * 90, 22 * 36),
        ("8PSK 2/3", 241 * 90, 14 * 36),
        ("16APSK 3/4", 181 * 90, 11 * 36),
        ("32APSK 9/10", 145 * 90, 8 * 36),
    ],
)
def test_pilots_lengthen_the_frame(name: str, symbols: int, pilots: int) -> None:
    mode = named(DVB_S2, name)
    assert mode.frame_symbols == symbols
    assert mode.pilot_symbols == pilots
    with_pilots = Framing(pilots=True, transfer_frame_bytes=None)
    assert with_pilots.bits_per_symbol(mode) == pytest.approx(mode.frame_bits / (symbols + pilots))


def test_transfer_frames_over_dvb_s2_worked_by_hand() -> None:
    """1115-byte AOS frames: 10 bytes of them are no data, and 4 bytes of marker go before them."""
    mode = named(DVB_S2, "QPSK 1/2")
    framing = Framing(pilots=False, transfer_frame_bytes=1115, packet_data_bytes=1018)
    expected = 32128 / 32490 * (1115 - 10) / 1119 * 1018 / 1024
    assert framing.bits_per_symbol(mode) == pytest.approx(expected, rel=1e-12)
    assert information_rate(mode, 50e6, framing) == int(50e6 * expected)


def test_a_ccsds_codeblock_carries_its_own_transfer_frame() -> None:
    """The marker is in the mode, so only the frame's header and trailer are taken off."""
    mode = named(CCSDS_131, "QPSK RS+conv 1/2")
    for length in (500, 1115, 2048):
        framing = Framing(transfer_frame_bytes=length)
        assert framing.bits_per_symbol(mode) == pytest.approx(
            2 * (8920 - 80) / (2 * 10232), rel=1e-12
        )


@given(
    st.sampled_from([*DVB_S2, *CCSDS_131]),
    st.booleans(),
    st.one_of(st.none(), st.integers(11, 65536)),
    st.one_of(st.none(), st.integers(1, 65536)),
    st.floats(1e3, 1e9),
)
def test_framing_only_takes(
    mode: Mode, pilots: bool, frame: int | None, packet: int | None, symbol_rate: float
) -> None:
    rate = information_rate(mode, symbol_rate, Framing(pilots, frame, packet))
    assert 0 <= rate <= information_rate(mode, symbol_rate, BARE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transfer_frame_bytes": 10}, "a transfer frame of 10 B; allowed is 11 to 65536 B"),
        ({"packet_data_bytes": 0}, "a space packet with 0 B of data; allowed is 1 to 65536 B"),
    ],
    ids=["frame", "packet"],
)
def test_framing_without_room_is_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Framing(**arguments)  # type: ignore[arg-type]
