from __future__ import annotations

import binascii

from downpass.link.serial.constants import LARGEST_BODY
from downpass.link.serial.framing import Deframer, frame, unframe
from hypothesis import given
from hypothesis import strategies as st

bodies = st.binary(min_size=1, max_size=700)


def stuffed(data: bytes) -> bytes:
    """COBS as its paper's listing 1 has it, independent of the library."""
    out, block = bytearray(), bytearray()
    for byte in data:
        if byte:
            block.append(byte)
            if len(block) == 254:
                out += bytes((255,)) + block
                block.clear()
        else:
            out += bytes((len(block) + 1,)) + block
            block.clear()
    return bytes(out + bytes((len(block) + 1,)) + block)


@given(bodies)
def test_a_frame_is_what_the_specification_says(body: bytes) -> None:
    data = frame(body)
    checked = body + binascii.crc32(body).to_bytes(4, "little")
    inner = data[1:-1]
    assert data[0] == data[-1] == 0
    assert 0 not in inner
    # Where the data end with a full block, an encoder may leave out the empty one behind it.
    assert inner in (stuffed(checked), stuffed(checked)[:-1])


@given(st.lists(bodies, max_size=8), st.integers(1, 50))
def test_frames_are_found_however_the_line_cuts_them(sent: list[bytes], piece: int) -> None:
    line = b"".join(frame(body) for body in sent)
    deframer = Deframer()
    found = [
        body
        for start in range(0, len(line), piece)
        for body in deframer.feed(line[start : start + piece])
    ]
    assert found == sent
    assert deframer.bad == 0


@given(bodies, st.binary(max_size=300), st.data())
def test_garbage_and_a_cut_cost_no_frame_but_their_own(
    body: bytes, garbage: bytes, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(frame(body)) - 1))
    deframer = Deframer()
    found = deframer.feed(garbage + frame(body)[:cut] + frame(b"next") + frame(b"last"))
    assert found[-2:] == [b"next", b"last"]


@given(bodies, st.integers(0, 10**6), st.integers(0, 7))
def test_a_flipped_bit_never_passes(body: bytes, place: int, bit: int) -> None:
    data = bytearray(frame(body)[1:-1])
    data[place % len(data)] ^= 1 << bit
    assert unframe(bytes(data)) is None


def test_an_endless_frame_is_dropped_and_takes_no_memory() -> None:
    deframer = Deframer()
    for _ in range(100):
        assert deframer.feed(b"\x01" * LARGEST_BODY) == []
        assert len(deframer._held) <= 2 * LARGEST_BODY
    assert deframer.feed(b"\x00" + frame(b"after")) == [b"after"]
    assert deframer.bad == 1


def test_the_largest_body_passes_and_a_larger_one_is_refused() -> None:
    largest = bytes(range(1, 256)) * (LARGEST_BODY // 255 + 1)
    assert Deframer().feed(frame(largest[: LARGEST_BODY - 4])) == [largest[: LARGEST_BODY - 4]]
    try:
        frame(largest[: LARGEST_BODY - 3])
    except ValueError as error:
        assert "allowed" in str(error)
    else:
        raise AssertionError("not refused")
