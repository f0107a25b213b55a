"""Decides which names may be opened as a serial port.

A port's name comes from a scenario file or the command line. By name, pyserial opens far more than
serial lines: its `spy://` empties a file, `hwgrep://` searches all devices, and `alt://` loads a
class by name. Therefore only names of the following forms are allowed, both when a scenario is
validated and when a port is opened:

| name | meaning |
|---|---|
| `/dev/ttyUSB0` | a serial device, or a symbolic link to one at any path |
| `socket://HOST:PORT` | a TCP connection that carries the line's bytes |
| `rfc2217://HOST:PORT?OPTIONS` | a port of a terminal server (RFC 2217) |
| `loop://` | a line that returns every byte written to it |
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

ALLOWED: Final = "a serial device such as /dev/ttyUSB0, socket://HOST:PORT, rfc2217://HOST:PORT"
"""The forms for users, as text for messages."""
LONGEST_NAME: Final = 256
LOOP: Final = "loop://"

_NETWORK: Final = ("socket", "rfc2217")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_OPTIONS: Final = ("ign_set_control", "poll_modem", "timeout")
_LONGEST_TIMEOUT_S: Final = 60.0
# Kernel names of serial lines. `tty` and `tty1` are excluded because they are the user's screen,
# and other character devices because opening a watchdog or a tape has side effects.
_LINE: Final = re.compile(
    r"tty[A-Za-z]{1,16}\d{1,4}"  # Linux: ttyS0, ttyUSB0, ttyACM0, ttyAMA0; macOS: ttys001
    r"|(tty|cu)\.[\w.+-]{1,64}"  # macOS
    r"|cua[uU]?\d{1,4}(\.\d{1,2})?"  # FreeBSD
    r"|pts/\d{1,7}|rfcomm\d{1,3}|hvc\d{1,3}|tnt\d{1,3}",
    re.ASCII,
)
_WINDOWS: Final = re.compile(r"COM\d{1,3}", re.ASCII)
_KINDS: Final = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a local socket",
    stat.S_IFBLK: "a disk",
}


def port_fault(name: str) -> str:
    """Return why a name cannot be a port; empty if it may be opened.

    A device that does not exist now is accepted, because it may be plugged in later.
    """
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        return f"allowed: {ALLOWED}, in at most {LONGEST_NAME} printable characters"
    if name == LOOP:
        return ""
    scheme, is_url, _ = name.partition("://")
    if not is_url:
        return _device_fault(name)
    if scheme in _NETWORK:
        return _network_fault(name, scheme)
    if name.startswith(LOOP):
        return f"allowed: {LOOP} alone, without options"
    return f"{scheme}:// is no kind of port here; allowed: {ALLOWED}"


def same_line(name: str) -> str:
    """Return a text that is equal for two names of one port, such as a device and a link to it."""
    return os.path.realpath(name) if is_device(name) else name.lower()


def is_device(name: str) -> bool:
    """Whether a port's name is a device's path."""
    return "://" not in name


def device_names(name: str) -> tuple[str, ...]:
    """Return the names of a device without /dev: where its path leads, and the kernel's if known.

    A container may rename a device; /sys/dev/char keeps the kernel's name.
    """
    path = Path(os.path.realpath(name))
    own = str(path).removeprefix("/dev/")
    try:
        found = path.stat()
    except (OSError, ValueError):
        return (own,)
    device = f"/sys/dev/char/{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return own, Path(os.path.realpath(device)).name


def _device_fault(name: str) -> str:
    if os.name == "nt" and _WINDOWS.fullmatch(name):
        return ""
    path = Path(os.path.realpath(name))
    try:
        found = path.stat()
    except (OSError, ValueError):
        return "" if path.is_relative_to("/dev") else f"no such device; allowed: {ALLOWED}"
    if not stat.S_ISCHR(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        return f"it is no serial port but {kind}; allowed: {ALLOWED}"
    if any(_LINE.fullmatch(one) for one in device_names(name)):
        return ""
    return f"it is a device but no serial port; allowed: {ALLOWED}"


def _network_fault(name: str, scheme: str) -> str:
    options = _OPTIONS if scheme == "rfc2217" else ()
    allowed = f"allowed: {scheme}://HOST:PORT, such as {scheme}://localhost:5331"
    try:
        parts = urlsplit(name)
        host, number = parts.hostname or "", parts.port
    except ValueError:
        return allowed
    bracketed = f"[{host}]" if ":" in host else host
    plain = f"{scheme}://{bracketed}:{number}"
    if number is None and _is_host(host):
        return f"found no port number; {allowed}"
    if number is None or not _is_host(host):
        return allowed
    if not 1 <= number <= 65535:
        return f"found port {number}; allowed: 1 to 65535"
    rest = name[len(plain) :]
    if name[: len(plain)].lower() != plain or (rest and not rest.startswith("?")):
        return allowed
    if rest and not options:
        return f"found {rest}; allowed: {scheme}://HOST:PORT without options"
    for option, value in parse_qsl(rest[1:], keep_blank_values=True):
        if option not in options:
            return f"found option {option}; allowed: {', '.join(options)}"
        if option == "timeout" and not _is_timeout(value):
            return f"found timeout {value}; allowed: seconds up to {_LONGEST_TIMEOUT_S:g}"
    return ""


def _is_host(host: str) -> bool:
    if ":" not in host:
        return bool(_HOST.fullmatch(host))
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _is_timeout(value: str) -> bool:
    return bool(re.fullmatch(r"\d{1,2}(\.\d{1,3})?", value, re.ASCII)) and (
        0 < float(value) <= _LONGEST_TIMEOUT_S
    )
