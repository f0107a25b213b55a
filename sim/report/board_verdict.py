"""The verdict on each board of a run, in words: for the top of the page and for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from . import injected_faults
from . import wording as w
from .data import ReportData
from .summary_blocks import part, whole

PASSED: Final = "passed"
FAILED: Final = "failed"
_JUDGED: Final = {
    "board": "judged: board",
    "line": "judged: line",
    "rebooted": "judged: rebooted",
    "injected": "judged: injected on purpose",
    None: "judged: board or line",
}
_WRONG: Final = {"differs": "other bytes", "undecodable": "not decodable"}
_LOST_BY: Final = {"board": "board", "line": "line", "rebooted": "rebooted"}
_MOST_LISTED: Final = 6


@dataclass(frozen=True, slots=True)
class BoardVerdict:
    """The verdict on one board.

    Attributes:
        failed: Whether the board failed.
        headline: The verdict: "Board zynq FAILED (judged: board)."
        details: Sentences with the reasons.
    """

    failed: bool
    headline: str
    details: tuple[str, ...]


def blocks(summary: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the boards' blocks of a summary, with names that tell the boards apart."""
    listed = summary.get("boards")
    found = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    names = [str(one.get("name")).strip() or "without a name" for one in found]
    return [
        {**one, "name": name if names.count(name) == 1 else f"{name} at {one.get('port')}"}
        for one, name in zip(found, names, strict=True)
    ]


def verdicts(summary: Mapping[str, Any]) -> list[BoardVerdict]:
    """Return the verdict on each board of a run, those that failed first."""
    found = [_verdict(block) for block in blocks(summary)]
    return sorted(found, key=lambda one: not one.failed)


def any_failed(runs: Sequence[ReportData]) -> bool:
    """Return whether a board failed in one of the runs."""
    return any(one.failed for run in runs for one in verdicts(run.summary))


def _verdict(block: Mapping[str, Any]) -> BoardVerdict:
    frames, tiles = part(block, "frames"), part(block, "tiles")
    asked, encoded = whole(frames.get("asked")), whole(frames.get("encoded"))
    name = w.plain(str(block.get("name")))
    verdict = block.get("verdict")
    if verdict not in (PASSED, FAILED):
        return BoardVerdict(
            False, f"Board {name} is unverified.", ("The run gave it no frame to encode.",)
        )
    if verdict == PASSED:
        count = whole(tiles.get("equal"))
        every = f"all {w.plural(count, 'tile')} of" if count != 1 else "the one tile of"
        sentence = (
            f"Byte for byte, {every} {w.plural(encoded, 'frame')} "
            f"{'are' if count != 1 else 'is'} what this program makes of the same pixels."
        )
        disturbances = _disturbances(part(block, "measured"))
        but = ", but not without disturbance" if disturbances else ""
        again = ["What was under way was sent again."] if disturbances else []
        details = sentence, *disturbances, *again, *injected_faults.sentences(block)
        return BoardVerdict(False, f"Board {name} passed{but}.", details)
    judged = block.get("judged")
    judgement = _JUDGED.get(judged if isinstance(judged, str) else None, _JUDGED[None])
    return BoardVerdict(
        True,
        f"Board {name} FAILED ({judgement}).",
        (
            *_wrong(block, tiles),
            *_stopped(block, asked, encoded, tiles),
            *_finished(block, tiles),
            *_disturbances(part(block, "measured")),
            *injected_faults.sentences(block),
        ),
    )


