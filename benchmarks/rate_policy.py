"""Rate policies against every fixed setting: delivered frames, mean PSNR, and what both are worth.

    nice python benchmarks/rate_policy.py [SCENARIO …]

For each scenario, all satellites get the same setting: fixed rates in steps of a quarter of an
octave, then `backlog` and `lookahead` with the same highest rate. `worth` is the sum over delivered
frames of priority times PSNR in dB, which `lookahead` makes greatest; PSNR counts up to 100 dB.
"at n frames" is the best mean PSNR of the fixed rates that deliver as many frames as `lookahead`,
or that of the lowest rate if none delivers as many.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from downpass.sim.frames.content_cache import open_cache
from downpass.sim.model.events import NoEvents
from downpass.sim.model.records import FrameState
from downpass.sim.run import graded
from downpass.sim.scenario import load_scenario

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
LARGEST_DB = 100.0


@dataclass(frozen=True, slots=True)
class Result:
    """Frames, mean PSNR and worth of one setting."""

    label: str
    delivered: int
    whole: int
    dropped: int
    psnr_db: float
    worth: float


def run(path: Path, label: str, overrides: list[str]) -> Result:
    """Run a scenario with overrides."""
    scenario = load_scenario(path, overrides)
    with graded(scenario, cache=open_cache(), choice="none", sink=NoEvents()) as done:
        records = [r for s in done.outcome.satellites for r in s.frames.values()]
        delivered = [r for r in records if r.state is FrameState.DELIVERED]
        pairs = [
            (r.capture.priority, min(done.grades[r.capture.number].psnr_db, LARGEST_DB))
            for r in delivered
            if r.capture.number in done.grades
        ]
        frames = done.summary["total"]["frames"]
    known = [(priority, level) for priority, level in pairs if not math.isnan(level)]
    return Result(
        label,
        len(delivered),
        frames["delivered_whole"],
        sum(frames["dropped"].values()),
        sum(level for _, level in known) / max(1, len(known)),
        sum(priority * level for priority, level in known),
    )


def at_frames(fixed: list[Result], count: int) -> float:
    """Return the mean PSNR of fixed rates at a number of delivered frames."""
    enough = [r for r in fixed if r.delivered >= count]
    return max((r.psnr_db for r in enough), default=fixed[0].psnr_db)


def main() -> None:
    """Print a table for each scenario."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*", type=Path)
    parser.add_argument("--codec", default="student")
    parser.add_argument("--most", type=float, default=4.0, help="highest rate, bpp")
    parser.add_argument("--octaves", type=int, default=5, help="of rates below it")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE")
    options = parser.parse_args()
    names = ("quickstart", "full-recorder", "constellation")
    for path in options.scenarios or [SCENARIOS / f"{name}.yaml" for name in names]:
        codec = [f"satellites.*.codec.name={options.codec}", *options.set]
        print(f"\n{path.stem}\n")
        print("| setting | delivered | whole | dropped | mean PSNR | worth |")
        print("|---|---|---|---|---|---|")
        rates = [options.most * 2 ** (-n / 4) for n in range(4 * options.octaves, -1, -1)]
        fixed = []
        for rate in rates:
            change = f"satellites.*.codec.bpp={rate:.4g}"
            fixed.append(show(run(path, f"fixed, {rate:.3g} bpp", [*codec, change])))
        for policy in ("backlog", "lookahead"):
            changes = [
                f"satellites.*.codec.bpp={options.most:g}",
                f"satellites.*.codec.least_bpp={rates[0]:.4g}",
                f"satellites.*.codec.policy={policy}",
            ]
            last = show(run(path, policy, [*codec, *changes]))
        best = max(fixed, key=lambda r: r.worth)
        print(
            f"\nlookahead is worth {last.worth / best.worth - 1:+.1%} against the best fixed rate "
            f"({best.label}); at {last.delivered} frames, fixed rates have "
            f"{at_frames(fixed, last.delivered):.2f} dB and lookahead {last.psnr_db:.2f} dB"
        )


def show(result: Result) -> Result:
    """Print a row and return it."""
    print(
        f"| {result.label} | {result.delivered} | {result.whole} | {result.dropped} "
        f"| {result.psnr_db:.2f} dB | {result.worth:,.0f} |",
        flush=True,
    )
    return result


if __name__ == "__main__":
    main()
