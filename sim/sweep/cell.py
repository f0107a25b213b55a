"""One cell of a sweep, run in a worker: plain values in, plain values out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...link.errors import InputError, reason
from ...link.text import printable
from ..evaluate import Value, evaluate
from ..scenario.load import load_scenario
from ..scenario.scenario import Scenario
from .revision import revision
from .shared_flight import SharedFlights

MOST_SATELLITES: Final = 20
"""With more satellites than this, a row has the total figures alone."""
_OF_EACH: Final = ("satellites.", "ledger.", "codecs.")
_LONGEST_ERROR: Final = 500

_flights = SharedFlights()


@dataclass(frozen=True, slots=True)
class CellTask:
    """What a worker needs to run a cell.

    Attributes:
        key: Identifies the cell among all that were ever run; see `log`.
        path: The scenario's file, for messages and for the scenes beside it.
        text: Its content, so that all cells run the same file.
        overrides: What makes the cell of it.
        cache: Folder of encoded frames; None for the user's own.
        threads: Number of frames encoded or decoded at once.
        measured: Whether delivered frames are decoded and measured.
        revision: The downpass that the worker must have.
    """

    key: str
    path: Path
    text: str
    overrides: tuple[str, ...]
    cache: Path | None = None
    threads: int = 1
    measured: bool = True
    revision: str = field(default_factory=revision)


@dataclass(frozen=True, slots=True)
class CellResult:
    """The outcome of a cell.

    Attributes:
        key: The task's key.
        row: Its figures; empty if it failed.
        error: Why it failed, in one line; empty if it did not.
        fault: Whether it failed by a fault of downpass or of the machine instead of its input.
            Such a cell is run again when the sweep is resumed.
    """

    key: str
    row: dict[str, Value]
    error: str = ""
    fault: bool = False


def run_cell(task: CellTask) -> CellResult:
    """Run a cell. No exception leaves this function: a failure is a result like any other."""
    try:
        if task.revision != revision():
            return CellResult(
                task.key,
                {},
                f"a worker has downpass {revision()}; allowed: {task.revision}, which began the "
                "sweep",
                fault=True,
            )
        scenario = load_scenario(task.path, task.overrides, task.text)
        row = evaluate(
            without_pace(scenario),
            task.cache,
            flight=_flights,
            threads=task.threads,
            measured=task.measured,
        )
    except InputError as error:
        return CellResult(task.key, {}, _line(error))
    except Exception as error:  # one cell's fault must not end the sweep
        return CellResult(task.key, {}, _line(error), fault=True)
    if len(scenario.satellites) > MOST_SATELLITES:
        row = {name: value for name, value in row.items() if not name.startswith(_OF_EACH)}
    return CellResult(task.key, row)


def without_pace(scenario: Scenario) -> Scenario:
    """Return the scenario as a sweep runs it: as fast as it can, whatever `realtime` says."""
    return scenario.model_copy(update={"realtime": None})


def _line(error: Exception) -> str:
    """Return an error in one line; the first of several problems, and how many follow."""
    lines = str(error).splitlines() if isinstance(error, InputError) else [reason(error)]
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return printable((lines or [type(error).__name__])[0] + more, _LONGEST_ERROR)