def _wrong(block: Mapping[str, Any], tiles: Mapping[str, Any]) -> list[str]:
    """Return a sentence on payloads that are wrong, or on containers that differ."""
    differs, undecodable = (whole(tiles.get(name)) for name in _WRONG)
    count, wrong = whole(tiles.get("encoded")), differs + undecodable
    if not wrong:
        named = [w.plain(str(one)) for one in block.get("differing_frames", ())]
        if named:
            return [f"Its containers differ from this program's, in {w.some(named, _MOST_LISTED)}."]
        return []
    verb = "is" if wrong == 1 else "are"
    listed = block.get("wrong_tiles")
    places = [
        f"frame {w.count(one.get('frame'))} tile {w.count(one.get('tile'))} "
        f"({_WRONG.get(str(one.get('verdict')), 'wrong')})"
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, Mapping)
    ]
    more = wrong - len(places[:_MOST_LISTED])
    return [
        f"{w.count(wrong)} of {w.plural(count, 'tile')} {verb} wrong: encoded otherwise than this "
        "program does, although "
        f"{'its payload' if wrong == 1 else 'their payloads'} arrived with a right CRC-32. "
        + _counted(differs, undecodable)
        + f" Wrong {'is' if len(places) == 1 and not more else 'are'} "
        + ", ".join(places[:_MOST_LISTED])
        + (f" and {w.count(more)} more" if more else "")
        + f". {injected_faults.whose(block, wrong)}."
    ]


def _counted(differs: int, undecodable: int) -> str:
    """Return a sentence on how many wrong tiles can be decoded."""
    if not undecodable:
        return "The ground decodes what it gets, which is not what was captured."
    if not differs:
        return f"{'It cannot' if undecodable == 1 else 'None of them can'} be decoded."
    return f"{w.count(undecodable)} cannot be decoded, {w.count(differs)} can."


def _stopped(
    block: Mapping[str, Any], asked: int, encoded: int, tiles: Mapping[str, Any]
) -> list[str]:
    """Return sentences on a board that has not encoded everything."""
    if not block.get("stopped"):
        return []
    left = asked - encoded
    stopped = f"It stopped after {w.count(encoded)} of {w.plural(asked, 'frame')}"
    rest = f"{w.plural(left, 'frame')} {'was' if left == 1 else 'were'} not encoded and stayed on"
    words = [
        f"{stopped}: {w.plain(str(block['stopped']))}.",
        f"{rest} board; what was finished before was kept.",
    ]
    if unverified := whole(tiles.get("unverified")):
        words.append(
            f"{w.plural(unverified, 'tile')} of unfinished frames "
            f"{'is' if unverified == 1 else 'are'} unverified."
        )
    return words


def _finished(block: Mapping[str, Any], tiles: Mapping[str, Any]) -> list[str]:
    """Return a sentence on what a board that stopped had finished, if nothing of it is wrong."""
    count, equal = whole(tiles.get("encoded")), whole(tiles.get("equal"))
    if equal < count or not block.get("stopped"):
        return []
    if not count:
        return ["It finished no frame."]
    finished = f"What it finished, {w.plural(count, 'tile')}, is byte for byte"
    return [f"{finished} what this program makes of the same pixels."]


def _disturbances(measured: Mapping[str, Any]) -> list[str]:
    """Return a sentence on lost sessions, restarts and resets; none if there were none."""
    lost, restarts, resets = (
        whole(measured.get(key)) for key in ("sessions_lost", "board_restarts", "board_resets")
    )
    found = []
    if lost:
        listed = part(measured, "sessions_lost_by")
        causes = {name: number for name, number in listed.items() if whole(number)}
        named = {name: _LOST_BY.get(str(name), "cause not known") for name in causes}
        counted = [f"{w.count(number)} {named[name]}" for name, number in causes.items()]
        by = ", ".join(named.values() if len(causes) == 1 else counted)
        start = f"{w.plural(lost, 'session')} with it {'was' if lost == 1 else 'were'} lost"
        found.append(start + (f" ({by})" if by else ""))
    if restarts:
        found.append(f"it started anew {w.times(restarts)}")
    if resets:
        found.append(f"it was reset {w.times(resets)}")
    if not found:
        return []
    words = w.listing(found)
    return [f"{words[0].upper()}{words[1:]}."]
