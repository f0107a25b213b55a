"""Names of ports: what may be opened, by form; nothing else reaches pyserial."""

from __future__ import annotations

import os
import pty
import socket
from pathlib import Path

import pytest
import serial
from downpass.link.serial.port import Port, PortError
from downpass.link.serial.portname import ALLOWED, port_fault, same_line
from hypothesis import given
from hypothesis import strategies as st
from serial import urlhandler


@pytest.mark.parametrize(
    "name",
    [
        "loop://",
        "socket://localhost:5331",
        "socket://10.0.0.7:1",
        "socket://[::1]:65535",
        "rfc2217://terminal-server.lab:2217",
        "rfc2217://h:2217?ign_set_control",
        "rfc2217://h:2217?timeout=2.5&poll_modem",
        "/dev/ttyUSB99",
        "/dev/serial/by-id/usb-FTDI_board-if00-port0",
        "/dev/myboard",
    ],
)
def test_names_that_may_be_tried(name: str) -> None:
    assert port_fault(name) == ""


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("spy://loop://?file=x", f"spy:// is no kind of port here; allowed: {ALLOWED}"),
        ("alt://loop://?class=PosixPollSerial", "alt:// is no kind of port here; "),
        ("hwgrep://.", "hwgrep:// is no kind of port here; "),
        ("cp2110://1", "cp2110:// is no kind of port here; "),
        ("SPY://loop://", "SPY:// is no kind of port here; "),
        ("Socket://a:1", "Socket:// is no kind of port here; "),
        ("loop://?logging=debug", "allowed: loop:// alone, without options"),
        ("socket://a:1?logging=debug", "found ?logging=debug; allowed: socket://HOST:PORT without"),
        ("socket://a:1/x", "allowed: socket://HOST:PORT, such as"),
        ("socket://a:1#x", "allowed: socket://HOST:PORT, such as"),
        ("socket://a", "found no port number; allowed: socket://HOST:PORT, such as"),
        ("socket://:1", "allowed: socket://HOST:PORT, such as"),
        ("socket://user:word@a:1", "allowed: socket://HOST:PORT, such as"),
        ("socket://a b:1", "allowed: socket://HOST:PORT, such as"),
        ("socket://a:0", "found port 0; allowed: 1 to 65535"),
        ("socket://a:65536", "allowed: socket://HOST:PORT, such as"),
        ("socket://a:-1", "allowed: socket://HOST:PORT, such as"),
        ("socket://[::1:1", "allowed: socket://HOST:PORT, such as"),
        ("rfc2217://a:1?logging=debug", "found option logging; allowed: ign_set_control, poll_mod"),
        ("rfc2217://a:1?timeout=nan", "found timeout nan; allowed: seconds up to 60"),
        ("rfc2217://a:1?timeout=61", "found timeout 61; allowed: seconds up to 60"),
        ("rfc2217://a:1?timeout=0", "found timeout 0; allowed: seconds up to 60"),
        ("", "allowed: "),
        ("/dev/tty\0S0", "allowed: "),
        ("/dev/tty\x1b[2J", "allowed: "),
        ("/dev/" + "x" * 300, "allowed: "),
        ("/dev/null", "it is a device but no serial port; "),
        ("/dev/zero", "it is a device but no serial port; "),
        ("/dev", "it is no serial port but a folder; "),
        ("/dev/../etc/passwd", "it is no serial port but a file; "),
        ("/tmp/none/ttyUSB0", "no such device; "),
        ("ttyUSB0", "no such device; "),
    ],
)
def test_names_that_may_not(name: str, fault: str) -> None:
    assert port_fault(name).startswith(fault)
    with pytest.raises(PortError) as caught:
        Port(name)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_no_handler_of_pyserial_is_allowed_by_accident() -> None:
    (folder,) = urlhandler.__path__
    schemes = {path.stem.removeprefix("protocol_") for path in Path(folder).glob("protocol_*.py")}
    assert "spy" in schemes
    allowed = {scheme for scheme in schemes if not port_fault(f"{scheme}://localhost:5331")}
    assert allowed == {"socket", "rfc2217"}


@given(st.text(alphabet="spyocketlr2217f:/?&=@[].#\\ \t%0", max_size=40))
def test_what_is_allowed_is_of_a_known_form(name: str) -> None:
    if not port_fault(name):
        assert (
            name == "loop://"
            or name.startswith(("socket://", "rfc2217://"))
            or os.path.realpath(name).startswith("/dev/")
        )


def test_a_file_named_by_spy_keeps_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "results.parquet"
    file.write_bytes(b"a year of work")
    with pytest.raises(PortError, match="spy:// is no kind of port here"):
        Port(f"spy://loop://?file={file}")
    assert file.read_bytes() == b"a year of work"


def test_what_lies_in_files_is_no_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(serial, "Serial", never)
    monkeypatch.setattr(serial, "serial_for_url", never)
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "socket"))
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "null").symlink_to("/dev/null")
    for name, kind in (
        ("file", "a file"),
        ("fifo", "a named pipe"),
        ("socket", "a local socket"),
        ("link", "a file"),
        ("null", "device but no serial port"),
    ):
        with pytest.raises(PortError, match=kind):
            Port(str(tmp_path / name))


def test_a_link_to_a_terminal_is_one(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    (tmp_path / "port").symlink_to(os.ttyname(theirs))
    with Port(str(tmp_path / "port")) as port:
        os.write(ours, b"hello")
        assert port.read() == b"hello"
    os.close(ours)
    os.close(theirs)


def test_two_names_of_one_port_are_known_to_be_one(tmp_path: Path) -> None:
    link = tmp_path / "board"
    link.symlink_to("/dev/ttyUSB7")
    assert same_line(str(link)) == same_line("/dev/ttyUSB7") != same_line("/dev/ttyUSB8")
    assert same_line("socket://HOST:1") == same_line("socket://host:1")
    assert same_line("socket://host:1") != same_line("rfc2217://host:1")
