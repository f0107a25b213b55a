"""The serial protocol over a simulated line: goodput against the window, and a seeded soak.

    python benchmarks/serial_line.py [TILES]

Virtual time: the figures are the protocol's, not this machine's.
"""

from __future__ import annotations

import random
import sys

from downpass.link.serial.board import Work
from downpass.link.serial.constants import Status
from downpass.link.serial.faultyline import Faults, FaultyLine
from downpass.link.serial.host import HostSettings
from downpass.link.serial.rehearsal import (
    Rehearsal,
    Trouble,
    capabilities,
    deflating,
    plain_tile,
)

TILE = 64 * 64 * 3
BAUD = 921600
DELAY_S = 0.008


def tenth(work: Work) -> tuple[Status, bytes]:
    """Stand for an encoder at a tenth of the raw size."""
    return Status.CODED, work.tile[: len(work.tile) // 10]


def goodput(window: int, chunk: int, count: int = 200) -> float:
    """Return the share of the line that tiles use."""
    rng = random.Random(1)
    tiles = [(plain_tile(tile), tile) for tile in (rng.randbytes(TILE) for _ in range(count))]
    rehearsal = Rehearsal(
        capabilities(window=window, chunk=chunk),
        HostSettings(baud=BAUD, window=max(window, 8)),
        FaultyLine(1, BAUD, DELAY_S),
        FaultyLine(2, BAUD, DELAY_S),
        encode=tenth,
        encode_s=lambda _work: 0.05,
    )
    outcome = rehearsal.run(tiles)
    return count * TILE * 10 / BAUD / (outcome.seconds - outcome.first_load_s)


def soak(count: int, seed: int = 1) -> None:
    """Send tiles through every trouble there is, and count."""
    rng = random.Random(seed)
    payloads = [rng.randbytes(rng.randint(1, TILE)) for _ in range(count)]
    tiles = [(plain_tile(tile, step), tile) for step, tile in enumerate(payloads)]
    bad = Faults(
        drop=0.02,
        duplicate=0.02,
        reorder=0.02,
        truncate=0.02,
        garbage=0.02,
        stall=0.005,
        lose_byte=1e-5,
        flip_bit=1e-5,
    )
    rehearsal = Rehearsal(
        capabilities(),
        HostSettings(baud=BAUD),
        FaultyLine(seed, BAUD, DELAY_S, bad),
        FaultyLine(seed + 1, BAUD, DELAY_S, bad),
        seed=seed,
        trouble=Trouble(restart=10, unplug=20, freeze=10, wrong_baud=30),
    )
    outcome = rehearsal.run(tiles)
    wrong = sum(
        outcome.payloads[ticket] != deflating(Work(0, 0, *tiles[ticket]))[1]
        for ticket in outcome.payloads
    )
    faults = rehearsal.down.counts.total + rehearsal.up.counts.total
    print(f"soak, seed {seed}: {count} tiles, {outcome.seconds:.0f} s of virtual time")
    print(f"  {faults} faults on the line, {outcome.troubles} restarts, unplugs, freezes, rates")
    print(f"  {outcome.opened} sessions, {outcome.encoded} encodings, {rehearsal.host.counts}")
    print(f"  {count - len(outcome.payloads)} lost, {wrong} wrong, {len(outcome.refused)} refused")


def main() -> None:
    """Print both."""
    print(f"goodput of {TILE}-byte tiles, {BAUD} baud, {DELAY_S * 1e3:g} ms each way")
    print("window  " + "".join(f"{chunk:>7} B" for chunk in (512, 1024, 2048)))
    for window in (1, 2, 4, 8, 16):
        row = (goodput(window, chunk) for chunk in (512, 1024, 2048))
        print(f"{window:6}  " + "".join(f"{100 * share:7.1f} %" for share in row))
    soak(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)


if __name__ == "__main__":
    main()
