"""Resumable transfer: packets are acknowledged as received or lost, and lost ones stay lost.

```
next_span() ──► the transmitter sends it, in packets ──► acknowledge(span)
     ▲                                                        │
     └──────────── until `complete`, over any number of passes┘
```
"""

from __future__ import annotations

from ..packets import Span


class ResumableTransfer:
    """Sends a file from its start and resumes behind what was acknowledged.

    The ground acknowledges each packet, as received or as lost; a lost packet is not sent again.
    So what the satellite must remember is one number: how much of the file, from its start, was
    acknowledged. A packet of which only a part was sent is sent again.

    Attributes:
        size: Bytes of the file.
        packet: Bytes of a packet; the last of a file may be shorter.
        acknowledged: Bytes from the file's start that need not be sent again.
    """

    __slots__ = ("acknowledged", "packet", "size")

    def __init__(self, size: int, packet: int, acknowledged: int = 0) -> None:
        self.size = size
        self.packet = packet
        self.acknowledged = acknowledged

    @property
    def remaining(self) -> int:
        """Bytes that still have to be sent."""
        return self.size - self.acknowledged

    @property
    def begun(self) -> bool:
        """Whether any byte has been acknowledged."""
        return self.acknowledged > 0

    @property
    def complete(self) -> bool:
        """Whether the whole file was acknowledged."""
        return self.acknowledged == self.size

    def next_span(self) -> Span:
        """Return what is left of the file, as one span."""
        return self.acknowledged, self.size

    def acknowledge(self, span: Span) -> None:
        """Move the acknowledged prefix forward by the whole packets of a span.

        Raises:
            ValueError: The span does not follow what was acknowledged before.
        """
        start, end = span
        if start != self.acknowledged or not start <= end <= self.size:
            raise ValueError(
                f"acknowledged bytes {start} to {end} of a file of {self.size} bytes, of which "
                f"the first {self.acknowledged} were acknowledged before"
            )
        whole = end - start if end == self.size else (end - start) // self.packet * self.packet
        self.acknowledged += whole
