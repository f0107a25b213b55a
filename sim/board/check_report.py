"""Writes the results of `downpass board check`: rows for a terminal, JSON and JUnit XML.

JUnit XML has no standard; this is the form of Jenkins' xUnit plugin, which CI servers read. A check
that fails by the board's fault is a `failure`; by the line's, with a reboot, or by a silence that
nothing explains, an `error`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import IO, Any, Final

from ...link.plurals import counted
from ...link.serial.blame import Blame
from ...link.text import printable
from .conformance import CheckResult

Rounds = Sequence[Sequence[CheckResult]]
"""The results of each repetition of the suite."""
_INDENT: Final = "    "
_UNKNOWN: Final = "unknown"


def rows(rounds: Rounds) -> list[tuple[str, str, str, str]]:
    """Return a row for each check: how often it passed, name, duration, first fault or note."""
    table = []
    for name, results in _by_name(rounds).items():
        failed = [result for result in results if result.fault]
        word = "FAIL" if failed else "ok"
        if len(rounds) > 1:
            word += f" {len(results) - len(failed)} of {len(results)}"
        seconds = sum(result.seconds for result in results) / len(results)
        told = _told(failed[0]) if failed else results[-1].note
        table.append((word, name, f"{seconds:.2f} s", told))
    return table


def evidence(rounds: Rounds) -> list[str]:
    """Return the frames before the first failure of each check, under its name."""
    lines = []
    for name, results in _by_name(rounds).items():
        failed = next((result for result in results if result.fault), None)
        if failed is not None and failed.frames:
            lines += ["", f"{name}: the last frames (> to the board, < from it)"]
            lines += [_INDENT + frame for frame in failed.frames]
    return lines


def line_remark(rounds: Rounds) -> str:
    """Return what the line has lost; empty if nothing."""
    results = [result for one in rounds for result in one]
    repeated = sum(result.repeated for result in results)
    damaged = sum(result.damaged for result in results)
    if not repeated and not damaged:
        return ""
    return (
        f"the line: {counted(repeated, 'frame')} sent again, "
        f"{counted(damaged, 'damaged frame')} received"
    )


def as_json(rounds: Rounds) -> list[dict[str, Any]]:
    """Return one object for each check and repetition."""
    return [
        {
            "check": result.name,
            "round": number,
            "fault": result.fault or None,
            "judged": None if result.blame is None else result.blame.value,
            "note": result.note or None,
            "seconds": round(result.seconds, 3),
            "sent_again": result.repeated,
            "damaged_frames": result.damaged,
            "frames": list(result.frames),
        }
        for number, results in enumerate(rounds, 1)
        for result in results
    ]


def write_junit(file: IO[bytes], rounds: Rounds, port: str, lost: str) -> None:
    """Write JUnit XML.

    Args:
        file: The file.
        rounds: The results.
        port: The board's port.
        lost: Why the suite ended early; empty if it did not.

    Raises:
        OSError: The file cannot be written.
    """
    root = ET.Element("testsuites", name="downpass board check")
    for number, results in enumerate(rounds, 1):
        suite = ET.SubElement(root, "testsuite", name=_text(port), id=str(number))
        for result in results:
            case = ET.SubElement(
                suite,
                "testcase",
                classname=f"board-check.round-{number}",
                name=result.name,
                time=f"{result.seconds:.3f}",
            )
            if result.fault:
                kind = "failure" if result.blame is Blame.BOARD else "error"
                judged = _UNKNOWN if result.blame is None else result.blame.value
                fault = ET.SubElement(case, kind, type=judged, message=_text(result.fault))
                fault.text = "\n".join(map(_text, result.frames))
        if lost and number == len(rounds):
            case = ET.SubElement(suite, "testcase", classname="board-check", name="the port stays")
            ET.SubElement(case, "error", type=Blame.LINE.value, message=_text(lost))
        for what in ("failure", "error"):
            suite.set(f"{what}s", str(len(suite.findall(f"testcase/{what}"))))
        suite.set("tests", str(len(suite.findall("testcase"))))
        suite.set("time", f"{sum(result.seconds for result in results):.3f}")
    ET.indent(root)
    file.write(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _by_name(rounds: Rounds) -> dict[str, list[CheckResult]]:
    found: dict[str, list[CheckResult]] = {}
    for results in rounds:
        for result in results:
            found.setdefault(result.name, []).append(result)
    return found


def _told(result: CheckResult) -> str:
    judged = _UNKNOWN if result.blame is None else result.blame.value
    return f"{judged}: {result.fault}"


def _text(text: str) -> str:
    return printable(text, 1000)
