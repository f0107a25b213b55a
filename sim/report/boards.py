"""The report's part on boards in the loop: what ran where, wrong tiles, times and the line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import board_times, injected_faults
from . import wording as w
from .board_verdict import blocks
from .data import ReportData
from .style import DataTable, Picture
from .summary_blocks import part, whole

_MODELLED = "modelled"


@dataclass(frozen=True, slots=True)
class BoardPart:
    """One board's part of the page.

    Attributes:
        sentences: What the board is, and at which line.
        table: Its figures.
        times: The distribution of its times; None if it finished no tile.
        wrong: The first tiles that are wrong; None if none is.
        injected: The faults that were injected into its line; None if none were asked for.
    """

    sentences: list[str]
    table: DataTable
    times: Picture | None
    wrong: DataTable | None
    injected: DataTable | None = None


def parts(data: ReportData) -> list[BoardPart]:
    """Return a part for each board of the run."""
    return [
        _part(data, block, f"times{number}") for number, block in enumerate(blocks(data.summary), 1)
    ]


def modelled_satellites(data: ReportData) -> set[str]:
    """Return the satellites whose encoding times are those that a board has modelled."""
    return {
        str(name)
        for block in blocks(data.summary)
        if block.get("time_kind") == _MODELLED
        for name in block.get("satellites", ())
    }


def _part(data: ReportData, block: Mapping[str, Any], key: str) -> BoardPart:
    frames, measured = part(block, "frames"), part(block, "measured")
    asked, encoded = whole(frames.get("asked")), whole(frames.get("encoded"))
    name = w.plain(str(block.get("name")))
    users = w.some([w.plain(str(one)) for one in block.get("satellites", ())], 6)
    done = "all" if encoded == asked else f"{w.count(encoded)} of"
    model = block.get("fingerprint")
    runs = w.plain(str(block.get("software"))) + (f", model {model}" if model else "")
    sentences = [
        f"Board {name} encoded {done} {w.plural(asked, 'frame')} of {users}.",
        f"It runs {runs}.",
        _line(block, measured),
    ]
    times = board_times.picture(data, block, key)
    injected = injected_faults.table(block)
    return BoardPart(sentences, _table(block, name, measured), times, _wrong(block), injected)


def _line(block: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return a sentence on what the line is, and whether its bit rate can be compared with."""
    port, kind = (w.plain(str(block.get(key))) for key in ("port", "line"))
    if not w.present(measured.get("line_s")):
        return (
            f"It is at {port}, a {kind}: not a serial line with a bit rate, so times on it are not "
            "compared with one."
        )
    words = f"It is at {port}, a {kind} at {w.count(measured.get('baud'))} baud"
    if not _is_paced(measured):
        return (
            f"{words}. The port carried more than this rate allows, so something else sets its "
            "pace, and times on it are not compared with the rate."
        )
    return f"{words}."


def _is_paced(measured: Mapping[str, Any]) -> bool:
    """Whether the line's bit rate can have set its pace: nothing went faster than it allows."""
    needs, took = measured.get("line_s"), measured.get("wall_s")
    return w.present(needs) and w.present(took) and needs <= took


def _table(block: Mapping[str, Any], name: str, measured: Mapping[str, Any]) -> DataTable:
    tiles = part(block, "tiles")
    count = whole(tiles.get("encoded"))
    encode = block.get("encode_s")
    seconds = float(encode) if w.present(encode) else 0.0
    ratio, goodput = measured.get("time_ratio"), measured.get("goodput_bytes_per_s")
    kind = "modelled" if block.get("time_kind") == _MODELLED else "measured"
    others = (
        ("… with other bytes", "differs"),
        ("… that cannot be decoded", "undecodable"),
        ("Tiles of unfinished frames, unverified", "unverified"),
        ("Tiles refused", "refused"),
    )
    rows = [
        ("Tiles with equal bytes", f"{w.count(whole(tiles.get('equal')))} of {w.count(count)}"),
        *((title, w.count(number)) for title, key in others if (number := whole(tiles.get(key)))),
        (f"Encoding, {kind}", w.duration(seconds)),
        ("… a tile, on average", w.seconds(seconds / count) if count else w.DASH),
        ("… compared with this computer", f"{float(ratio):.3g} ×" if w.present(ratio) else w.DASH),
        ("From first to last tile", w.duration(measured.get("wall_s"))),
    ]
    if _is_paced(measured):
        rows.append(("… which the line needs at least", w.duration(measured.get("line_s"))))
    rows += [
        ("Payload goodput", f"{w.size(goodput)}/s" if w.present(goodput) else w.DASH),
        ("Chunks sent again", w.count(measured.get("chunks_sent_again"))),
        ("Time-outs", w.count(measured.get("timeouts"))),
        ("Damaged frames from the board", w.count(measured.get("damaged_frames"))),
        ("Undamaged frames that were late or strange", w.count(measured.get("strange_frames"))),
        ("Sessions lost", w.count(measured.get("sessions_lost"))),
        ("Restarts of the board", w.count(measured.get("board_restarts"))),
    ]
    if resets := whole(measured.get("board_resets")):
        rows.append(("Resets by this program", w.count(resets)))
    return DataTable(
        caption=f"Board {name}",
        columns=(("Figure", False), ("Value", True)),
        rows=tuple(rows),
        note="Time on the line is not part of the satellite's time. Every job of the board, with "
        "its ticks, times and repetitions, is in board_tiles.parquet.",
    )


def _wrong(block: Mapping[str, Any]) -> DataTable | None:
    listed = block.get("wrong_tiles")
    found = [
        one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, Mapping)
    ]
    if not found:
        return None
    words = {
        "differs": "other bytes, decodable",
        "undecodable": "other bytes, not decodable",
    }
    tiles = part(block, "tiles")
    more = whole(tiles.get("differs")) + whole(tiles.get("undecodable")) - len(found)
    return DataTable(
        caption="Wrong tiles",
        columns=(("Frame", False), ("Tile", True), ("Payload", False)),
        rows=tuple(
            (
                w.count(one.get("frame")),
                w.count(one.get("tile")),
                words.get(str(one.get("verdict")), "wrong"),
            )
            for one in found
        ),
        note=f"{w.count(more)} more are in board_tiles.parquet." if more > 0 else "",
    )
