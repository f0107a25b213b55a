"""Opens a serial line by its name, and explains in plain words why a line does not open.

`portname` defines which names are allowed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import serial
from serial.tools import list_ports

from ..errors import InputError
from .constants import DEFAULT_BAUD, LARGEST_BAUD
from .line_pace import BITS_PER_BYTE_ON_WIRE
from .portname import is_device, port_fault
from .trace import Tap

READ_S: Final = 0.05
"""Seconds that a read waits for a byte. A reader notices within this time that it must stop."""
BLOCKED_S: Final = 0.5
"""Seconds in which a line that takes bytes takes the next one, besides the driver's time."""
_DRIVER_BYTES: Final = 4096
"""Bytes that a driver may hold and send before it takes more."""
_FULL_S: Final = 0.005
_GROUP: Final = "dialout"
"""The group that serial ports belong to on Debian, Raspberry Pi OS, Ubuntu and Fedora."""


class PortError(InputError):
    """A serial port cannot be opened; the message says what to do about it."""


class PortLostError(Exception):
    """An open port has vanished: it was unplugged, or the other end closed the connection."""


def check_baud(baud: int) -> None:
    """Refuse a bit rate that no line has.

    Raises:
        PortError: It is below 1 or above `LARGEST_BAUD`.
    """
    if not 1 <= baud <= LARGEST_BAUD:
        raise PortError(f"baud {baud}: allowed are 1 to {LARGEST_BAUD}")


def known_ports() -> list[tuple[str, str]]:
    """Return (path, description) of the serial ports that the operating system lists."""
    return sorted((port.device, port.description or "") for port in list_ports.comports())


class Port:
    """An open serial line; one thread may read while another writes.

    Args:
        name: A name that `portname.port_fault` accepts.
        baud: Bits per second; ignored by lines that have no bit rate.
        tap: Sees everything that is read and written.

    Raises:
        PortError: The port cannot be opened.
    """

    def __init__(self, name: str, baud: int = DEFAULT_BAUD, tap: Tap | None = None) -> None:
        self.name = name
        self.baud = baud
        self._tap = tap
        self._line = _opened(name, baud)
        self._file = _file_of(self._line)
        self._open = threading.Lock()
        self._patience = BLOCKED_S + _DRIVER_BYTES * BITS_PER_BYTE_ON_WIRE / baud
        """Seconds in which a write waits for the line to take the next byte."""
        if name.startswith("socket://") and self._file is not None:
            # Nagle's algorithm would delay a small frame by tens of milliseconds.
            with socket.fromfd(self._file, socket.AF_INET, socket.SOCK_STREAM) as same:
                same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> bytes:
        """Return the bytes that have arrived; empty if none arrive within `READ_S` seconds.

        Raises:
            PortLostError: The port is gone.
        """
        try:
            data = self._read_line() if self._file is None else self._read_file(self._file)
        except _FAULTS as error:
            raise self._lost(error) from None
        if data and self._tap is not None:
            self._tap.record(data, outbound=False)
        return data

    def _read_line(self) -> bytes:
        first: bytes = self._line.read(1)
        waiting = self._line.in_waiting if first else 0
        return first + self._line.read(waiting) if waiting else first

    def _read_file(self, file: int) -> bytes:
        """Read all waiting bytes in one call, because pyserial reads sockets byte by byte."""
        ready, _, _ = select.select([file], [], [], READ_S)
        if not ready:
            return b""
        with self._open:
            data = os.read(self._still_open(), 65536)
        if not data:
            raise OSError(errno.EIO, "the other end hung up")
        return data

    def write(self, data: bytes) -> None:
        """Write bytes to the line, and wait while the line is busy.

        The rest is dropped if the line takes no byte for a time: a board that hangs reads nothing,
        and a pseudo-terminal, a USB device or a TCP connection then takes nothing either. To the
        board this is a damaged frame.

        Raises:
            PortLostError: The port is gone.
        """
        if self._tap is not None:
            self._tap.record(data, outbound=True)
        try:
            if self._file is None:
                self._line.write(data)
                return
            left = write_within(self._patience, self._file, data, self._write_file)
        except _FAULTS as error:
            raise self._lost(error) from None
        if left and self._tap is not None:
            self._tap.note(f"the line takes nothing; {left} bytes are dropped")

    def _write_file(self, data: memoryview) -> int:
        with self._open:
            return os.write(self._still_open(), data)

    def _still_open(self) -> int:
        """Return the file descriptor, while `_open` is held.

        Another thread may close the port, and the system gives a closed descriptor's number to the
        next file that is opened: bytes would go there, or be taken from there.
        """
        if self._file is None:
            raise OSError("it was closed")
        return self._file

    def pulse(self, line: str, seconds: float = 0.1) -> None:
        """Release a modem control line for a moment, which resets many boards, and set it again.

        Args:
            line: `dtr` or `rts`.
            seconds: Duration.

        Raises:
            PortError: This kind of port has no such line.
        """
        if self.name.startswith(("socket://", "loop://")):
            raise PortError(f"{self.name}: this kind of port has no {line.upper()}")
        try:
            for level in (False, True):
                setattr(self._line, line, level)
                time.sleep(seconds)
        except (*_FAULTS, NotImplementedError) as error:  # pyserial's, for ports without the line
            raise PortError(f"{self.name}: its {line.upper()} cannot be set ({error})") from None

    def _lost(self, error: BaseException) -> PortLostError:
        if self._tap is not None:
            self._tap.note(f"the port is gone ({error})")
        return PortLostError(f"{self.name}: the port is gone ({error})")

    def close(self) -> None:
        """Close the port."""
        with self._open:
            self._file = None
            self._line.close()

    def __enter__(self) -> Port:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# pyserial raises TypeError when another thread closes the port during a read.
