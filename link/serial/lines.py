"""The board's end of a line: a serial port, a pseudo-terminal or a TCP connection."""

from __future__ import annotations

import errno
import os
import pty
import re
import select
import socket
import tty
from typing import Final, Protocol

from ..errors import InputError
from .constants import DEFAULT_BAUD
from .port import BLOCKED_S, READ_S, Port, PortLostError, shown_name, write_within

_PIECE: Final = 65536
_ADDRESS: Final = re.compile(
    r"(?:\[(?P<ip6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>[0-9]{1,5})"
)
_LARGEST_PORT: Final = 65535
_KEEPALIVE: Final = {
    "TCP_KEEPIDLE": 10,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 25_000,
}
"""Options by which a connection ends 25 s after its host has vanished (Linux's tcp(7))."""


class Line(Protocol):
    """An open line; one thread may read while another writes."""

    def read(self) -> bytes:
        """Return the bytes that have arrived; empty if none arrive within `READ_S` seconds.

        Raises:
            PortLostError: The line is gone.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send bytes; drop the rest if the line takes no byte for a time, as `Port.write` does.

        Raises:
            PortLostError: The line is gone.
        """
        ...

    def close(self) -> None:
        """Close the line."""
        ...


class LineSource(Protocol):
    """Opens the first line, and another one after a line is lost."""

    @property
    def address(self) -> str:
        """The port for the other end to open, or the name of this end's port."""
        ...

    def open(self) -> Line | None:
        """Return a line; None if none can be opened yet."""
        ...


class SerialSource:
    """A serial port by its name, opened again when it comes back."""

    def __init__(self, name: str, baud: int = DEFAULT_BAUD) -> None:
        self.address = name
        self._baud = baud
        self._first: Port | None = Port(name, baud)

    def open(self) -> Line | None:
        """Return the constructor's port, and later open it again; None if it cannot be opened."""
        first, self._first = self._first, None
        if first is not None:
            return first
        try:
            return Port(self.address, self._baud)
        except InputError:
            return None


class PtySource:
    """A new pseudo-terminal, which stays when the other end closes it."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        tty.setraw(theirs)
        # Kept open, so that the other end can close and open it without an error here.
        self._theirs = theirs
        self.address = os.ttyname(theirs)

    def open(self) -> Line:
        """Return a line whose other end is the device at `address`."""
        return FileLine(os.dup(self._ours))


class ListeningSource:
    """A TCP port on which one host at a time is served.

    Args:
        address: HOST:PORT, or [HOST]:PORT for an IPv6 address; port 0 chooses any free port.

    Raises:
        InputError: The address cannot be opened.
    """

    def __init__(self, address: str) -> None:
        found = _ADDRESS.fullmatch(address)
        if found is None or int(found["port"]) > _LARGEST_PORT:
            raise InputError(
                f"address {shown_name(address)!r}: write it as HOST:PORT, such as 127.0.0.1:5331 "
                "or [::1]:5331"
            )
        ip6, host = found["ip6"], found["host"]
        family = socket.AF_INET6 if ip6 else socket.AF_INET
        try:
            self._server = socket.create_server((ip6 or host, int(found["port"])), family=family)
        except (OSError, UnicodeError) as error:  # a name that no host can have is no ASCII
            reason = getattr(error, "strerror", None) or "no host has this name"
            reason = reason.partition(" (while")[0]
            raise InputError(f"{shown_name(address)}: cannot listen there ({reason})") from None
        self._server.settimeout(READ_S)
        number = self._server.getsockname()[1]
        self.address = f"socket://{f'[{ip6}]' if ip6 else host}:{number}"

    def open(self) -> Line | None:
        """Return the next connection; None if there is none yet."""
        try:
            connection, _ = self._server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _notice_loss(connection)
        except OSError:  # no host came in time, or one that had hung up already
            return None
        return FileLine(connection.detach())

    def close(self) -> None:
        """Serve no further host; open lines stay."""
        self._server.close()


def _notice_loss(connection: socket.socket) -> None:
    """Have the system end a connection whose host has vanished, so that another can be served."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


class FileLine:
    """A line that is a file descriptor, which becomes one that does not block."""

    def __init__(self, file: int) -> None:
        os.set_blocking(file, False)
        self._file = file

    def read(self) -> bytes:
        """Return the bytes that have arrived."""
        try:
            if not select.select([self._file], [], [], READ_S)[0]:
                return b""
            data = os.read(self._file, _PIECE)
        except BlockingIOError:
            return b""
        except (OSError, ValueError) as error:
            raise PortLostError(str(error)) from None
        if not data:
            raise PortLostError(os.strerror(errno.EPIPE))
        return data

    def write(self, data: bytes) -> None:
        """Send bytes; drop the rest if the line takes no byte for `BLOCKED_S` seconds."""
        try:
            write_within(BLOCKED_S, self._file, data, lambda rest: os.write(self._file, rest))
        except (OSError, ValueError) as error:
            raise PortLostError(str(error)) from None

    def close(self) -> None:
        """Close the file descriptor; a second call does nothing."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
