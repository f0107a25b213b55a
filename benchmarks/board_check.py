"""Measure `downpass board check` over clean and bad lines: duration, repetitions and verdicts.

    python benchmarks/board_check.py [PORT] [--seeds N]

Lines run in real time between this program and the board.
"""

from __future__ import annotations

import argparse
import statistics
import time

from downpass.link.serial.faults.faulty_line import Faults
from downpass.link.serial.faults.line_proxy import LineProxy
from downpass.link.serial.port import Port
from downpass.sim.board import conformance
from downpass.sim.board.emulators import board_port

LINES = {
    "clean": Faults(),
    "1 % of frames lost": Faults(drop=0.01),
    "bit error rate 1e-5": Faults(flip_bit=8e-5),
    "both": Faults(drop=0.01, flip_bit=8e-5),
}


def main() -> None:
    """Print a row for each kind of line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", nargs="?", default="emulator:agent:student")
    parser.add_argument("--seeds", type=int, default=5, help="runs on each line")
    arguments = parser.parse_args()
    with board_port(arguments.port) as name:
        for line, faults in LINES.items():
            seconds, repeated, passed, total = [], 0, 0, 0
            for seed in range(1, arguments.seeds + 1):
                with (
                    LineProxy(name, seed=seed, faults=faults) as proxy,
                    Port(proxy.address) as port,
                ):
                    begin = time.monotonic()
                    results = list(conformance.check(port))
                    seconds.append(time.monotonic() - begin)
                repeated += sum(one.repeated for one in results)
                passed += sum(not one.fault for one in results)
                total += len(results)
                for one in results:
                    if one.blame is not None:
                        print(f"  seed {seed}: {one.name}: {one.blame.value}: {one.fault}")
            print(
                f"{line:22} {passed} of {total} passed, median {statistics.median(seconds):.1f} s, "
                f"longest {max(seconds):.1f} s, {repeated} sent again"
            )


if __name__ == "__main__":
    main()
