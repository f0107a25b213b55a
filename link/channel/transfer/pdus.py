"""The protocol data units of CFDP: what they say, and how many bytes they have.

Sizes follow CCSDS 727.0-B-5: the fixed header in 5.1, EOF in 5.2.2, Finished in 5.2.3, ACK in
5.2.4, Metadata in 5.2.5, NAK in 5.2.6 and File Data in 5.3. Only sizes are modelled and not the
bytes themselves, because the simulation's channel loses whole PDUs.

A file of 4 GiB and more is a large file: its offsets and sizes have 8 bytes instead of 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from ..packets import Span

METADATA_REQUEST: Final[Span] = (0, 0)
"""The segment request that asks for the metadata (727.0-B-5, 5.2.6)."""

_SMALL_FILE: Final = 2**32
_CODE = 1  # a directive's code
_CHECKSUM = 4
_CONDITION = 1  # condition code with flags


class Condition(StrEnum):
    """Why a transaction ended: the condition code (727.0-B-5, table 5-5) in words."""

    NO_ERROR = "no error"
    ACK_LIMIT = "positive ACK limit reached"
    NAK_LIMIT = "NAK limit reached"
    INACTIVITY = "inactivity detected"
    CANCELLED = "cancel request received"


@dataclass(frozen=True, slots=True)
class AckEof:
    """ACK(EOF): the receiver has the sender's EOF, which may be an EOF (cancel)."""

    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Nak:
    """NAK: the receiver asks for what it lacks.

    Attributes:
        scope: The range of the file to which the requests refer.
        requests: Missing byte ranges in rising order; `METADATA_REQUEST` stands for the metadata.
    """

    scope: Span
    requests: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """Finished: the receiver has ended the transaction."""

    condition: Condition = Condition.NO_ERROR


UplinkPdu: TypeAlias = AckEof | Nak | Finished
"""What the receiver of a file sends."""


@dataclass(frozen=True, slots=True)
class PduFormat:
    """The lengths of the header's fields, which the two ends agree on.

    Attributes:
        entity_id_bytes: Length of an entity's number, 1 to 8 bytes.
        sequence_bytes: Length of a transaction's sequence number, 1 to 8 bytes.
        crc: Whether each PDU ends with a CRC of 2 bytes. Transfer frames have one of their own.
    """

    entity_id_bytes: int = 1
    sequence_bytes: int = 2
    crc: bool = False

    @property
    def _frame(self) -> int:
        """Bytes of the header (727.0-B-5, table 5-1) and of the CRC."""
        return 4 + 2 * self.entity_id_bytes + self.sequence_bytes + 2 * self.crc

    def file_data_overhead(self, file_size: int) -> int:
        """Return the bytes of a File Data PDU beyond its segment of the file."""
        return self._frame + _offset(file_size)

    def metadata(self, file_size: int, name: int) -> int:
        """Return the bytes of a Metadata PDU.

        Args:
            file_size: Bytes of the file.
            name: Bytes of the file's name, which is the same at both ends.
        """
        return self._frame + _CODE + 1 + _offset(file_size) + 2 * (1 + name)

    def eof(self, file_size: int, *, cancelled: bool = False) -> int:
        """Return the bytes of an EOF PDU; one that cancels has a fault location."""
        fault = self._fault_location if cancelled else 0
        return self._frame + _CODE + _CONDITION + _CHECKSUM + _offset(file_size) + fault

    @property
    def ack(self) -> int:
        """Bytes of an ACK PDU."""
        return self._frame + _CODE + 1 + _CONDITION

    def nak(self, file_size: int, requests: int) -> int:
        """Return the bytes of a NAK PDU with a number of segment requests."""
        return self._frame + _CODE + 2 * _offset(file_size) * (1 + requests)

    def finished(self, condition: Condition) -> int:
        """Return the bytes of a Finished PDU."""
        fault = 0 if condition is Condition.NO_ERROR else self._fault_location
        return self._frame + _CODE + _CONDITION + fault

    def uplink_pdu(self, pdu: UplinkPdu, file_size: int) -> int:
        """Return the bytes of a PDU that a file's receiver sends."""
        match pdu:
            case AckEof():
                return self.ack
            case Nak():
                return self.nak(file_size, len(pdu.requests))
            case Finished():
                return self.finished(pdu.condition)

    def requests_per_nak(self, file_size: int, largest: int) -> int:
        """Return how many segment requests fit into a NAK PDU of at most `largest` bytes.

        Raises:
            ValueError: Not even one fits.
        """
        each = 2 * _offset(file_size)
        fit = (largest - self.nak(file_size, 0)) // each
        if fit < 1:
            raise ValueError(
                f"a NAK of at most {largest} bytes; allowed: at least "
                f"{self.nak(file_size, 1)} bytes, for one request"
            )
        return fit

    @property
    def _fault_location(self) -> int:
        return 2 + self.entity_id_bytes  # an entity's number as type, length and value


def nak_sequence(requests: Sequence[Span], scope: Span, per_pdu: int) -> Iterator[Nak]:
    """Yield the NAK PDUs that ask for missing ranges, none with more than `per_pdu` of them.

    The scopes follow each other and together are the whole scope (727.0-B-5, 5.2.6).
    """
    start = scope[0]
    for first in range(0, len(requests), per_pdu):
        part = tuple(requests[first : first + per_pdu])
        end = scope[1] if first + per_pdu >= len(requests) else part[-1][1]
        yield Nak((start, end), part)
        start = end


def _offset(file_size: int) -> int:
    """Return the bytes of a file-size-sensitive field."""
    return 4 if file_size < _SMALL_FILE else 8
