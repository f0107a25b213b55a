"""The report's part on boards in the loop: equality of bytes, encode times, the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import injected_faults
from . import wording as w
from .data import ReportData
from .keyfigures import part, whole
from .style import DataTable

_MODELLED = "modelled"


@dataclass(frozen=True, slots=True)
class BoardPart:
    """One board's part of the page.

    Attributes:
        sentences: What the board did.
        alarm: What is wrong; empty if nothing is.
        table: Its figures.
        injected: The faults that were injected into its line; None if none were asked for.
    """

    sentences: list[str]
    alarm: str
    table: DataTable
    injected: DataTable | None = None


def blocks(data: ReportData) -> Sequence[Mapping[str, Any]]:
    """Return the boards' blocks of the summary."""
    found = data.summary.get("boards")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def parts(data: ReportData) -> list[BoardPart]:
    """Return a part for each board of the run."""
    return [_part(block) for block in blocks(data)]


def modelled_satellites(data: ReportData) -> set[str]:
    """Return the satellites whose encoding times are those of an emulated board."""
    return {
        str(name)
        for block in blocks(data)
        if block.get("time_kind") == _MODELLED
        for name in block.get("satellites", ())
    }


def _part(block: Mapping[str, Any]) -> BoardPart:
    frames, tiles, measured = (part(block, key) for key in ("frames", "tiles", "measured"))
    asked, encoded = whole(frames.get("asked")), whole(frames.get("encoded"))
    count, equal = whole(tiles.get("encoded")), whole(tiles.get("equal"))
    name = w.plain(str(block.get("name")))
    users = w.some([w.plain(str(one)) for one in block.get("satellites", ())], 6)
    done = "all" if encoded == asked else f"{w.count(encoded)} of"
    model = block.get("fingerprint")
    runs = w.plain(str(block.get("software"))) + (f", model {model}" if model else "")
    line = f"{w.plain(str(block.get('port')))}, {w.count(measured.get('baud'))} baud"
    sentences = [
        f"Board {name} encoded {done} {w.plural(asked, 'frame')} of {users}.",
        f"It runs {runs}, on {line}.",
    ]
    sentences += injected_faults.sentences(block)
    alarms = []
    differing = [w.plain(str(one)) for one in block.get("differing_frames", ())]
    if equal == count and not differing:
        sentences.append(
            f"{'All' if count > 1 else 'Its'} {w.plural(count, 'tile')} "
            f"{'are' if count != 1 else 'is'}, byte for byte, what this program makes of the same "
            "pixels."
        )
    else:
        wrong = count - equal
        alarms.append(
            f"{w.count(wrong)} of {w.plural(count, 'tile')} "
            f"{'differs' if wrong == 1 else 'differ'} from what this program makes of the same "
            f"pixels, in {w.some(differing, 10)}. A codec is exact: this is an error."
        )
        alarms += injected_faults.wrong(block, wrong)
    if block.get("stopped"):
        alarms.append(
            f"It encoded nothing more after that: {w.plain(str(block['stopped']))}. What was "
            "finished before was kept."
        )
    table = _table(block, name, measured, count, equal)
    return BoardPart(sentences, " ".join(alarms), table, injected_faults.table(block))


def _table(
    block: Mapping[str, Any], name: str, measured: Mapping[str, Any], count: int, equal: int
) -> DataTable:
    modelled = block.get("time_kind") == _MODELLED
    encode = block.get("encode_s")
    seconds = float(encode) if w.present(encode) else 0.0
    ratio, goodput = measured.get("time_ratio"), measured.get("goodput_bytes_per_s")
    kind = "modelled" if modelled else "measured"
    rows = (
        ("Tiles with equal bytes", f"{w.count(equal)} of {w.count(count)}"),
        (f"Encoding, {kind}", w.duration(seconds)),
        ("… a tile", w.duration(seconds / count) if count else w.DASH),
        ("… compared with this computer", f"{float(ratio):.3g} ×" if w.present(ratio) else w.DASH),
        ("From first to last tile", w.duration(measured.get("wall_s"))),
        ("… of which the line needs", w.duration(measured.get("line_s"))),
        ("Payload goodput", f"{w.size(goodput)}/s" if w.present(goodput) else w.DASH),
        ("Chunks sent again", w.count(measured.get("chunks_sent_again"))),
        ("Time-outs", w.count(measured.get("timeouts"))),
        ("Damaged or strange frames", _sum(measured, "damaged_frames", "strange_frames")),
        ("Sessions lost", w.count(measured.get("sessions_lost"))),
    )
    return DataTable(
        caption=f"Board {name}",
        columns=(("Figure", False), ("Value", True)),
        rows=rows,
        note="Time on the serial line is not part of the satellite's time.",
    )


def _sum(block: Mapping[str, Any], *keys: str) -> str:
    return w.count(sum(whole(block.get(key)) for key in keys))
