"""What kind of line a port is, and so whether its baud rate says how fast it is.

A bit rate paces a UART's wire. A pseudo-terminal, a TCP connection or a USB device that is a serial
port by name alone takes the number and ignores it, so a time computed from it means nothing there.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from .line_pace import BITS_PER_BYTE_ON_WIRE
from .portname import LOOP, device_names, is_device


class LineKind(Enum):
    """The kind of a line, as words for people."""

    SERIAL = "serial port"
    TERMINAL_SERVER = "serial port of a terminal server"
    USB = "USB serial port without a bit rate of its own"
    """A device of the class CDC ACM. Some have a UART behind them; nothing tells."""
    BLUETOOTH = "Bluetooth serial port"
    VIRTUAL = "virtual serial port"
    PSEUDO_TERMINAL = "pseudo-terminal"
    TCP = "TCP connection"
    LOOP = "loop"

    @property
    def has_bit_rate(self) -> bool:
        """Whether the baud rate is that of a wire."""
        return self in (LineKind.SERIAL, LineKind.TERMINAL_SERVER)


_SCHEMES: Final = {"socket": LineKind.TCP, "rfc2217": LineKind.TERMINAL_SERVER}
# By the kernel's name; all other devices that may be opened are serial ports.
_DEVICES: Final = (
    (re.compile(r"tty(ACM|GS)\d+|(tty|cu)\.usbmodem.*", re.ASCII), LineKind.USB),
    (re.compile(r"rfcomm\d+|(tty|cu)\.Bluetooth.*", re.ASCII), LineKind.BLUETOOTH),
    (re.compile(r"hvc\d+|tnt\d+", re.ASCII), LineKind.VIRTUAL),
    (re.compile(r"pts/\d+|ttys\d+", re.ASCII), LineKind.PSEUDO_TERMINAL),
)


def line_kind(name: str) -> LineKind:
    """Return the kind of a port's line; `name` is one that `portname.port_fault` accepts."""
    if name == LOOP:
        return LineKind.LOOP
    if not is_device(name):
        return _SCHEMES[name.partition("://")[0]]
    names = device_names(name)
    return next(
        (kind for form, kind in _DEVICES if any(form.fullmatch(one) for one in names)),
        LineKind.SERIAL,
    )


def wire_s(kind: LineKind, baud: int, most_bytes: int) -> float | None:
    """Return the least seconds that a line needs; None if it has no bit rate.

    Args:
        kind: The kind of the line.
        baud: Its rate in bits per second.
        most_bytes: The bytes in the busier direction; both are carried at once.
    """
    return most_bytes * BITS_PER_BYTE_ON_WIRE / baud if kind.has_bit_rate else None
