"""Modes of modulation and coding: what each carries and which Es/N0 it needs.

```
Es/N0 of the link ─► ModeSet.best ─► Mode ─► framing.information_rate ─► bit/s
```

Es/N0 is the energy of a channel symbol over the noise power density, so modes of the same symbol
rate are compared on one axis whatever their modulation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
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


def _dvb_s2() -> Iterator[Mode]:
    # A normal FECFRAME fills slots of 90 symbols behind a PL header of one slot; with pilots, 36
    # symbols follow each 16 slots but the last ones. Of the BCH code's information bits, 80 are the
    # BBHEADER. Modulation, bits of a symbol; code rate: (information bits of the BCH code, Es/N0).
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
    for (modulation, bits), rates in table.items():
        slots = 64800 // bits // 90
        symbols = (slots + 1) * 90
        for rate, (kbch, threshold) in rates.items():
            yield Mode(
                f"{modulation} {rate}",
                (kbch - 80) / symbols,
                threshold,
                frame_bits=kbch - 80,
                frame_symbols=symbols,
                pilot_symbols=36 * ((slots - 1) // 16),
            )


DVB_S2 = ModeSet(tuple(_dvb_s2()))
"""DVB-S2 with normal frames (64 800 bits): ETSI EN 302 307-1, tables 5a (code) and 13 (Es/N0).

The thresholds hold for an ideal demodulator at a packet error rate of 1e-7, so a link needs an
implementation loss of 1 to 2 dB beside them.
"""


def _ccsds_131() -> Iterator[Mode]:
    # Code: bits of a transfer frame; channel bits of its codeblock, and of the marker before it;
    # Eb/N0 of the frame's bits in dB by bits of a symbol.
    table: dict[str, tuple[int, float, float, dict[int, float]]] = {}
    for rate, coded, eb_n0 in (
        ("1/2", 2.0, 2.36), ("2/3", 3 / 2, 3.02), ("3/4", 4 / 3, 3.54),
        ("5/6", 6 / 5, 4.24), ("7/8", 8 / 7, 4.66),
    ):  # fmt: skip
        # Five interleaved codewords; the marker goes through the convolutional code, too.
        table[f"RS+conv {rate}"] = (8920, 10200 * coded, 32 * coded, {1: eb_n0, 2: eb_n0})
    for rate, coded, eb_n0 in (
        ("1/6", 6.0, 0.29),
        ("1/4", 4.0, 0.59),
        ("1/3", 3.0, 0.80),
        ("1/2", 2.0, 1.47),
    ):
        # Four bits end the trellis; the marker is as many times 32 bits as the code repeats.
        table[f"turbo {rate}"] = (1784, 1788 * coded, 32 * coded, {1: eb_n0, 2: eb_n0})
    table["LDPC 7/8"] = (7136, 8160.0, 32.0, {1: 3.85, 2: 3.85, 3: 6.64})
    for modulation, bits in (("BPSK", 1), ("QPSK", 2), ("OQPSK", 2), ("8PSK", 3)):
        for code, (frame, block, marker, thresholds) in table.items():
            if bits in thresholds:
                yield Mode(
                    f"{modulation} {code}",
                    bits * frame / (block + marker),
                    round(thresholds[bits] + 10 * math.log10(bits * frame / block), 2),
                    frame_bits=frame,
                    transfer_frame=True,
                )


CCSDS_131 = ModeSet(tuple(_ccsds_131()))
"""CCSDS 131.0-B-5: codeblocks of one transfer frame with its attached synchronisation marker.

The thresholds hold for an ideal demodulator at a codeword error rate of 1e-4; lower rates
need more. Sources:

- Reed-Solomon (255, 223) of depth 5 with the convolutional code (7, 1/2) and its punctured forms,
  and the low-density parity-check code (8160, 7136): computed by `benchmarks/ccsds_thresholds.py`.
  For the rate 1/2 it finds 2.36 dB where CCSDS 130.1-G-3, figure 6-8, has 2.39 dB. Two runs for
  the code (8160, 7136) gave 3.81 and 3.85 dB; the larger is taken.
- Turbo codes with blocks of 1784 bits: CCSDS 130.1-G-3, figure 7-6, as digitised in spacelink
  0.1.12.

QPSK and OQPSK (Gray labels) need the Eb/N0 of BPSK. 8PSK is listed where it was computed.
"""
