"""Measure the serial protocol over a simulated line: goodput by window, and a seeded soak test.

    python benchmarks/serial_line.py [TILES]
    python benchmarks/serial_line.py errors     chunk sizes on a line with bit errors

Time is simulated, so the figures depend on the protocol alone and not on this machine.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from downpass.link.serial.board import Work
from downpass.link.serial.constants import Status
from downpass.link.serial.faults.faulty_line import Faults, FaultyLine
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import Capabilities, TileForm
from downpass.link.serial.testing.rehearsal import (
    Rehearsal,
    Trouble,
    capabilities,
    deflating,
    plain_tile,
)
from downpass.link.student.rotation import IDENTITY
from downpass.sim.board.trial_tiles import task

TILE = 64 * 64 * 3
BAUD = 921600
DELAY_S = 0.008


def tenth(work: Work) -> tuple[Status, bytes]:
    """Stand in for an encoder that compresses to a tenth of the raw size."""
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
    """Send tiles over a line with every kind of fault, and print counts."""
    rng = random.Random(seed)
    payloads = [rng.randbytes(rng.randint(1, TILE)) for _ in range(count)]
    tiles = [(plain_tile(tile, step), tile) for step, tile in enumerate(payloads)]
    run_soak(f"soak, seed {seed}", capabilities(), tiles, deflating, seed)


def soak_student(count: int, seed: int = 1) -> None:
    """Do the same with the learned codec, on parts of a picture of slopes, edges and noise.

    The tiles are small, so that the figures depend on the line and not on this computer's speed.
    """
    from downpass.payload.board.tile_coder import tile_coder

    coder = tile_coder("student")
    own = replace(
        capabilities(),
        most_columns=64,
        most_rows=64,
        most_bands=3,
        bit_depth=8,
        codec=coder.codec,
        features=coder.features,
        fingerprint=coder.fingerprint,
    )
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:256, 0:256]
    bands = ((x + y) // 2, 90 * (x // 23 % 2) + y // 4, 255 - x // 2)
    picture = np.stack(bands, axis=2) + rng.integers(0, 9, (256, 256, 3))
    tiles = []
    for _ in range(count):
        rows, columns, top, left = (int(n) for n in rng.integers(1, 33, 4))
        pixels = picture[top * 4 : top * 4 + rows, left * 4 : left * 4 + columns]
        turn = IDENTITY if rng.random() < 0.5 else (110, 20, -50, 30)
        tiles.append(task(own, pixels, int(rng.integers(0, 257)), turn))
    known: dict[tuple[TileForm, bytes], bytes] = {}

    def encode(work: Work) -> tuple[Status, bytes]:
        key = work.form, work.tile
        if key not in known:
            known[key] = coder.encode(work.form, work.tile)
        return Status.CODED, known[key]

    run_soak(f"soak of the student, seed {seed}", own, tiles, encode, seed)


def run_soak(
    name: str,
    own: Capabilities,
    tiles: list[tuple[TileForm, bytes]],
    encode: Callable[[Work], tuple[Status, bytes]],
    seed: int,
) -> None:
    """Run the soak test and print its counts."""
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
        own,
        HostSettings(baud=BAUD),
        FaultyLine(seed, BAUD, DELAY_S, bad),
        FaultyLine(seed + 1, BAUD, DELAY_S, bad),
        seed=seed,
        encode=encode,
        trouble=Trouble(restart=10, unplug=20, freeze=10, wrong_baud=30),
    )
    outcome = rehearsal.run(tiles)
    wrong = sum(
        outcome.payloads[ticket] != encode(Work(0, 0, *tiles[ticket]))[1]
        for ticket in outcome.payloads
    )
    faults = rehearsal.down.counts.total + rehearsal.up.counts.total
    print(f"{name}: {len(tiles)} tiles, {outcome.seconds:.0f} s of virtual time")
    print(f"  {faults} faults on the line, {outcome.troubles} restarts, unplugs, freezes, rates")
    print(f"  {outcome.opened} sessions, {outcome.encoded} encodings, {rehearsal.host.counts}")
    lost = len(tiles) - len(outcome.payloads)
    print(f"  {lost} lost, {wrong} wrong, {len(outcome.refused)} refused")


def errors() -> None:
    """Print how long tiles take at several bit error rates: a fixed chunk size, and adapting."""
    count = 16
    rng = random.Random(1)
    tiles = [(plain_tile(tile), tile) for tile in (rng.randbytes(TILE) for _ in range(count))]
    print(f"{count} tiles of {TILE} bytes, {BAUD} baud, {DELAY_S * 1e3:g} ms each way")
    print("bit error rate   chunks of 2048            of 256                    adapting")
    for rate in (0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3):
        cells = []
        for settings in (
            HostSettings(baud=BAUD, adapts=False),
            HostSettings(baud=BAUD, adapts=False, chunk=256),
            HostSettings(baud=BAUD),
        ):
            lines = (FaultyLine(seed, BAUD, DELAY_S, Faults(flip_bit=8 * rate)) for seed in (1, 2))
            line = Rehearsal(capabilities(chunk=4096), settings, *lines, seed=3)
            outcome = line.run(tiles)
            counts = line.host.counts
            cells.append(
                f"{outcome.seconds:7.1f} s, {len(outcome.payloads):2d} done"
                + (f", at {counts.chunk}" if settings.adapts else "")
            )
        print(f"{rate:14g}   " + "".join(f"{cell:26}" for cell in cells))


def main() -> None:
    """Print the goodput and the counts of the soak tests."""
    if sys.argv[1:] == ["errors"]:
        errors()
        return
    print(f"goodput of {TILE}-byte tiles, {BAUD} baud, {DELAY_S * 1e3:g} ms each way")
    print("window  " + "".join(f"{chunk:>7} B" for chunk in (512, 1024, 2048)))
    for window in (1, 2, 4, 8, 16):
        row = (goodput(window, chunk) for chunk in (512, 1024, 2048))
        print(f"{window:6}  " + "".join(f"{100 * share:7.1f} %" for share in row))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    soak(count)
    soak_student(count)


if __name__ == "__main__":
    main()
