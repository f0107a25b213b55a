"""Report on the faults that were injected into a board's line, so that nobody blames the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...link.plurals import counted
from ..board.injection import InjectedFaults

_NOUNS = {
    "cuts": "cut",
    "stalls": "stall",
    "reboots": "reboot",
    "wrong_tiles": "wrong result",
    "refused_tiles": "refused tile",
}


def injected(faults: InjectedFaults | None) -> dict[str, Any] | None:
    """Return what was injected at tiles, which is the same in every run; None without faults.

    `noticed_wrong_tiles` are those of `wrong_tiles` that the comparison with this program's
    bitstreams has found to differ.
    """
    if faults is None:
        return None
    board = faults.board
    return {
        "cuts": board.cuts,
        "stalls": board.stalls,
        "reboots": board.reboots,
        "wrong_tiles": len(board.wrong),
        "noticed_wrong_tiles": faults.noticed_wrong,
        "refused_tiles": len(board.refused),
        "slow": faults.script.board.slow,
    }


def injected_by_line(faults: InjectedFaults | None) -> dict[str, Any] | None:
    """Return what was injected into frames and at moments, which differs from run to run."""
    if faults is None:
        return None
    return {
        "timed_cuts": faults.board.timed_cuts,
        "to_board": asdict(faults.to_board),
        "to_host": asdict(faults.to_host),
    }


def in_words(at_tiles: Mapping[str, Any] | None, by_line: Mapping[str, Any] | None) -> str:
    """Return what was injected as text: `2 stalls, 1 reboot`; empty if nothing was.

    Args:
        at_tiles: As `injected` returns it.
        by_line: As `injected_by_line` returns it.
    """
    if not at_tiles or not by_line:
        return ""
    counts = {name: at_tiles[name] for name in _NOUNS}
    counts["cuts"] += by_line["timed_cuts"]
    words = [counted(number, _NOUNS[name]) for name, number in counts.items() if number]
    ways = by_line["to_board"], by_line["to_host"]
    for name, noun in (("dropped", "lost"), ("damaged", "damaged")):
        if number := sum(way[name] for way in ways):
            words.append(counted(number, f"{noun} frame"))
    return ", ".join(words)


def on_purpose(faults: InjectedFaults | None) -> str:
    """Return the end of a line about a board that failed: what was injected; empty if nothing."""
    words = in_words(injected(faults), injected_by_line(faults))
    return f"; injected on purpose: {words}" if words else ""


def wrong_on_purpose(faults: InjectedFaults | None, wrong: int) -> str:
    """Return how many of the tiles that differ were made to; empty if none was.

    Args:
        faults: What was injected.
        wrong: Number of tiles that differ.
    """
    if faults is None or not faults.noticed_wrong:
        return ""
    number = faults.noticed_wrong
    if number == wrong:
        return (
            "; an injected fault made it wrong"
            if wrong == 1
            else ("; injected faults made all of them wrong")
        )
    return f"; injected faults made {number} of them wrong"
