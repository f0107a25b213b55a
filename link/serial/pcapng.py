"""Reads and writes packets in pcapng, the file format of Wireshark.

The format is that of the IETF draft "PCAP Next Generation (pcapng) Capture File Format"
(draft-ietf-opsawg-pcapng). Files are read as hostile input: a block's length, the number of
interfaces and every option are bounded, and nothing larger than a block is held in memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from ..errors import InputError

USER0: Final = 147
"""Link type LINKTYPE_USER0, which the registry reserves for private use."""
LARGEST_BLOCK: Final = 1 << 20
"""Most bytes of a block that is read."""
MOST_INTERFACES: Final = 256

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_STATISTICS: Final = 5
_PACKET: Final = 6
_MAGIC: Final = 0x1A2B3C4D
_COMMENT, _IF_NAME, _FLAGS, _IF_SPEED, _RESOLUTION = 1, 2, 2, 8, 9
_RECEIVED, _DROPPED = 4, 5
_INBOUND, _OUTBOUND = 1, 2
_NANO: Final = 1_000_000_000
_FINEST: Final = 40
"""Largest exponent of a time unit that is read; 2**-40 s is below a picosecond."""
_SHORTEST: Final = 12


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of a file.

    Attributes:
        nanoseconds: Time since 1970 in nanoseconds.
        interface: Number of its interface in the file, counted through all sections.
        name: The interface's name; empty if the file has none.
        link_type: The interface's link type.
        data: The captured bytes.
        outbound: Whether this computer sent it; None if the file does not say.
        comment: A remark; empty if there is none.
    """

    nanoseconds: int
    interface: int
    name: str
    link_type: int
    data: bytes
    outbound: bool | None
    comment: str = ""


class PcapngWriter:
    """Writes a file of one section, with times in microseconds.

    Args:
        file: An empty binary file, which stays open.
        program: The name of the program that writes it.
    """

    def __init__(self, file: IO[bytes], program: str) -> None:
        self._file = file
        self._interfaces = 0
        body = struct.pack("<IHHq", _MAGIC, 1, 0, -1) + _options((4, program.encode()))
        self.size = file.write(_block(_SECTION, body))
        """Bytes written so far."""

    def interface(self, name: str, speed: int, link_type: int = USER0) -> int:
        """Add an interface and return its number; `speed` is in bits per second."""
        body = struct.pack("<HHI", link_type, 0, 0) + _options(
            (_IF_NAME, name.encode()[:255]),
            (_IF_SPEED, struct.pack("<Q", speed)),
            (_RESOLUTION, b"\x06"),
        )
        self.size += self._file.write(_block(_INTERFACE, body))
        self._interfaces += 1
        return self._interfaces - 1

    def packet(
        self, interface: int, microseconds: int, data: bytes, outbound: bool, comment: str = ""
    ) -> None:
        """Add a packet."""
        size = len(data)
        head = struct.pack("<IIIII", interface, *_halves(microseconds), size, size)
        options = [(_COMMENT, comment.encode()[:1000])] if comment else []
        flags = struct.pack("<I", _OUTBOUND if outbound else _INBOUND)
        body = head + data + bytes(-size % 4) + _options(*options, (_FLAGS, flags))
        self.size += self._file.write(_block(_PACKET, body))

    def statistics(self, interface: int, microseconds: int, received: int, dropped: int) -> None:
        """Record how many packets an interface had, and how many of them are not in the file."""
        body = struct.pack("<III", interface, *_halves(microseconds)) + _options(
            (_RECEIVED, struct.pack("<Q", received)), (_DROPPED, struct.pack("<Q", dropped))
        )
        self.size += self._file.write(_block(_STATISTICS, body))


@dataclass(frozen=True, slots=True)
class _Interface:
    number: int
    name: str
    link_type: int
    ticks_per_s: int


