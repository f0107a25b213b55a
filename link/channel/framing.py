"""Framing: how much of what a mode carries is information of the user.

```
symbols ─ pilots ─► coded frames ─ headers, error control ─► transfer frames ─► packets ─► data
```
"""

from __future__ import annotations

from dataclasses import dataclass

from .modulation import Mode

SYNC_MARKER_BYTES = 4
FRAME_HEADER_BYTES = 6
PACKET_ZONE_HEADER_BYTES = 2
FRAME_ERROR_CONTROL_BYTES = 2
PACKET_HEADER_BYTES = 6


@dataclass(frozen=True, slots=True)
class Framing:
    """What is sent beside the data.

    Attributes:
        pilots: Whether modes that have pilots send them (DVB-S2).
        transfer_frame_bytes: Length of a CCSDS AOS transfer frame; None sends no transfer frames.
            Modes that carry exactly one transfer frame use their own length.
        packet_bytes: Length of a CCSDS space packet with its header; None sends no packets.
    """

    pilots: bool = False
    transfer_frame_bytes: int | None = 1115
    packet_bytes: int | None = None

    def efficiency(self, mode: Mode) -> float:
        """Return the information of a symbol in bits, after all framing."""
        raise NotImplementedError


def information_rate(mode: Mode, symbol_rate: float, framing: Framing) -> int:
    """Return the information rate of a mode in whole bits per second, after all framing.

    Args:
        mode: Modulation and code.
        symbol_rate: Channel symbols per second.
        framing: What is sent beside the data.
    """
    return int(round(symbol_rate * framing.efficiency(mode), 3))