_FAULTS: Final = (serial.SerialException, OSError, TypeError, AttributeError, ValueError)


def write_within(
    patience: float, file: int, data: bytes, write: Callable[[memoryview], int]
) -> int:
    """Write to a line until it takes no byte for a time; return how many bytes are left.

    Args:
        patience: Seconds to wait for the line to take the next byte.
        file: The line's file descriptor, which must not block.
        data: The bytes.
        write: Writes bytes to the line and returns how many it took.

    Raises:
        OSError: The line is gone.
    """
    rest = memoryview(data)
    moved_at = time.monotonic()
    while rest:
        left = moved_at + patience - time.monotonic()
        if left <= 0:
            break
        select.select([], [file], [], left)
        try:
            rest = rest[write(rest) :]
            moved_at = time.monotonic()
        except BlockingIOError:
            time.sleep(_FULL_S)
    return len(rest)


def _file_of(line: Any) -> int | None:
    """Return a file descriptor for `select`; None if the line has none."""
    if os.name != "posix":
        return None
    try:
        return int(line.fileno())
    except (OSError, AttributeError):
        return None


def _opened(name: str, baud: int) -> Any:
    check_baud(baud)
    if fault := port_fault(name):
        raise PortError(f"{shown_name(name)}: {fault}")
    is_path = is_device(name)
    if is_path and name.startswith("/") and not Path(name).exists():
        raise PortError(f"{name}: no such port; {_there_are()}")
    try:
        if is_path:
            # `exclusive` prevents a second program from reading part of the bytes.
            line = serial.Serial(name, baudrate=baud, timeout=READ_S, exclusive=True)
        else:
            line = serial.serial_for_url(name, baudrate=baud, timeout=READ_S)
    except (ValueError, OverflowError) as error:
        raise PortError(f"{name}: {error}; allowed: a baud rate that the port can do") from None
    except (serial.SerialException, OSError) as error:
        raise PortError(f"{name}: {_advice(name, error)}") from None
    try:
        if is_path:
            line.reset_input_buffer()
    except Exception as error:  # termios.error, which is no OSError, of a port that has vanished
        line.close()
        raise PortError(f"{name}: {error}") from None
    return line


def shown_name(name: str) -> str:
    """Return a port's name for a message: printable, and cut after 80 characters."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name[:80])
    return text + ("…" if len(name) > 80 else "")


def _advice(name: str, error: BaseException) -> str:
    code = getattr(error, "errno", None)
    text = str(error)
    if code == errno.EACCES or "Permission denied" in text:
        return f"you may not use it; {_permission(name)}"
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text or "busy" in text:
        return "another program has it open (a terminal, ModemManager?); close that first"
    if code == errno.ENOENT or "No such file" in text or "FileNotFound" in text:
        return f"no such port; {_there_are()}"
    if "Connection refused" in text:
        return "nobody listens there; start the board's end first"
    if "Name or service not known" in text or "nodename" in text:
        return "no such host"
    if code in (errno.ENOTTY, errno.EINVAL) or "Could not configure port" in text:
        return "it is no serial port"
    return text


def _permission(name: str) -> str:
    group = _GROUP
    # pathlib raises NotImplementedError if the system has no groups; keep the default then.
    with contextlib.suppress(OSError, KeyError, NotImplementedError):
        group = Path(name).group()
    if not hasattr(os, "getgroups"):
        return "ask who runs this computer for the right"
    if group == "root":
        return (
            f"it belongs to root alone: give it to the group of serial ports with "
            f"`sudo chgrp {_GROUP} {name} && sudo chmod g+rw {name}`, join that with "
            f"`sudo usermod -aG {_GROUP} $USER` and log in again"
        )
    return f"join its group with `sudo usermod -aG {group} $USER` and log in again"


def _there_are() -> str:
    ports = [path for path, _ in known_ports()]
    if not ports:
        return "this computer shows no serial port: is the board plugged in?"
    return f"there are {', '.join(ports[:6])}"
