"""The report's table of injected faults, beside what was noticed of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import wording as w
from .style import DataTable
from .summary_blocks import part, whole

_FRAMES = (
    ("Frames lost", "dropped"),
    ("Frames damaged", "damaged"),
    ("Frames cut short", "truncated"),
    ("Frames repeated", "duplicated"),
    ("Frames out of order", "reordered"),
    ("Noise between frames", "garbage"),
)
"""Faults of frames with their names in the summary."""


def sentences(block: Mapping[str, Any]) -> list[str]:
    """Return the sentence that says that faults were injected; none if they were not asked for."""
    if not part(block, "injected"):
        return []
    return ["Faults were injected into its line on purpose; its table lists them."]


def whose(block: Mapping[str, Any], differing: int) -> str:
    """Return whose error it is that tiles differ: the board's, or that of injected faults.

    Args:
        block: The board's block of the summary.
        differing: Number of tiles that differ.
    """
    number = whole(part(block, "injected").get("noticed_wrong_tiles"))
    if not number:
        return "A codec is exact: this is an error of the board"
    if number < differing:
        rest = w.plural(differing - number, "tile")
        return (
            f"Injected faults made {w.count(number)} of them so, on purpose; the other {rest} "
            f"{'is an error' if differing - number == 1 else 'are errors'} of the board"
        )
    if number == 1:
        return "An injected fault made it so, on purpose, which tells nothing against the board"
    return "Injected faults made all of them so, on purpose, which tells nothing against the board"


def table(block: Mapping[str, Any]) -> DataTable | None:
    """Return the injected faults and what was noticed of them; None if none were asked for."""
    at_tiles, measured = part(block, "injected"), part(block, "measured")
    if not at_tiles:
        return None
    rows = [*_frames(measured), *_board(at_tiles, measured)]
    return DataTable(
        caption="Faults injected on purpose",
        columns=(("Fault", False), ("Number", True)),
        rows=tuple(rows) or (("None so far", w.count(0)),),
        note="What the host did about them is in the table above, whatever caused it: chunks sent "
        "again, time-outs, sessions lost.",
    )


def _frames(measured: Mapping[str, Any]) -> list[tuple[str, str]]:
    by_line = part(measured, "injected")
    found = []
    for title, key in _FRAMES:
        there, back = (whole(part(by_line, way).get(key)) for way in ("to_board", "to_host"))
        if there or back:
            found.append((f"{title}, to the board", w.count(there)))
            found.append(("… from the board", w.count(back)))
    return found


def _board(at_tiles: Mapping[str, Any], measured: Mapping[str, Any]) -> list[tuple[str, str]]:
    by_line = part(measured, "injected")
    cut_off = sum(whole(part(by_line, way).get("cut_off")) for way in ("to_board", "to_host"))
    cuts = whole(at_tiles.get("cuts")) + whole(by_line.get("timed_cuts"))
    reboots = whole(at_tiles.get("reboots"))
    rows: list[tuple[str, str]] = []
    if cuts:
        rows.append(("Cuts of the line", w.count(cuts)))
    if stalls := whole(at_tiles.get("stalls")):
        rows.append(("Stalls of the board", w.count(stalls)))
    if reboots:
        rows.append(("Reboots of the board", w.count(reboots)))
        rows.append(("… restarts that were noticed", w.count(measured.get("board_restarts"))))
    if cuts or reboots:
        rows.append(("Frames lost in cuts and reboots", w.count(cut_off)))
    if made := whole(at_tiles.get("wrong_tiles")):
        rows.append(("Results made wrong", w.count(made)))
        rows.append(("… found to differ", w.count(at_tiles.get("noticed_wrong_tiles"))))
    if refused := whole(at_tiles.get("refused_tiles")):
        rows.append(("Tiles refused", w.count(refused)))
    slow = at_tiles.get("slow")
    if w.present(slow) and float(slow) > 1:
        rows.append(("Encode times multiplied by", f"{float(slow):g}"))
    return rows
