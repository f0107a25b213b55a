"""Send thousands of tiles through a real or emulated board, with random faults.

    python benchmarks/soak.py [PORT] [--tiles 5000] [--seed 1] [--minutes M]

PORT is a path, a URL or `emulator:NAME[:echo]`; the default is the emulated Zynq with the echo
job. Frames are lost, duplicated, reordered, truncated, preceded by garbage and delayed, and bits
are flipped. The line hangs up, stalls and changes its rate. An emulated board is reset, stopped
and loses power. Every payload is compared with this computer's result for the tile. The benchmark
ends with counts, and with exit status 1 if a tile is wrong or lost.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator

from downpass.link.container.header import CODECS
from downpass.link.serial.constants import SampleCode, SettingCode
from downpass.link.serial.events import Finished, Refused
from downpass.link.serial.faults.faulty_line import Faults
from downpass.link.serial.faults.line_proxy import LineProxy
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import TileForm
from downpass.payload.board.firmware.build import STUDENT
from downpass.payload.board.tile_coder import tile_coder
from downpass.sim.board.client import BoardClient, BoardGoneError
from downpass.sim.board.emulators import AGENT, PREFIX, EmulatedBoard, board_port

FAULTS = Faults(
    drop=0.01,
    duplicate=0.01,
    reorder=0.01,
    truncate=0.01,
    garbage=0.01,
    stall=0.002,
    stall_s=0.2,
    lose_byte=5e-6,
    flip_bit=5e-6,
)
BETWEEN_TROUBLES_S = 8.0


def tiles(count: int, seed: int, turns: bool, until: float) -> Iterator[tuple[TileForm, bytes]]:
    """Yield tiles of all sizes up to 48 pixels, each made when it is needed."""
    rng = random.Random(seed)
    for _ in range(count):
        if time.monotonic() > until:
            return
        rows, columns, bands = rng.randint(1, 48), rng.randint(1, 48), rng.choice((1, 3))
        samples = rng.randbytes(rows * columns * bands)
        yield (
            TileForm(
                len(samples),
                zlib.crc32(samples),
                columns,
                rows,
                bands,
                8,
                SampleCode.UINT8,
                0,
                SettingCode.STEP,
                0,
                rng.randint(0, 256),
                (127, rng.randint(-9, 9), 0, 0) if turns else (0, 0, 0, 0),
            ),
            samples,
        )


def troubles(line: LineProxy, board: EmulatedBoard | None) -> dict[str, Callable[[], None]]:
    """Return the faults of the line, and of an emulated board."""

    def other_rate() -> None:
        line.down.scrambled = line.up.scrambled = True
        time.sleep(0.3)
        line.down.scrambled = line.up.scrambled = False

    found: dict[str, Callable[[], None]] = {
        "hang-ups": line.disconnect,
        "stalls": lambda: line.stall(0.5),
        "wrong rates": other_rate,
    }
    if board is not None:

        def stand_still() -> None:
            board.stop()
            time.sleep(0.5)
            board.go_on()

        def lose_power() -> None:
            board.power_off()
            time.sleep(0.2)
            board.power_on()

        found |= {"resets": board.reset, "standstills": stand_still, "power losses": lose_power}
    return found


def main() -> int:
    """Run the soak test and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", nargs="?", default=PREFIX + "zynq-a9:echo")
    parser.add_argument("--tiles", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e6, help="end early, and say so")
    arguments = parser.parse_args()
    name, _, job = arguments.port.removeprefix(PREFIX).partition(":")
    emulated = arguments.port.startswith(PREFIX) and name != AGENT
    counts: Counter[str] = Counter()
    finished = wrong = refused = 0
    with contextlib.ExitStack() as stack:
        board = stack.enter_context(EmulatedBoard(name, job or STUDENT)) if emulated else None
        port = board.port if board else stack.enter_context(board_port(arguments.port))
        line = stack.enter_context(LineProxy(port, seed=arguments.seed, faults=FAULTS))
        settings = HostSettings(silence=1.5, away=120)
        client = stack.enter_context(BoardClient(line.address, settings=settings))
        own = client.capabilities()
        coder = tile_coder(CODECS[own.codec]).encode if own.codec else None
        done = threading.Event()

        def trouble() -> None:
            rng = random.Random(arguments.seed)
            befall = troubles(line, board)
            while not done.wait(rng.expovariate(1 / BETWEEN_TROUBLES_S)):
                what = rng.choice(sorted(befall))
                befall[what]()
                counts[what] += 1

        thread = threading.Thread(target=trouble)
        thread.start()
        begin = time.monotonic()
        until = begin + 60 * arguments.minutes
        waiting: dict[int, tuple[TileForm, bytes]] = {}

        def remembered() -> Iterator[tuple[TileForm, bytes]]:
            work = tiles(arguments.tiles, arguments.seed, own.codec != 0, until)
            for index, tile in enumerate(work):
                waiting[index] = tile
                yield tile

        try:
            for index, result in client.encode(remembered()):
                form, samples = waiting.pop(index)
                right = coder(form, samples) if coder else samples
                finished += 1
                refused += isinstance(result, Refused)
                wrong += isinstance(result, Finished) and result.payload != right
        except BoardGoneError as error:
            print(error)
        done.set()
        thread.join()
        faults = line.down.counts.total + line.up.counts.total
        took = time.monotonic() - begin
        print(f"{own.name}, {own.software}; seed {arguments.seed}; {took:.0f} s")
        print(f"{finished} tiles finished: {len(waiting)} lost, {wrong} wrong, {refused} refused")
        befell = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
        print(f"{faults} faults on the line; {befell or 'nothing else'}")
        print(client.counts)
    return 1 if waiting or wrong or refused else 0


if __name__ == "__main__":
    sys.exit(main())
