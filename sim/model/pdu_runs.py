"""Runs of CFDP PDUs on the downlink: their bytes, which are lost, and which cross before a cut."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ...link.channel.downlink import Downlink, LossRun
from ...link.channel.packets import Span, losses


class PduKind(StrEnum):
    """The kinds of PDU that a satellite sends."""

    METADATA = "Metadata"
    DATA = "File Data"
    RESENT = "File Data, sent again"
    EOF = "EOF"
    EOF_CANCEL = "EOF (cancel)"
    ACK_FINISHED = "ACK(Finished)"


CARRIES_DATA = (PduKind.DATA, PduKind.RESENT)


@dataclass(slots=True)
class PduRun:
    """PDUs of one kind and one file that follow each other.

    Attributes:
        number: Number of the file.
        kind: Kind of the PDUs.
        overhead: Bytes of each PDU that are not file data.
        start: First byte of the file in the run; 0 for PDUs without file data.
        end: One past the last byte of the file.
        segment: Bytes of the file in each PDU but the last, which may have fewer.
        lost: The PDUs that the channel loses: why, by their index, which rises.
        count: Number of PDUs.
        bytes: Bytes of all PDUs.
    """

    number: int
    kind: PduKind
    overhead: int
    start: int = 0
    end: int = 0
    segment: int = 0
    lost: dict[int, str] = field(default_factory=dict)
    count: int = field(init=False)
    bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self._measure()

    @property
    def pdu(self) -> int:
        """Bytes of a PDU; the last may have fewer."""
        return self.segment + self.overhead

    def whole(self, sent: int) -> int:
        """Return how many PDUs have crossed in full when `sent` bytes of the run have."""
        return self.count if sent >= self.bytes else sent // self.pdu

    def span(self, first: int, last: int) -> Span:
        """Return the file's bytes in the PDUs from index `first` up to `last`."""
        return (
            min(self.end, self.start + first * self.segment),
            min(self.end, self.start + last * self.segment),
        )

    def arrived(self, whole: int) -> list[Span]:
        """Return the file's bytes that arrive with the first `whole` PDUs, in order."""
        spans, position = [], 0
        for index in (*(i for i in self.lost if i < whole), whole):
            if index > position:
                spans.append(self.span(position, index))
            position = index + 1
        return spans

    def lost_bytes(self, whole: int) -> dict[str, int]:
        """Return the bytes of the PDUs among the first `whole` that are lost, by cause."""
        total: dict[str, int] = {}
        for index, cause in self.lost.items():
            if index >= whole:
                break
            start, end = self.span(index, index + 1)
            total[cause] = total.get(cause, 0) + end - start + self.overhead
        return total

    def shorten(self, count: int) -> None:
        """Keep the first `count` PDUs."""
        self.end = self.span(0, count)[1]
        self._measure()
        self.lost = {index: cause for index, cause in self.lost.items() if index < count}

    def _measure(self) -> None:
        data = self.end - self.start
        self.count = -(-data // self.segment) if self.segment else 1
        self.bytes = data + self.count * self.overhead


def draw_losses(
    runs: Sequence[PduRun], position: int, link: Downlink, key: str, *, show_gap: bool
) -> list[PduRun]:
    """Draw which PDUs are lost, each alone with the link's probability where it begins.

    Args:
        runs: The runs in the order in which they are sent; their `lost` is set.
        position: Bytes that the contact carried before them.
        link: The contact's downlink.
        key: Names the draw.
        show_gap: Whether to end with the PDU whose arrival shows the first gap in new file data,
            so that the receiver can request it at once.

    Returns:
        The runs to send, of which the last may be shorter.
    """
    rng: random.Random | None = None
    for number, run in enumerate(runs):
        parts = link.packet_losses(position, run.count, run.pdu)
        position += run.bytes
        if not any(part.probability for part in parts):
            continue
        if rng is None:
            rng = random.Random(key)  # noqa: S311 - a seeded draw, not a secret
        lost = _lost(rng, parts)
        if not show_gap or run.kind is not PduKind.DATA:
            run.lost = dict(lost)
            continue
        last = -1
        for index, cause in lost:
            if run.lost and index != last + 1:
                break  # one in between arrives
            run.lost[index] = cause
            last = index
        if run.lost and last + 1 < run.count:
            run.shorten(last + 2)
            return list(runs[: number + 1])
    return list(runs)


def cut_after(runs: Sequence[PduRun], sent: int) -> int:
    """Return the bytes up to the end of the PDU that is on its way when `sent` bytes are."""
    before = 0
    for run in runs:
        if sent <= before + run.bytes:
            return before + min(run.bytes, -(-(sent - before) // run.pdu) * run.pdu)
        before += run.bytes
    return before


def _lost(rng: random.Random, parts: Sequence[LossRun]) -> Iterator[tuple[int, str]]:
    first = 0
    for part in parts:
        for index in losses(rng, part.packets, part.probability):
            yield first + index, part.cause
        first += part.packets
