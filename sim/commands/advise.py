"""The subcommand `downpass advise`: what a mission needs, and what single changes buy."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import add_programs, add_scenario
from .sweep import add_workers, open_workers

if TYPE_CHECKING:
    from ..scenario.scenario import Scenario
    from ..sweep.advice import Advice, Answer

_MOST_SEEDS = 100


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "advise",
        help="find the smallest recorder and rate, and what single changes buy",
        description="Find the smallest recorder and the lowest rate that drop nothing, what 10 % "
        "more delivered pixels take, and what each single change buys: one more station, twice "
        "the rate, twice the memory, half the bits, another codec. Every question is asked with "
        "several seeds.",
    )
    add_scenario(parser)
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="number of seeds (5)")
    add_workers(parser)
    add_programs(parser)
    parser.set_defaults(run=advise)


def advise(arguments: argparse.Namespace) -> int:
    """Print advice on a scenario."""
    from ...link.errors import InputError
    from ...link.text import json_text
    from ..frames.content_cache import open_cache
    from ..scenario.load import load_scenario, read_scenario
    from ..sweep.advice import Runs
    from ..sweep.advice import advise as find
    from ..sweep.plan import seeds_from
    from .progress import shown_progress

    if not 1 <= arguments.seeds <= _MOST_SEEDS:
        raise InputError(f"--seeds: found {arguments.seeds}; allowed: 1 to {_MOST_SEEDS}")
    text = read_scenario(arguments.file)
    scenario = load_scenario(arguments.file, arguments.overrides, text)
    open_cache(arguments.cache)  # refuses a folder that cannot be used
    seeds = seeds_from(scenario.seed, arguments.seeds)
    place = open_workers(arguments, scenario)
    with shown_progress(arguments) as progress, place(1000) as workers:
        runs = Runs(
            Path(arguments.file),
            text,
            arguments.overrides,
            workers,
            arguments.cache,
            max(1, (os.cpu_count() or 1) // workers.count),
        )
        found = find(scenario, runs, seeds, progress)
    if arguments.json:
        sys.stdout.write(json_text(as_json(found, scenario)) + "\n")
    elif not arguments.quiet:
        print_advice(found, scenario)
    return 0


def as_json(advice: Advice, scenario: Scenario) -> dict[str, Any]:
    """Return advice as JSON has it; amounts of rate, memory and bits as factors."""

    def answer(found: Answer | None, scale: float = 1000.0) -> dict[str, Any] | None:
        if found is None:
            return None
        amount = found.amount
        return {
            "median": None if amount is None else amount.median / scale,
            "p5": None if amount is None else amount.low / scale,
            "p95": None if amount is None else amount.high / scale,
            "for_every_seed": None if found.largest is None else found.largest / scale,
            "monotone": found.monotone,
            "why_not": found.why_not or None,
        }

    return {
        "scenario": scenario.name,
        "seeds": list(advice.seeds),
        "smallest_recorder_bytes": answer(advice.recorder, 1.0),
        "lowest_rate_factor": answer(advice.rate),
        "ten_percent_more_pixels": {what: answer(found) for what, found in advice.wanted.items()},
        "changes": [asdict(change) for change in (advice.base, *advice.changes)],
        "stations": [{"name": n, "delivered_px": px} for n, px in advice.stations],
    }


def print_advice(advice: Advice, scenario: Scenario) -> None:
    """Print advice as two tables."""
    from ..console.terminal import plain_table, print_rows, print_table
    from ..report import wording as w
    from ..sweep.advice import LEAST_RATE

    def plain(text: str) -> str:
        return text.replace(w.NBSP, " ")

    has = {satellite.recorder.capacity for satellite in scenario.satellites}
    now = " or ".join(plain(w.size(n)) for n in sorted(has)[:3])
    exact = "" if advice.recorder.largest is None else f" ({advice.recorder.largest} B)"
    smallest = _amount(advice.recorder, lambda n: plain(w.size(n)), exact)
    lines = [("smallest recorder that drops nothing", f"{smallest}; now {now}")]
    if advice.rate is not None:
        text = _amount(advice.rate, _times)
        if advice.rate.largest == LEAST_RATE:
            text += " or less: no lower rate was tried"
        lines.append(("lowest rate that drops nothing", text))
    words = {"memory": "memory", "rate": "rate", "bits": "bits a pixel"}
    for what, found in advice.wanted.items():
        saves = what == "bits"
        text = _amount(found, _divided if saves else _times, falls=saves)
        lines.append((f"10 % more pixels by {words[what]}", text))
    print_rows(lines)
    table = plain_table(
        "What single changes buy"
        + f"; medians over {len(advice.seeds)} seeds (90 % interval)" * (len(advice.seeds) > 1),
        (
            ("change", False),
            ("pixels", True),
            ("gain", True),
            ("dropped", True),
            ("PSNR undamaged", True),
            ("latency", True),
        ),
    )
    for change in (advice.base, *advice.changes):
        if change.error:
            table.add_row(change.what, w.plain(change.error), *[""] * 4)
            continue
        figures = {name: None if i is None else i.median for name, i in change.figures.items()}
        gain = change.gain
        spread = ""
        if gain is not None and change is not advice.base:
            spread = f"{_percent(gain.median)}"
            if _percent(gain.low) != _percent(gain.high):
                spread += f" ({_percent(gain.low)} to {_percent(gain.high)})"
        table.add_row(
            change.what,
            plain(w.pixels(figures["delivered_px"])),
            spread,
            w.count(figures["dropped"]),
            plain(w.decibels(figures["psnr_undamaged_db"])),
            plain(w.duration(figures["latency_s"])),
        )
    if advice.stations:
        table.caption = "Stations of the shipped table by pixels delivered, with the first seed: "
        table.caption += ", ".join(
            f"{name} {plain(w.pixels(pixels))}" for name, pixels in advice.stations[:5]
        )
        table.caption_justify = "left"
    print_table(table)


def _amount(
    found: Answer, write: Callable[[float], str], exact: str = "", *, falls: bool = False
) -> str:
    """Return an answer: what suffices for every seed, and the interval over the seeds.

    Args:
        found: The answer.
        write: Formats an amount.
        exact: Follows the amount that suffices.
        falls: Whether what is written is the less, the larger the amount.
    """
    if found.amount is None or found.largest is None:
        return f"none: {found.why_not}"
    text = write(found.largest) + exact
    low, high = write(found.amount.low), write(found.amount.high)
    if falls:
        low, high = high, low
    if low != high:
        text += f"; over the seeds from {low} to {high}"
    if not found.monotone:
        text += "; not monotone: some smaller amounts do, too"
    return text


def _times(thousandths: float) -> str:
    """Format a factor in three digits, rounded up: what is printed is enough."""
    return f"x {_three_digits(Decimal(thousandths), ROUND_CEILING)}"


def _divided(thousandths: float) -> str:
    """Format the factor that saves a factor, as `changes.bits_times` has it, rounded down."""
    return f"x {_three_digits(1_000_000 // Decimal(thousandths), ROUND_FLOOR)}"


def _three_digits(thousandths: Decimal, rounding: str) -> str:
    factor = thousandths / 1000
    rounded = factor.quantize(Decimal(1).scaleb(factor.adjusted() - 2), rounding)
    return f"{float(rounded):.6g}"


def _percent(share: float) -> str:
    percent = round(100 * (share - 1))
    return f"{percent:+d} %".replace("-", "−") if percent else "0 %"
