"""Modes of modulation and coding: what each carries and which Es/N0 it needs.

```
Es/N0 of the link ─► ModeSet.best ─► Mode ─► framing.information_rate ─► bit/s
```

Es/N0 is the energy of a channel symbol over the noise power density, so modes of the same symbol
rate are compared on one axis whatever their modulation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mode:
    """A modulation with a code: what a symbol carries and what it needs to be received.

    Attributes:
        name: Name as engineers write it, such as ``8PSK 3/4``.
        bits_per_symbol: Information bits of a channel symbol over one coded frame of the mode,
            with its header or synchronisation marker and without pilots.
        required_es_n0_db: Es/N0 in dB from which the mode is received, for an ideal demodulator.
        frame_bits: Information bits of a coded frame; 0 if only the ratio is known.
        frame_symbols: Channel symbols of a coded frame, header or marker included; 0 if only the
            ratio is known.
        pilot_symbols: Symbols that pilots add to a coded frame if they are switched on.
        transfer_frame: Whether a coded frame carries exactly one CCSDS transfer frame, so that
            `frame_bits` is its length and its synchronisation marker is already counted.

    Raises:
        ValueError: A figure is not finite, or there is no information in a symbol.
    """

    name: str
    bits_per_symbol: float
    required_es_n0_db: float
    frame_bits: int = field(default=0, kw_only=True)
    frame_symbols: int = field(default=0, kw_only=True)
    pilot_symbols: int = field(default=0, kw_only=True)
    transfer_frame: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.bits_per_symbol) and self.bits_per_symbol > 0):
            raise ValueError(f"{self.bits_per_symbol} bits per symbol; allowed is above 0")
        if not math.isfinite(self.required_es_n0_db):
            raise ValueError(f"a required Es/N0 of {self.required_es_n0_db}; allowed is a number")


@dataclass(frozen=True, slots=True)
class ModeSet:
    """Modes among which a link may choose, in the order in which they were listed.

    Raises:
        ValueError: There is no mode, or two have the same name.
    """

    modes: tuple[Mode, ...]

    def __post_init__(self) -> None:
        if not self.modes:
            raise ValueError("a set of modes needs at least one mode")
        names = [mode.name for mode in self.modes]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the mode {twice} is listed twice; allowed is once")

    def __iter__(self) -> Iterator[Mode]:
        return iter(self.modes)

    def __len__(self) -> int:
        return len(self.modes)

    def named(self, name: str) -> Mode | None:
        """Return the mode of that name; None if there is none."""
        return next((mode for mode in self.modes if mode.name == name), None)

    def envelope(self) -> tuple[Mode, ...]:
        """Return the modes worth using: each carries more than all that need less Es/N0.

        Returns:
            Modes with both `required_es_n0_db` and `bits_per_symbol` strictly ascending.
        """
        kept: list[Mode] = []
        for mode in sorted(self.modes, key=lambda m: (m.required_es_n0_db, -m.bits_per_symbol)):
            if not kept or mode.bits_per_symbol > kept[-1].bits_per_symbol:
                kept.append(mode)
        return tuple(kept)

    def best(self, es_n0_db: float) -> Mode | None:
        """Return the mode of the envelope that carries most at an Es/N0; None if none closes."""
        found = None
        for mode in self.envelope():
            if mode.required_es_n0_db > es_n0_db:
                break
            found = mode
        return found


def _dvb_s2() -> Sequence[Mode]:
    # Modulation: bits of a symbol; code rate: (BCH information bits of a normal FECFRAME, Es/N0).
    table = {
        ("QPSK", 2): {
            "1/4": (16008, -2.35), "1/3": (21408, -1.24), "2/5": (25728, -0.30),
            "1/2": (32208, 1.00), "3/5": (38688, 2.23), "2/3": (43040, 3.10),
            "3/4": (48408, 4.03), "4/5": (51648, 4.68), "5/6": (53840, 5.18),
            "8/9": (57472, 6.20), "9/10": (58192, 6.42),
        },
        ("8PSK", 3): {
            "3/5": (38688, 5.50), "2/3": (43040, 6.62), "3/4": (48408, 7.91),
            "5/6": (53840, 9.35), "8/9": (57472, 10.69), "9/10": (58192, 10.98),
        },
        ("16APSK", 4): {
            "2/3": (43040, 8.97), "3/4": (48408, 10.21), "4/5": (51648, 11.03),
            "5/6": (53840, 11.61), "8/9": (57472, 12.89), "9/10": (58192, 13.13),
        },
        ("32APSK", 5): {
            "3/4": (48408, 12.73), "4/5": (51648, 13.64), "5/6": (53840, 14.28),
            "8/9": (57472, 15.69), "9/10": (58192, 16.05),
        },
    }  # fmt: skip
    modes = []
    for (modulation, bits), rates in table.items():
        slots = 64800 // bits // 90
        symbols = (slots + 1) * 90
        for rate, (kbch, threshold) in rates.items():
            modes.append(
                Mode(
                    f"{modulation} {rate}",
                    (kbch - 80) / symbols,
                    threshold,
                    frame_bits=kbch - 80,
                    frame_symbols=symbols,
                    pilot_symbols=36 * ((slots - 1) // 16),
                )
            )
    return modes


DVB_S2 = ModeSet(tuple(_dvb_s2()))
"""DVB-S2 with normal frames (64 800 bits): ETSI EN 302 307-1, tables 5a (code) and 13 (Es/N0).

The thresholds hold for an ideal demodulator at a packet error rate of 1e-7, so a link needs an
implementation loss of 1 to 2 dB beside them.
"""
