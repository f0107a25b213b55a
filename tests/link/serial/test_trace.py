"""A trace holds every frame of a line, once, within its size."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from downpass.link.errors import InputError
from downpass.link.serial.framing import frame
from downpass.link.serial.lines import PtySource
from downpass.link.serial.messages import Ping, seal
from downpass.link.serial.pcapng import Packet, PcapngReader
from downpass.link.serial.port import Port
from downpass.link.serial.trace import Trace
from hypothesis import given
from hypothesis import strategies as st


def packets(path: Path) -> tuple[list[Packet], PcapngReader]:
    reader = PcapngReader(io.BytesIO(path.read_bytes()), str(path))
    return list(reader.packets()), reader


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=12), st.data())
def test_frames_are_split_where_they_end_however_they_arrive(
    tmp_path_factory: Any, bodies: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("trace") / "t.pcapng"
    stream = b"".join(frame(body) for body in bodies)
    with Trace(path) as trace:
        tap = trace.tap("p", 9600)
        while stream:
            size = data.draw(st.integers(1, 60))
            tap.record(stream[:size], outbound=False)
            stream = stream[size:]
    found, _ = packets(path)
    assert [b"\0" + p.data + b"\0" for p in found] == [frame(body) for body in bodies]


def test_a_port_records_both_directions(tmp_path: Path) -> None:
    source = PtySource()
    board = source.open()
    with (
        Trace(tmp_path / "t") as trace,
        Port(source.address, tap=trace.tap(source.address, 921600)) as port,
    ):
        port.write(seal(Ping(1)))
        assert board.read() == seal(Ping(1))
        board.write(seal(Ping(2)) + b"half")
        received = b""
        while not received.endswith(b"half"):
            received += port.read()
    board.close()
    found, _ = packets(tmp_path / "t")
    assert [(p.outbound, p.data) for p in found] == [
        (True, seal(Ping(1))[1:-1]), (False, seal(Ping(2))[1:-1]), (False, b"half"),
    ]  # fmt: skip
    assert found[0].nanoseconds <= found[1].nanoseconds <= found[2].nanoseconds
    assert {p.name for p in found} == {source.address}


def test_the_size_is_bounded_and_what_is_missing_is_counted(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "t", largest=4096)
    tap = trace.tap("p", 9600)
    for _ in range(100):
        tap.record(frame(bytes(range(1, 101))), outbound=True)
    trace.close()
    assert "the most that is kept" in trace.fault
    assert (tmp_path / "t").stat().st_size <= 4096
    found, reader = packets(tmp_path / "t")
    assert len(found) + reader.dropped == 100
    assert len(found) >= 20


def test_garbage_without_end_is_cut_into_packets(tmp_path: Path) -> None:
    with Trace(tmp_path / "t") as trace:
        trace.tap("p", 9600).record(b"\x55" * 10_000, outbound=False)
    found, _ = packets(tmp_path / "t")
    assert [len(p.data) for p in found] == [4145, 4145, 1710]


def test_a_full_disk_ends_the_trace_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = Trace(tmp_path / "t")
    tap = trace.tap("p", 9600)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("downpass.link.serial.pcapng.PcapngWriter.packet", full)
    tap.record(frame(b"abc"), outbound=True)
    tap.record(frame(b"abc"), outbound=True)
    trace.close()
    assert trace.fault.endswith("the trace ends early (No space left on device)")


@pytest.mark.parametrize("name", ["no/such", "/dev/null", "."])
def test_a_trace_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Trace(tmp_path / name)
