"""Framing: how much of what a mode carries is data.

```
symbols ─ pilots ─► coded frames ─ header, control fields ─► transfer frames ─ header ─► packets
```

A mode's own frame (DVB-S2's PLFRAME with BBHEADER, a CCSDS codeblock with its synchronisation
marker) is part of `Mode.bits_per_symbol`. Over DVB-S2, transfer frames with their markers are a
stream that is cut into BBFRAMEs (CCSDS 131.3-B-2), so there the marker is counted here.
"""

from __future__ import annotations

from dataclasses import dataclass

from .modulation import Mode

SYNC_MARKER_BYTES = 4
"""Attached synchronisation marker of a CADU (CCSDS 131.0-B-5 §9)."""

FRAME_HEADER_BYTES = 6
"""Primary header of a TM or AOS transfer frame (CCSDS 132.0-B-3 §4.1.2, 732.0-B-4 §4.1.2)."""

PACKET_ZONE_HEADER_BYTES = 2
"""First header pointer of an AOS multiplexing protocol data unit (CCSDS 732.0-B-4 §4.1.4.2)."""

FRAME_ERROR_CONTROL_BYTES = 2
"""CRC-16 at the end of a transfer frame (CCSDS 732.0-B-4 §4.1.6)."""

PACKET_HEADER_BYTES = 6
"""Primary header of a space packet (CCSDS 133.0-B-2 §4.1.3)."""

LARGEST_PACKET = 65536
"""Most data of a space packet in bytes (CCSDS 133.0-B-2 §4.1.3.5.3)."""

_FRAME_OVERHEAD = FRAME_HEADER_BYTES + PACKET_ZONE_HEADER_BYTES + FRAME_ERROR_CONTROL_BYTES


@dataclass(frozen=True, slots=True)
class Framing:
    """What is sent beside the data.

    Attributes:
        pilots: Whether modes that have pilots send them (DVB-S2).
        transfer_frame_bytes: Length of a CCSDS AOS transfer frame, without its marker; None sends
            none. A mode whose coded frame is one transfer frame uses its own length.
        packet_data_bytes: Data of a CCSDS space packet, without its header; None sends no packets.

    Raises:
        ValueError: A transfer frame has no room for data, or a packet has none.
    """

    pilots: bool = False
    transfer_frame_bytes: int | None = 1115
    packet_data_bytes: int | None = None

    def __post_init__(self) -> None:
        frame, packet = self.transfer_frame_bytes, self.packet_data_bytes
        if frame is not None and not _FRAME_OVERHEAD < frame <= 65536:
            raise ValueError(
                f"a transfer frame of {frame} B; allowed is {_FRAME_OVERHEAD + 1} to 65536 B"
            )
        if packet is not None and not 1 <= packet <= LARGEST_PACKET:
            raise ValueError(
                f"a space packet with {packet} B of data; allowed is 1 to {LARGEST_PACKET} B"
            )

    def bits_per_symbol(self, mode: Mode) -> float:
        """Return the data that a symbol carries in bits, after all framing.

        Args:
            mode: Modulation and code.
        """
        bits = mode.bits_per_symbol
        if self.pilots and mode.pilot_symbols:
            bits *= mode.frame_symbols / (mode.frame_symbols + mode.pilot_symbols)
        if self.transfer_frame_bytes is not None:
            if mode.transfer_frame:
                frame = mode.frame_bits / 8
                bits *= (frame - _FRAME_OVERHEAD) / frame
            else:
                frame = self.transfer_frame_bytes
                bits *= (frame - _FRAME_OVERHEAD) / (frame + SYNC_MARKER_BYTES)
        if self.packet_data_bytes is not None:
            data = self.packet_data_bytes
            bits *= data / (data + PACKET_HEADER_BYTES)
        return bits


def information_rate(mode: Mode, symbol_rate: float, framing: Framing) -> int:
    """Return the rate of data of a mode in whole bits per second, after all framing.

    Args:
        mode: Modulation and code.
        symbol_rate: Channel symbols per second.
        framing: What is sent beside the data.
    """
    # Rounded before it is cut, so that an error in the last place decides nothing.
    return int(round(symbol_rate * framing.bits_per_symbol(mode), 3))
