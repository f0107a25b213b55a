"""Compute the thresholds of CCSDS 131.0-B's concatenated codes: `downpass.link.channel.modulation`.

    python benchmarks/ccsds_thresholds.py              about three minutes of a core
    python benchmarks/ccsds_thresholds.py --streams 200    faster and coarser

The convolutional code (7, 1/2) and its punctured forms are decoded by Viterbi's algorithm with soft
decisions, over BPSK and white noise. Byte errors are sorted into the five interleaved codewords of
Reed and Solomon's code (255, 223). As in CCSDS 130.1-G-3 §6.3, the rate of codewords with more than
16 wrong bytes follows from the statistics of byte errors, because it is too small to count: here
from a negative binomial distribution with the mean and the variance that were counted, since
decoders err in bursts. Published for comparison: 2.39 dB for the rate 1/2 (figure 6-8, as digitised
in spacelink).

The low-density parity-check code (8160, 7136) is decoded by `ccsds_ldpc.c`, which this script
builds with the C compiler `cc`: layered sum-product, 50 iterations, codewords counted.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

GENERATORS = (0o171, 0o133)
PUNCTURES = {
    "1/2": ((1,), (1,)),
    "2/3": ((1, 0), (1, 1)),
    "3/4": ((1, 0, 1), (1, 1, 0)),
    "5/6": ((1, 0, 1, 0, 1), (1, 1, 0, 1, 0)),
    "7/8": ((1, 0, 0, 0, 1, 0, 1), (1, 1, 1, 1, 0, 1, 0)),
}
"""Which symbols of each generator are sent: CCSDS 131.0-B-5, table 3-2."""

FIRST_GUESS_DB = {"1/2": 1.7, "2/3": 2.3, "3/4": 2.8, "5/6": 3.4, "7/8": 3.85}
CODEWORD, CORRECTED, DEPTH = 255, 16, 5
TARGET = 1e-4

PARITY = np.array([value.bit_count() & 1 for value in range(128)])


def transmit(rate: str, eb_n0_db: float, streams: int, draw: np.random.Generator) -> np.ndarray:
    """Return which bits of streams are decoded wrong, shape ``(bits, streams)``."""
    pattern = PUNCTURES[rate]
    steps = CODEWORD * DEPTH * 8 + 6
    bits = draw.integers(0, 2, (steps, streams), dtype=np.int8)
    bits[-6:] = 0
    sigma = math.sqrt(1 / (2 * float(Fraction(rate)) * 10 ** (eb_n0_db / 10)))
    received = np.zeros((steps, 2, streams), np.float32)
    register = np.zeros(streams, np.int64)
    for step in range(steps):
        register = register >> 1 | bits[step].astype(np.int64) << 6
        for which, generator in enumerate(GENERATORS):
            if pattern[which][step % len(pattern[0])]:
                noise = draw.standard_normal(streams, dtype=np.float32)
                received[step, which] = 1 - 2 * PARITY[register & generator] + sigma * noise
    return decode(received) != bits


def decode(received: np.ndarray) -> np.ndarray:
    """Return the most likely bits, shape ``(steps, streams)``; punctured symbols are 0."""
    steps, _, streams = received.shape
    state = np.arange(64)
    before = np.stack([(state & 31) << 1 | old for old in (0, 1)])
    register = before | state >> 5 << 6
    symbols = np.stack([1 - 2 * PARITY[register & g] for g in GENERATORS]).astype(np.float32)
    metric = np.full((64, streams), -1e9, np.float32)
    metric[0] = 0
    choice = np.zeros((steps, 64, streams), bool)
    for step in range(steps):
        first, second = received[step]
        ways = [
            metric[before[old]]
            + symbols[0, old][:, None] * first
            + symbols[1, old][:, None] * second
            for old in (0, 1)
        ]
        choice[step] = ways[1] > ways[0]
        metric = np.where(choice[step], ways[1], ways[0])
        metric -= metric.max(axis=0)
    where, column = np.zeros(streams, np.int64), np.arange(streams)
    bits = np.zeros((steps, streams), np.int8)
    for step in range(steps - 1, -1, -1):
        bits[step] = where >> 5
        where = (where & 31) << 1 | choice[step, where, column]
    return bits


def codeword_error_rate(wrong: np.ndarray) -> tuple[float, float]:
    """Return the rate of wrong codewords, and of wrong bytes, from wrong bits."""
    streams = wrong.shape[1]
    bytes_wrong = wrong[:-6].reshape(CODEWORD, DEPTH, 8, streams).any(axis=2)
    errors = bytes_wrong.sum(axis=0)
    mean, variance = float(errors.mean()), float(errors.var())
    variance = max(variance, mean * 1.0001)
    size = mean**2 / (variance - mean)
    share = size / (size + mean)
    total = 0.0
    for count in range(CORRECTED + 1, CODEWORD + 1):
        logarithm = (
            math.lgamma(count + size)
            - math.lgamma(size)
            - math.lgamma(count + 1)
            + size * math.log(share)
            + count * math.log1p(-share)
        )
        total += math.exp(logarithm)
    return total, mean / CODEWORD


def ldpc_error_rates(codewords: int) -> None:
    """Print the codeword error rates of the low-density parity-check code around its threshold."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "ccsds_ldpc"
        source = Path(__file__).with_name("ccsds_ldpc.c")
        subprocess.run(
            ["cc", "-O3", "-ffast-math", "-o", program, source, "-lm"],
            check=True,
        )
        for name, bits, grid in (
            ("BPSK, QPSK", 1, (3.6, 3.7, 3.8)),
            ("8PSK", 3, (6.4, 6.5, 6.6)),
        ):
            points = []
            for eb_n0 in grid:
                answer = subprocess.run(
                    [program, str(bits), str(eb_n0), str(codewords), "60"],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout.split()
                sent, failed = map(int, answer)
                print(f"  LDPC 7/8, {name} at {eb_n0} dB: {failed} of {sent} codewords", flush=True)
                points.append((eb_n0, math.log10(max(failed, 0.5) / sent)))
            # The last step's slope, which only grows until the error floor.
            (near, rare), (last, rarest) = points[-2:]
            at = last + (math.log10(TARGET) - rarest) * (last - near) / (rarest - rare)
            print(f"LDPC 7/8, {name}: Eb/N0 {at:.2f} dB at a codeword error rate of {TARGET:g}")


def main() -> None:
    """Print the threshold of each code rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--codewords", type=int, default=40_000)
    arguments = parser.parse_args()
    streams = arguments.streams
    ldpc_error_rates(arguments.codewords)
    for rate, guess in FIRST_GUESS_DB.items():
        draw = np.random.default_rng([20, *rate.encode()])
        points = []
        for inner in (guess - 0.1, guess, guess + 0.1, guess + 0.2):
            parts = [
                transmit(rate, inner, min(streams, 200), draw) for _ in range(-(-streams // 200))
            ]
            failed, wrong = codeword_error_rate(np.concatenate(parts, axis=1))
            points.append((inner, math.log10(max(failed, 1e-300))))
            print(
                f"  {rate} at {inner:.2f} dB: bytes {wrong:.2e}, codewords {failed:.2e}", flush=True
            )
        fit = np.polyfit([log for _, log in points], [inner for inner, _ in points], 2)
        inner = float(np.polyval(fit, math.log10(TARGET)))
        outer = inner + 10 * math.log10(255 / 223)
        symbol = inner + 10 * math.log10(float(Fraction(rate)))
        print(
            f"{rate}: Eb/N0 {outer:.2f} dB of information bits; Es/N0 {symbol:.2f} dB for BPSK, "
            f"{symbol + 10 * math.log10(2):.2f} dB for QPSK, at a codeword error rate of {TARGET:g}"
        )


if __name__ == "__main__":
    main()