class PcapngReader:
    """Reads the packets of a file.

    Args:
        file: A binary file.
        name: The file's name in messages.

    Attributes:
        truncated: Whether the file ended within a block, as after a program was killed.
        dropped: Number of packets that the file says it lacks.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.truncated = False
        self.dropped = 0
        self._file = file
        self._name = name
        self._at = 0
        self._order = "<"
        self._interfaces: list[_Interface] = []
        self._total = 0

    def packets(self) -> Iterator[Packet]:
        """Yield the packets in the file's order.

        Raises:
            InputError: It is no pcapng file, or a block contradicts itself.
        """
        head = self._file.read(8)
        if len(head) < 8 or struct.unpack("<I", head[:4])[0] != _SECTION:
            raise InputError(
                f"{self._name}: begins with {head[:4].hex(' ') or 'nothing'}; allowed: a pcapng "
                "file, which begins with 0a 0d 0d 0a"
            )
        while len(head) == 8:
            body = self._body(head)
            if body is None:
                break
            yield from self._read(struct.unpack(self._order + "I", head[:4])[0], body)
            self._at += len(body) + _SHORTEST
            head = self._file.read(8)
        self.truncated = self.truncated or bool(head and len(head) < 8)

    def _body(self, head: bytes) -> bytes | None:
        """Return a block without its type and lengths; None if the file ends within it."""
        more = b""
        if head[:4] == b"\x0a\x0d\x0d\x0a":
            more = self._file.read(4)
            if len(more) < 4:
                self.truncated = True
                return None
            orders = {struct.pack(order + "I", _MAGIC): order for order in "<>"}
            if more not in orders:
                raise self._fault(f"a section in byte order {more.hex(' ')}")
            self._order = orders[more]
        length = struct.unpack(self._order + "I", head[4:])[0]
        if not _SHORTEST + len(more) <= length <= LARGEST_BLOCK or length % 4:
            raise self._fault(
                f"a block of {length} bytes; allowed: multiples of 4 from {_SHORTEST} to "
                f"{LARGEST_BLOCK}"
            )
        rest = self._file.read(length - 8 - len(more))
        if len(rest) < length - 8 - len(more):
            self.truncated = True
            return None
        if rest[-4:] != head[4:]:
            raise self._fault("a block whose two lengths differ")
        return more + rest[:-4]

    def _read(self, kind: int, body: bytes) -> Iterator[Packet]:
        try:
            if kind == _SECTION:
                self._interfaces = []
            elif kind == _INTERFACE:
                self._add_interface(body)
            elif kind == _PACKET:
                yield self._packet(body)
            elif kind == _STATISTICS:
                dropped = self._found(body, 12).get(_DROPPED, b"")
                if len(dropped) == 8:
                    self.dropped += struct.unpack(self._order + "Q", dropped)[0]
        except (struct.error, ValueError) as error:
            raise self._fault(f"a block of type {kind} that contradicts itself ({error})") from None

    def _add_interface(self, body: bytes) -> None:
        link_type = struct.unpack_from(self._order + "H", body)[0]
        found = self._found(body, 8)
        unit = (found.get(_RESOLUTION, b"") or b"\x06")[0]
        exponent = unit & 0x7F
        if exponent > _FINEST:
            raise ValueError(f"a time unit of 2^-{exponent} s or 10^-{exponent} s")
        if self._total >= MOST_INTERFACES:
            raise ValueError(f"more than {MOST_INTERFACES} interfaces")
        name = found.get(_IF_NAME, b"").decode("utf-8", "replace")
        ticks = 2**exponent if unit & 0x80 else 10**exponent
        self._interfaces.append(_Interface(self._total, name, link_type, ticks))
        self._total += 1

    def _packet(self, body: bytes) -> Packet:
        number, high, low, size, _ = struct.unpack_from(self._order + "IIIII", body)
        if number >= len(self._interfaces):
            raise ValueError(f"interface {number} of {len(self._interfaces)}")
        if size > len(body) - 20:
            raise ValueError(f"a packet of {size} bytes in a block of {len(body)}")
        interface = self._interfaces[number]
        found = self._found(body, 20 + size + -size % 4)
        flags = found.get(_FLAGS, b"")
        way = struct.unpack(self._order + "I", flags)[0] & 3 if len(flags) == 4 else 0
        return Packet(
            nanoseconds=(high << 32 | low) * _NANO // interface.ticks_per_s,
            interface=interface.number,
            name=interface.name,
            link_type=interface.link_type,
            data=body[20 : 20 + size],
            outbound={_INBOUND: False, _OUTBOUND: True}.get(way),
            comment=found.get(_COMMENT, b"").decode("utf-8", "replace"),
        )

    def _found(self, body: bytes, at: int) -> dict[int, bytes]:
        """Return a block's options from byte `at` on; of repeated ones the first."""
        found: dict[int, bytes] = {}
        while at + 4 <= len(body):
            code, size = struct.unpack_from(self._order + "HH", body, at)
            at += 4
            if code == 0:
                break
            if at + size > len(body):
                raise ValueError("an option beyond the block")
            found.setdefault(code, body[at : at + size])
            at += size + -size % 4
        return found

    def _fault(self, what: str) -> InputError:
        return InputError(f"{self._name}: at byte {self._at}: {what}")


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + _SHORTEST)
    return struct.pack("<I", kind) + length + body + length


def _options(*options: tuple[int, bytes]) -> bytes:
    parts = [
        struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
        for code, value in options
    ]
    return b"".join(parts) + bytes(4)


def _halves(number: int) -> tuple[int, int]:
    return number >> 32 & 0xFFFFFFFF, number & 0xFFFFFFFF
