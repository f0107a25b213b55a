"""Advice for a scenario: what drops nothing, and what single changes buy, over several seeds.

```
as it is ──► smallest recorder, lowest rate ──► (searches: simulation without decoding)
        └──► what + 10 % of the pixels takes ─┘
        └──► each single change ──► full runs, with quality
```

The searches do not decode frames. They count every frame that has arrived, also one whose header
was lost on the way, which the full runs do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from ...link.errors import InputError
from ..console.progress import Progress
from ..evaluate import Value
from ..scenario.scenario import Scenario
from . import changes as c
from .axes import SEED, override
from .cell import CellResult, CellTask
from .drive import run_cells
from .intervals import Interval, interval
from .search import Search, Threshold, smallest, together
from .table import sums
from .workers import Workers

WANTED: Final = 1.1
"""The share of today's pixels that is asked for: 10 % more."""
MOST_TIMES: Final = 64
"""By how much a rate is raised or lowered at most, in a search."""
LEAST_RATE: Final = c.THOUSAND // MOST_TIMES
"""The lowest rate that is tried, in thousandths of the scenario's."""

Row: TypeAlias = dict[str, Value]
_PIXELS: Final = "total.delivered_px"
_DROPPED: Final = "total.frames.dropped"
_LATENCY: Final = "total.latency_s.median"
_REPORTED: Final = {
    "delivered_px": _PIXELS,
    "delivered_whole": "total.frames.delivered_whole",
    "dropped": _DROPPED,
    "psnr_db": "total.psnr_db.pooled",
    "psnr_undamaged_db": "total.psnr_db.undamaged",
    "latency_s": _LATENCY,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The smallest amount that does something, over the seeds.

    Attributes:
        amount: Median and interval over the seeds; None if no seed has one.
        largest: The amount that suffices for every seed; None if one has none.
        monotone: Whether no smaller amount was found that would do, too.
        runs: Number of simulations that the search took.
        why_not: Why there is no amount; empty if there is one.
    """

    amount: Interval | None
    largest: int | None
    monotone: bool
    runs: int
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What one change buys.

    Attributes:
        name: A word for the change.
        what: The change in a few words.
        options: The overrides that make it.
        figures: Median and interval of each figure over the seeds.
        gain: Median and interval of the delivered pixels, as a share of those of the same seed
            without the change.
        error: Why it cannot be run; empty if it can.
    """

    name: str
    what: str
    options: c.Overrides
    figures: Mapping[str, Interval | None]
    gain: Interval | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """Everything that `advise` finds out.

    Attributes:
        base: The scenario as it is.
        changes: What each single change buys.
        recorder: The smallest recorder that drops nothing, in bytes.
        rate: The lowest rate that drops nothing, in thousandths of the scenario's; None if the
            scenario has no rates.
        wanted: What 10 % more delivered pixels take, by `memory`, `rate` and `bits`, in thousandths
            of what the scenario has.
        stations: The pixels that each further station delivers with the first seed, the most first.
        seeds: The seeds.
    """

    base: Change
    changes: tuple[Change, ...]
    recorder: Answer
    rate: Answer | None
    wanted: Mapping[str, Answer]
    stations: tuple[tuple[str, int], ...]
    seeds: tuple[int, ...]


@dataclass(slots=True)
class Runs:
    """Runs cells and remembers their results.

    Attributes:
        path, text: The scenario's file.
        base: Overrides of all runs.
        workers: Where they run.
        cache: Folder of encoded frames; None for the user's own.
        threads: Number of frames encoded or decoded at once in each run.
        count: Number of runs so far.
    """

    path: Path
    text: str
    base: Sequence[str]
    workers: Workers
    cache: Path | None = None
    threads: int = 1
    count: int = 0
    _found: dict[str, CellResult] = field(default_factory=dict)

    def results(
        self,
        wanted: Sequence[tuple[c.Overrides, int]],
        *,
        measured: bool,
        on_done: Callable[[int], None] | None = None,
    ) -> list[CellResult]:
        """Return the result of each change with each seed.

        Raises:
            InputError: A run ended by a fault.
        """
        keys = [f"{measured} {seed} {change}" for change, seed in wanted]
        tasks = {
            key: CellTask(
                key,
                self.path,
                self.text,
                (*self.base, *change, override(SEED, seed)),
                self.cache,
                self.threads,
                measured,
            )
            for key, (change, seed) in zip(keys, wanted, strict=True)
            if key not in self._found
        }
        for number, result in enumerate(run_cells(tasks.values(), self.workers), 1):
            if result.fault:
                raise InputError(f"a run failed: {result.error}")
            self._found[result.key] = result
            self.count += 1
            if on_done is not None:
                on_done(number)
        return [self._found[key] for key in keys]


def advise(
    scenario: Scenario,
    runs: Runs,
    seeds: Sequence[int],
    progress: Progress,
) -> Advice:
    """Find out what drops nothing and what single changes buy.

    Args:
        scenario: The scenario with the overrides of `runs`.
        runs: Runs cells.
        seeds: Seeds that every question is answered with.
        progress: Receives the progress.

    Raises:
        InputError: The scenario cannot be run as it is, or a run fails.
    """
    progress.stage("as it is")
    base_rows = _rows(runs.results([((), seed) for seed in seeds], measured=False))
    progress.stage("stations", len(c.station_candidates(scenario)))
    ranked = _stations(scenario, runs, seeds[0], progress)
    progress.stage("smallest recorder, lowest rate, 10 % more pixels")
    recorder, rate, wanted = _searches(scenario, runs, seeds, base_rows, progress)
    base, changes = _changes(scenario, runs, seeds, ranked, wanted, progress)
    return Advice(base, changes, recorder, rate, wanted, ranked, tuple(seeds))


def _rows(results: Iterable[CellResult]) -> list[Row]:
    """Return the rows of results.

    Raises:
        InputError: One of them has an error.
    """
    found = []
    for result in results:
        if result.error:
            raise InputError(result.error)
        found.append(result.row | dict(sums(result.row)))
    return found


def _number(row: Row, name: str) -> float:
    value = row.get(name)
    return value if isinstance(value, int | float) else 0


def _stations(
    scenario: Scenario, runs: Runs, seed: int, progress: Progress
) -> tuple[tuple[str, int], ...]:
    """Rank the stations of the shipped table by the pixels that each delivers, then by latency."""
    names = c.station_candidates(scenario)
    wanted = [(c.one_more_station(runs.text, runs.base, name), seed) for name in names]
    results = runs.results(wanted, measured=False, on_done=progress.step)
    found = sorted(
        (-int(_number(result.row, _PIXELS)), _number(result.row, _LATENCY), name)
        for name, result in zip(names, results, strict=True)
        if not result.error
    )
    return tuple((name, -pixels) for pixels, _, name in found)


def _searches(
    scenario: Scenario,
    runs: Runs,
    seeds: Sequence[int],
    base: Sequence[Row],
    progress: Progress,
) -> tuple[Answer, Answer | None, dict[str, Answer]]:
    """Run all searches of all seeds side by side."""
    endless = _rows(
        runs.results([(c.recorder(c.LARGEST_RECORDER), seed) for seed in seeds], measured=False)
    )
    searches: dict[tuple[str, int], Search] = {}
    made: dict[str, Callable[[int], c.Overrides]] = {
        "recorder": c.recorder,
        "memory": lambda times: c.recorder_times(scenario, times),
    }
    largest = c.LARGEST_RECORDER // max(s.recorder.capacity for s in scenario.satellites)
    times = c.THOUSAND * MOST_TIMES
    for n in range(len(seeds)):
        searches["recorder", n] = smallest(
            c.SMALLEST_RECORDER, c.LARGEST_RECORDER, _peak(scenario, endless[n])
        )
        most = max(2, min(largest, 10**6)) * c.THOUSAND
        searches["memory", n] = smallest(c.THOUSAND, most)
    if c.has_rates(scenario):
        made["dropless rate"] = made["rate"] = lambda times: c.rate_times(scenario, times)
        for n in range(len(seeds)):
            searches["dropless rate", n] = smallest(LEAST_RATE, times)
            searches["rate", n] = smallest(c.THOUSAND, times)
    sizes_alone = c.without_pixels(scenario, runs.text)
    if sizes_alone is not None and c.bits_times(scenario, c.THOUSAND) is not None:
        # Fewer bits, more pixels: the search is for the least saving, in thousandths.
        made["bits"] = lambda saved: (
            *sizes_alone,
            *(c.bits_times(scenario, c.THOUSAND * c.THOUSAND // saved) or ()),
        )
        for n in range(len(seeds)):
            searches["bits", n] = smallest(c.THOUSAND, times)

    def run(values: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], bool]:
        cells = [(made[what](value), seeds[n]) for (what, n), value in values.items()]
        results = runs.results(cells, measured=False)
        progress.step(runs.count)
        return {key: holds(key, result) for key, result in zip(values, results, strict=True)}

    def holds(key: tuple[str, int], result: CellResult) -> bool:
        if result.error:
            return False
        row = result.row | dict(sums(result.row))
        if key[0] in ("recorder", "dropless rate"):
            return _number(row, _DROPPED) == 0
        pixels = _number(base[key[1]], _PIXELS)
        return _number(row, _PIXELS) >= WANTED * pixels and _number(row, _PIXELS) > 0

    found = together(searches, run)

    def answer(what: str, why_not: str) -> Answer:
        return _answer([found[what, n] for n in range(len(seeds))], why_not)

    causes = sorted(
        {
            name.removeprefix(f"{_DROPPED}.")
            for row in endless
            for name, value in row.items()
            if name.startswith(f"{_DROPPED}.") and value
        }
    )
    recorder = answer("recorder", f"frames are dropped all the same: {', '.join(causes)}")
    rate = None
    if "rate" in made:
        rate = answer("dropless rate", f"frames are dropped even at {MOST_TIMES} times the rate")
    wanted = {
        what: answer(what, words)
        for what, words in {
            "memory": "not by memory alone",
            "rate": "not by the rate alone",
            "bits": "not by fewer bits alone",
        }.items()
        if what in made
    }
    return recorder, rate, wanted


def _peak(scenario: Scenario, row: Row) -> int | None:
    """Return the largest backlog of any satellite: with that much memory nothing changes."""
    peaks = [
        row.get(f"satellites.{satellite.name}.backlog_bytes.peak")
        for satellite in scenario.satellites
    ]
    known = [int(peak) for peak in peaks if isinstance(peak, int | float)]
    return max(known, default=None)


def _answer(found: Sequence[Threshold], why_not: str) -> Answer:
    values = [threshold.value for threshold in found]
    known = [value for value in values if value is not None]
    return Answer(
        interval(known),
        max(known) if len(known) == len(values) else None,
        all(threshold.monotone for threshold in found),
        sum(len(threshold.tried) for threshold in found),
        why_not if len(known) < len(values) else "",
    )


def _changes(
    scenario: Scenario,
    runs: Runs,
    seeds: Sequence[int],
    ranked: Sequence[tuple[str, int]],
    wanted: Mapping[str, Answer],
    progress: Progress,
) -> tuple[Change, tuple[Change, ...]]:
    """Run the scenario as it is and with each single change, and measure the quality."""
    cases: list[tuple[str, str, c.Overrides]] = [("base", "as it is", ())]
    if ranked:
        name = ranked[0][0]
        cases.append(
            ("station", f"one more station: {name}", c.one_more_station(runs.text, runs.base, name))
        )
    stronger = c.three_decibels(scenario)
    if stronger is not None:
        cases.append(("rate", *stronger))
    cases.append(("memory", "twice the memory", c.recorder_times(scenario, 2 * c.THOUSAND)))
    half = c.bits_times(scenario, c.THOUSAND // 2)
    if half is not None:
        cases.append(("bits", "half the bits", half))
    least = wanted.get("bits")
    if least is not None and least.largest is not None:
        share = c.THOUSAND * c.THOUSAND // least.largest
        fewer = c.bits_times(scenario, share)
        if fewer is not None and share != c.THOUSAND // 2:
            cases.append(("fewer bits", f"{100 - share / 10:.3g} % fewer bits", fewer))
    codec = c.other_codec(scenario)
    if codec is not None and any(target.scenes for target in scenario.targets):
        cases.append(("codec", f"another codec: {codec[0]}", codec[1]))
    cells = [(options, seed) for _, _, options in cases for seed in seeds]
    progress.stage("single changes", len(cells))
    results = runs.results(cells, measured=True, on_done=progress.step)
    by_case = [results[n * len(seeds) : (n + 1) * len(seeds)] for n in range(len(cases))]
    base = _rows(by_case[0])
    made = [_change(case, found, base) for case, found in zip(cases, by_case, strict=True)]
    return made[0], tuple(made[1:])


def _change(
    case: tuple[str, str, c.Overrides], results: Sequence[CellResult], base: Sequence[Row]
) -> Change:
    error = next((result.error for result in results if result.error), "")
    if error:
        return Change(*case, dict.fromkeys(_REPORTED), None, error)
    rows = _rows(results)
    gains = [
        _number(row, _PIXELS) / _number(before, _PIXELS)
        for row, before in zip(rows, base, strict=True)
        if _number(before, _PIXELS)
    ]
    figures = {
        name: interval(v for row in rows if isinstance(v := row.get(column), int | float))
        for name, column in _REPORTED.items()
    }
    return Change(*case, figures, interval(gains))
