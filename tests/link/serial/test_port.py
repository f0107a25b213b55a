from __future__ import annotations

import contextlib
import errno
import os
import pty
import select
import socket
import threading
import time
from pathlib import Path

import pytest
import serial
from downpass.link.errors import InputError
from downpass.link.serial import lines
from downpass.link.serial import port as ports
from downpass.link.serial.lines import ListeningSource, PtySource
from downpass.link.serial.port import Port, PortError, PortLostError


def read_all(port: Port, count: int) -> bytes:
    data = b""
    until = time.monotonic() + 5
    while len(data) < count and time.monotonic() < until:
        data += port.read()
    return data


def test_a_loop_gives_back_what_it_takes() -> None:
    with Port("loop://") as port:
        port.write(b"hello")
        assert read_all(port, 5) == b"hello"
        assert port.read() == b""


def test_a_pty_is_a_port_like_any_other() -> None:
    ours, theirs = pty.openpty()
    with Port(os.ttyname(theirs), 115200) as port:
        port.write(bytes(range(256)))
        assert os.read(ours, 256) == bytes(range(256)), "the line must be raw"
        os.write(ours, bytes(range(256)))
        assert read_all(port, 256) == bytes(range(256))
        with pytest.raises(PortError, match="another program has it open"):
            Port(os.ttyname(theirs))
        os.close(ours)
        with pytest.raises(PortLostError, match="the port is gone"):
            for _ in range(20):
                port.read()
    os.close(theirs)


@pytest.mark.parametrize("kind", ["pty", "socket"])
def test_a_line_that_takes_nothing_stops_no_writer(kind: str) -> None:
    """As the port of a board that hangs: the rest of a frame is dropped, a later one arrives."""
    ours, theirs = pty.openpty() if kind == "pty" else (-1, -1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        name = os.ttyname(theirs) if kind == "pty" else f"socket://127.0.0.1:{_number(server)}"
        with Port(name, 921600) as port:
            other = None if kind == "pty" else server.accept()[0]
            begin = time.monotonic()
            port.write(bytes(1 << 24))
            assert 0.5 < time.monotonic() - begin < 5
            port.write(b"abc")  # nothing has been read, so it is dropped as well
            assert 1.0 < time.monotonic() - begin < 10
            took = 0
            while select.select([ours if other is None else other], [], [], 0.3)[0]:
                took += len(os.read(ours, 1 << 16) if other is None else other.recv(1 << 16))
            assert 0 < took < 1 << 24
            port.write(b"def")
            assert (os.read(ours, 9) if other is None else other.recv(9)) == b"def"
            if other is not None:
                other.close()
    for file in (ours, theirs):
        if file >= 0:
            os.close(file)


def _number(server: socket.socket) -> int:
    number: int = server.getsockname()[1]
    return number


def test_a_host_that_hangs_up_before_it_is_served_is_no_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def aborted(_: socket.socket) -> None:
        raise ConnectionAbortedError(errno.ECONNABORTED, "Software caused connection abort")

    with contextlib.closing(ListeningSource("127.0.0.1:0")) as source:
        monkeypatch.setattr(socket.socket, "accept", aborted)
        assert source.open() is None


def test_a_connection_notices_that_its_host_has_vanished() -> None:
    with contextlib.closing(ListeningSource("127.0.0.1:0")) as source, Port(source.address):
        line = source.open()
        assert line is not None
        with contextlib.closing(line), socket.socket(fileno=os.dup(line._file)) as same:  # type: ignore[attr-defined]
            assert same.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
            assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_the_boards_end_of_a_line_that_nobody_reads_stops_no_writer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "BLOCKED_S", 0.05)
    source = PtySource()
    with contextlib.closing(source.open()) as line:
        begin = time.monotonic()
        line.write(bytes(1 << 20))
        assert 0.05 < time.monotonic() - begin < 2


def test_a_socket_is_a_port_and_hanging_up_is_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(100)[::-1])

        thread = threading.Thread(target=serve)
        thread.start()
        with Port(f"socket://127.0.0.1:{server.getsockname()[1]}") as port:
            port.write(b"abc")
            assert read_all(port, 3) == b"cba"
            with pytest.raises(PortLostError):
                for _ in range(20):
                    port.read()
        thread.join()


def test_a_missing_port_names_those_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "known_ports", lambda: [("/dev/ttyUSB1", "board")])
    with pytest.raises(PortError, match=r"^/dev/ttyNO: no such port; there are /dev/ttyUSB1$"):
        Port("/dev/ttyNO")
    monkeypatch.setattr(ports, "known_ports", list)
    with pytest.raises(PortError, match="is the board plugged in"):
        Port("/dev/ttyNO")


def test_nobody_at_the_socket_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    with pytest.raises(PortError, match="nobody listens there"):
        Port(f"socket://127.0.0.1:{number}")


def test_a_file_is_no_port(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(PortError, match="it is no serial port"):
        Port(str(file))


def test_an_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(PortError, match="carrier:// is no kind of port here; allowed: a serial"):
        Port("carrier://pigeon")


def test_a_forbidden_port_says_which_group_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(13, "could not open port: [Errno 13] Permission denied")

    monkeypatch.setattr(serial, "Serial", refuse)
    monkeypatch.setattr(Path, "group", lambda self: "dialout")
    ours, theirs = pty.openpty()
    with pytest.raises(PortError, match="usermod -aG dialout"):
        Port(os.ttyname(theirs))
    os.close(ours)
    os.close(theirs)


def test_a_port_of_root_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(13, "could not open port: [Errno 13] Permission denied")

    monkeypatch.setattr(serial, "Serial", refuse)
    monkeypatch.setattr(Path, "group", lambda self: "root")
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    with pytest.raises(PortError, match=rf"`sudo chgrp dialout {name} && .*usermod -aG dialout"):
        Port(name)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("baud", [0, -1, 20_000_001, 12_345_678_901])
def test_a_baud_rate_that_no_line_has_is_refused(baud: int) -> None:
    with pytest.raises(PortError, match=f"^baud {baud}: allowed are 1 to 20000000$"):
        Port("loop://", baud)


def test_a_port_that_was_closed_writes_to_no_other_file(tmp_path: Path) -> None:
    controller, device = os.openpty()
    port = Port(os.ttyname(device))
    port.close()
    # The next file has the descriptor that the port had.
    with (tmp_path / "next").open("wb"), pytest.raises(PortLostError):
        port.write(b"lost")
    assert (tmp_path / "next").read_bytes() == b""
    os.close(controller)
    os.close(device)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "[::1]:0"])
def test_who_listens_is_reached_by_the_address_that_it_gives(address: str) -> None:
    try:
        source = ListeningSource(address)
    except InputError:
        assert not socket.has_dualstack_ipv6(), "this computer has IPv6"
        pytest.skip("needs IPv6")
    try:
        with Port(source.address) as port:
            line = source.open()
            assert line is not None
            port.write(b"to the board")
            assert line.read() == b"to the board"
            line.close()
    finally:
        source.close()
