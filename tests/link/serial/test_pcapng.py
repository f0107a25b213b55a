"""Files of packets: what another program reads in ours, and what ours makes of hostile ones."""

from __future__ import annotations

import contextlib
import io
import struct

import pytest
from downpass.link.errors import InputError
from downpass.link.serial.pcapng import USER0, Packet, PcapngReader, PcapngWriter
from hypothesis import given
from hypothesis import strategies as st
from pcapng import FileScanner, blocks

packets = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 1 << 52),
        st.binary(max_size=300),
        st.booleans(),
        st.text(st.characters(codec="utf-8"), max_size=20),
    ),
    max_size=20,
)
Written = list[tuple[int, int, bytes, bool, str]]


def written(content: Written) -> bytes:
    file = io.BytesIO()
    writer = PcapngWriter(file, "downpass")
    assert (writer.interface("/dev/ttyUSB0", 921600), writer.interface("b", 9600)) == (0, 1)
    for interface, at, data, outbound, comment in content:
        writer.packet(interface, at, data, outbound, comment)
    writer.statistics(0, 99, 12, 5)
    assert writer.size == len(file.getvalue())
    return file.getvalue()


def read(data: bytes) -> list[Packet]:
    return list(PcapngReader(io.BytesIO(data), "x").packets())


@given(packets)
def test_what_is_written_is_read(content: Written) -> None:
    reader = PcapngReader(io.BytesIO(written(content)), "x")
    found = list(reader.packets())
    assert [(p.interface, p.nanoseconds, p.data, p.outbound, p.comment) for p in found] == [
        (i, 1000 * at, data, out, comment) for i, at, data, out, comment in content
    ]
    assert {p.name for p in found} <= {"/dev/ttyUSB0", "b"}
    assert not reader.truncated
    assert reader.dropped == 5


@given(packets)
def test_another_program_reads_the_same(content: Written) -> None:
    """The oracle is python-pcapng."""
    found = [
        block
        for block in FileScanner(io.BytesIO(written(content)))
        if isinstance(block, blocks.EnhancedPacket)
    ]
    assert [(p.interface_id, round(p.timestamp * 1e6), bytes(p.packet_data)) for p in found] == [
        (i, pytest.approx(at, rel=1e-15), data) for i, at, data, _, _ in content
    ]
    for block, (_, _, _, outbound, comment) in zip(found, content, strict=True):
        assert block.interface.link_type == USER0
        assert block.options["epb_flags"].inout == ("outbound" if outbound else "inbound")
        assert not comment or block.options["opt_comment"] == comment


def test_the_bytes_of_the_first_blocks() -> None:
    """By the draft's figures 9 and 10, with the options in its section 3.5."""
    file = io.BytesIO()
    PcapngWriter(file, "abcd").interface("ab", 256)
    assert file.getvalue() == bytes.fromhex(
        "0a0d0d0a 28000000 4d3c2b1a 0100 0000 ffffffffffffffff 0400 0400 61626364 00000000 28000000"
        "01000000 34000000 9300 0000 00000000 0200 0200 61620000 0800 0800 0001000000000000"
        "0900 0100 06000000 00000000 34000000"
    )


def block(order: str, kind: int, body: bytes) -> bytes:
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("unit", "nanoseconds"), [(b"", 7000), (b"\x09", 7), (b"\x03", 7_000_000), (b"\x8a", 6_835_937)]
)
def test_either_byte_order_and_any_unit_of_time(order: str, unit: bytes, nanoseconds: int) -> None:
    """Seven units: microseconds by default, 10^-9 s, 10^-3 s, 2^-10 s."""
    option = struct.pack(order + "HH", 9, 1) + unit + bytes(3) if unit else b""
    data = section(order)
    data += block(order, 1, struct.pack(order + "HHI", USER0, 0, 0) + option)
    data += block(order, 2989, b"skip")
    data += block(order, 6, struct.pack(order + "IIIII", 0, 0, 7, 3, 3) + b"abc\0")
    assert read(data) == [Packet(nanoseconds, 0, "", USER0, b"abc", None)]


@given(packets, st.data())
def test_a_file_that_is_cut_is_read_up_to_the_cut(content: Written, data: st.DataObject) -> None:
    whole = written(content)
    cut = data.draw(st.integers(8, len(whole) - 1))
    reader = PcapngReader(io.BytesIO(whole[:cut]), "x")
    found = list(reader.packets())
    assert found == read(whole)[: len(found)]
    end = io.BytesIO(whole)
    ends = set()
    while head := end.read(8):
        end.seek(struct.unpack("<I", head[4:])[0] - 8, 1)
        ends.add(end.tell())
    assert reader.truncated == (cut not in ends)


@given(packets, st.data())
def test_damage_is_refused_or_read_and_nothing_else(content: Written, data: st.DataObject) -> None:
    whole = bytearray(written(content))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        read(bytes(whole))


@given(st.binary(max_size=200))
def test_any_bytes_after_a_section(data: bytes) -> None:
    with contextlib.suppress(InputError):
        read(section("<") + data)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "x: begins with nothing; allowed: a pcapng file"),
        (b"\xd4\xc3\xb2\xa1" + bytes(20), "x: begins with d4 c3 b2 a1; allowed: a pcapng file"),
        (section("<") + struct.pack("<II", 6, 1 << 30), "x: at byte 28: a block of 1073741824"),
        (section("<") + block("<", 6, struct.pack("<IIIII", 3, 0, 0, 0, 0)),
         "x: at byte 28: a block of type 6 that contradicts itself"),
        (section("<") + block("<", 1, struct.pack("<HHIHHI", USER0, 0, 0, 9, 1, 0xFF)),
         "x: at byte 28: a block of type 1"),
        (section("<") + block("<", 1, struct.pack("<HHI", USER0, 0, 0)) * 257,
         "x: at byte 5148: a block of type 1 that contradicts itself (more than 256 interfaces)"),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_in_one_line(data: bytes, line: str) -> None:
    with pytest.raises(InputError) as caught:
        read(data)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
