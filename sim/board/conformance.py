"""The conformance suite checks whether a board follows docs/serial-protocol.md.

    checks ──► Exchange ──► board        a check that fails ──► Blame: board, line or rebooted

`checks` lists the checks. The line between may lose or damage frames: a check repeats what was
lost, and a failure is judged before it is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ...link.errors import InputError
from ...link.serial.blame import Blame
from ...link.serial.port import Port
from ...link.serial.silence import PROBES, judged_by_ping
from ...link.text import printable
from .checks import CHECKS, Check
from .exchange import Exchange, NoAnswerError, NonconformanceError

SHOWN_FRAMES: Final = 12
"""Frames that a failed check reports."""
MOST_REPEATS: Final = 1000


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    Attributes:
        name: The check's name.
        seconds: Duration in seconds.
        fault: Why it failed; empty if it passed.
        note: An optional remark.
        blame: Whose fault it is; None if it passed, or if that is not known.
        frames: The last frames before the failure, one line each.
        repeated: Number of questions and chunks that were sent again.
        damaged: Number of damaged frames from the board.
    """

    name: str
    seconds: float
    fault: str
    note: str = ""
    blame: Blame | None = None
    frames: tuple[str, ...] = ()
    repeated: int = 0
    damaged: int = 0


def selected(names: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks whose name contains one of `names`; all if there are none.

    Raises:
        InputError: A name is in no check's name.
    """
    chosen: set[str] = set()
    for name in names:
        found = {
            check.name for check in CHECKS if name and name.casefold() in check.name.casefold()
        }
        if not found:
            raise InputError(
                f"--only {printable(name, 80)}: no check has this in its name; allowed: parts of "
                + ", ".join(f"“{check.name}”" for check in CHECKS)
            )
        chosen |= found
    return tuple(check for check in CHECKS if not names or check.name in chosen)


def check(
    port: Port,
    checks: Sequence[Check] = CHECKS,
    on_silence: Callable[[], None] | None = None,
    *,
    is_emulated: bool = False,
) -> Iterator[CheckResult]:
    """Run checks and yield each result as soon as it is there.

    Args:
        port: The board's port.
        checks: The checks to run.
        on_silence: Called after a check in which the board fell silent, to reset it.
        is_emulated: Whether the board is emulated here, so that its line cannot be cut.

    Raises:
        NonconformanceError: The board does not answer at all.
        PortLostError: The port has vanished.
    """
    line = Exchange(port)
    for item in checks:
        begin = time.monotonic()
        line.journal.clear()
        line.announced = False
        repeated, damaged = line.repeated, line.damaged
        fault, note = "", None
        blame: Blame | None = None
        frames: tuple[str, ...] = ()
        try:
            line.settle()
            note = item.run(line)
        except NonconformanceError as error:
            frames = line.journal.lines(SHOWN_FRAMES)
            blame, fault = _judged(line, error, is_emulated)
            if on_silence is not None and isinstance(error, NoAnswerError):
                on_silence()
        yield CheckResult(
            name=item.name,
            seconds=time.monotonic() - begin,
            fault=fault,
            note=note or "",
            blame=blame,
            frames=frames,
            repeated=line.repeated - repeated,
            damaged=line.damaged - damaged,
        )


def _judged(
    line: Exchange, error: NonconformanceError, is_emulated: bool
) -> tuple[Blame | None, str]:
    """Return whose fault a failed check is, None if it cannot be known, and the fault in one line.

    A wrong answer has a right CRC-32, so no line has made it. If an answer is missing, PINGs show
    whether the line carries anything. A boot during the check explains both.
    """
    boot, damaged = line.boot_nonce, line.damaged
    answered = _probe(line) if isinstance(error, NoAnswerError) else PROBES
    came = printable(str(error), 400)
    if answered:
        try:
            now = line.say_hello().boot_nonce
        except NonconformanceError:
            now = boot
        if now != boot or line.announced:
            return Blame.REBOOTED, f"it started anew (boot {boot:08x}, then {now:08x}): {came}"
    if answered == PROBES and not isinstance(error, NoAnswerError):
        return Blame.BOARD, came
    blame = judged_by_ping(answered, line.damaged - damaged)
    if blame is Blame.BOARD:
        return Blame.BOARD, f"{came}; {answered} of {PROBES} PING were answered"
    if blame is Blame.LINE:
        return Blame.LINE, (
            f"{came}; only {answered} of {PROBES} PING were answered, and "
            f"{line.damaged - damaged} damaged frames came meanwhile"
        )
    silence = f"{came}; {PROBES} PING were not answered either"
    if is_emulated:
        return Blame.BOARD, f"{silence}: the line is within this computer, so the board hangs"
    return None, f"{silence}: the board hangs, or the line is cut"


def _probe(line: Exchange) -> int:
    try:
        return line.pongs(PROBES)
    except NonconformanceError:
        return PROBES
