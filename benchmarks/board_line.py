"""Measure the share of a paced line that tiles use, to an emulated or a real board.

    python benchmarks/board_line.py [PORT] [--baud 921600] [--tiles 100] [--turns N]

The default of PORT is the emulated Zynq with the echo job, which returns a tenth of each 64 x 64 x
3 tile. This measures the line and the driver without an encoder. With `--turns` the job takes 2 N
instructions per tile, so that loading and encoding overlap. The line delays bytes by 8 ms each
way. Wall times are meaningful only if the emulator has a processor to itself, so its CPU time is
printed, too.
"""

from __future__ import annotations

import argparse
import os
import random
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from downpass.link.container.header import CODECS
from downpass.link.serial.constants import SampleCode, SettingCode
from downpass.link.serial.events import Finished
from downpass.link.serial.faults.line_proxy import LineProxy
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import TileForm
from downpass.payload.encoders.traits import TRAITS
from downpass.sim.board.client import BoardClient
from downpass.sim.board.emulators import board_port

SIDE, BANDS = 64, 3
TILE = SIDE * SIDE * BANDS
DELAY_S = 0.008
A_TENTH = 9 << 24


def tiles(
    count: int, step: int, turn: tuple[int, int, int, int]
) -> Iterator[tuple[TileForm, bytes]]:
    """Yield tiles of noise."""
    rng = random.Random(1)
    for _ in range(count):
        samples = rng.randbytes(TILE)
        yield (
            TileForm(
                TILE, zlib.crc32(samples), SIDE, SIDE, BANDS, 8, SampleCode.UINT8, 0,
                SettingCode.STEP, 0, step, turn,
            ),
            samples,
        )  # fmt: skip


def children_s() -> float:
    """Return the CPU seconds of this process's running children (Linux)."""
    used = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rsplit(") ", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def main() -> None:
    """Run the benchmark and print its results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", nargs="?", default="emulator:zynq-a9:echo")
    parser.add_argument("--baud", type=int, default=921600)
    parser.add_argument("--tiles", type=int, default=100)
    parser.add_argument("--turns", type=int, default=0)
    arguments = parser.parse_args()
    baud, count = arguments.baud, arguments.tiles
    with (
        board_port(arguments.port) as port,
        LineProxy(port, baud=baud, delay_s=DELAY_S) as line,
        BoardClient(line.address, baud, HostSettings()) as client,
    ):
        own = client.capabilities()
        student = own.codec in CODECS and TRAITS[CODECS[own.codec]].learned
        work = (
            tiles(count, 128, (127, 0, 0, 0))
            if student
            else tiles(count, A_TENTH + arguments.turns, (0, 0, 0, 0))
        )
        used, begin = children_s(), time.monotonic()
        ticks = [r.encode_ticks for _, r in client.encode(work) if isinstance(r, Finished)]
        wall, used = time.monotonic() - begin, children_s() - used
    line_s = count * TILE * 10 / baud
    print(f"{own.name}, {own.software}: {len(ticks)} of {count} tiles, {baud} baud")
    print(f"line {line_s:.2f} s, wall {wall:.2f} s: {100 * line_s / wall:.1f} % of the line")
    print(
        f"encoder, modelled: {sum(ticks) / own.tick_rate:.3f} s, {min(ticks)} to {max(ticks)} ticks"
    )
    print(f"emulator's CPU {used:.2f} s: {100 * used / line_s:.0f} % of the line's time")
    print(client.counts)


if __name__ == "__main__":
    main()
