"""Report on the boards of a run: their blocks of summary.json, and their faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from ...link.container.header import CODECS, NO_MODEL
from ...link.serial.blame import Blame
from ..board.figures import BoardFigures, Verdict
from ..board.tile_record import TileVerdict
from ..scenario.scenario import Scenario
from .board_tiles import LINE_TIMES, tile_times
from .injected_faults import in_words, injected, injected_by_line, on_purpose, wrong_on_purpose

_MOST_LISTED: Final = 3
INJECTED: Final = "injected"
"""In place of whose fault a failure is, if injected faults alone made it."""
UNKNOWN: Final = "unknown"
"""Whose fault a lost session was, if that is not known."""


def block(figures: BoardFigures, scenario: Scenario, tiles: pa.Table) -> dict[str, Any]:
    """Return a board's block.

    Values under `measured` differ from run to run. All others follow from the scenario and the
    board if the board's times are modelled.

    Args:
        figures: The board's results.
        scenario: The scenario.
        tiles: Rows of board_tiles.parquet.
    """
    own, counts = figures.own, figures.counts
    return {
        "port": figures.port,
        "line": figures.line.value,
        "name": own.name,
        "software": own.software,
        "codec": CODECS.get(own.codec),
        "fingerprint": None if own.fingerprint == NO_MODEL else own.fingerprint.hex(),
        "satellites": [s.name for s in scenario.satellites if s.encoder.port == figures.port],
        "verdict": figures.verdict.value,
        "judged": INJECTED if figures.is_injected else _value(figures.blame),
        "time_kind": "modelled" if figures.modelled else "measured on board",
        "frames": {"asked": figures.asked, "encoded": figures.frames},
        "tiles": {
            "encoded": figures.compared_tiles,
            **{verdict.value: figures.tiles.get(verdict, 0) for verdict in TileVerdict},
        },
        "wrong_tiles": [
            {
                "frame": one.frame,
                "tile": one.tile,
                "verdict": one.verdict.value,
                "injected": one.injected,
            }
            for one in figures.wrong
        ],
        "differing_frames": list(figures.differing),
        "encode_s": round(figures.encode_s, 6),
        "tile_encode_s": tile_times(tiles, figures.port, "encode_s"),
        "stopped": figures.stopped or None,
        "injected": injected(figures.injected),
        "measured": {
            "injected": injected_by_line(figures.injected),
            "host_encode_s": round(figures.host_s, 6),
            "time_ratio": _ratio(figures.encode_s, figures.host_s),
            "wall_s": round(figures.wall_s, 3),
            "baud": figures.baud,
            "line_s": None if figures.line_s is None else round(figures.line_s, 3),
            **{f"tile_{name}": tile_times(tiles, figures.port, name) for name in LINE_TIMES},
            "raw_bytes": figures.raw_bytes,
            "coded_bytes": figures.coded_bytes,
            "goodput_bytes_per_s": _ratio(figures.raw_bytes, figures.wall_s),
            "bytes_sent": counts.bytes_sent,
            "bytes_received": counts.bytes_received,
            "chunks_sent_again": counts.chunks_repeated,
            "timeouts": counts.timeouts,
            "sessions_lost": counts.sessions_lost,
            "sessions_lost_by": {
                **{blame.value: figures.losses.get(blame, 0) for blame in Blame},
                UNKNOWN: figures.losses.get(None, 0),
            },
            "last_session_lost": figures.lost or None,
            "board_restarts": counts.restarts,
            "board_resets": figures.resets,
            "chunk_bytes": counts.chunk,
            "damaged_frames": figures.bad_frames,
            "strange_frames": counts.strange,
        },
    }


def faults(boards: Sequence[BoardFigures], scenario: Scenario) -> list[str]:
    """Return one line for each fault of a board: bytes that differ, or a board that stopped."""
    lines = []
    for figures in boards:
        if figures.verdict is not Verdict.FAILED:
            continue
        index = next(i for i, s in enumerate(scenario.satellites) if s.encoder.port == figures.port)
        place = scenario.source.place_of(f"satellites.{index}.encoder.port")
        start = f"{place}: board {figures.own.name} on {figures.port} FAILED"
        judged = INJECTED if figures.is_injected else _value(figures.blame) or "board or line"
        if wrong := figures.wrong_tiles:
            lines.append(
                f"{start} ({judged}): {wrong} of {figures.compared_tiles} tiles "
                f"{'is' if wrong == 1 else 'are'} wrong: {_listed(figures)}"
                + wrong_on_purpose(figures.injected, wrong)
            )
        elif figures.differing:
            lines.append(
                f"{start} (board): other containers than this program's, in "
                + ", ".join(figures.differing)
            )
        if figures.stopped:
            if not figures.is_injected:
                judged = _value(figures.stopped_by) or "board or line"
            lines.append(
                f"{start} ({judged}): {figures.stopped}; {figures.frames} of {figures.asked} "
                "frames were encoded before, and are kept" + on_purpose(figures.injected)
            )
    return lines


def _listed(figures: BoardFigures) -> str:
    """Return the first wrong tiles as text."""
    words = {
        TileVerdict.DIFFERS: "has other bytes than this program's",
        TileVerdict.UNDECODABLE: "cannot be decoded",
    }
    listed = [
        f"frame {one.frame} tile {one.tile} {words[one.verdict]}"
        for one in figures.wrong[:_MOST_LISTED]
    ]
    more = figures.wrong_tiles - len(listed)
    return ", ".join(listed) + (f" and {more} more" if more else "")


def warnings(boards: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each board that lost sessions, although it went on to the end.

    Args:
        boards: The boards' blocks of the summary.
    """
    for board in boards:
        measured = board["measured"]
        lost, restarts = measured["sessions_lost"], measured["board_restarts"]
        if board["stopped"] or not (lost or restarts):
            continue
        causes = {name: number for name, number in measured["sessions_lost_by"].items() if number}
        counted = [f"{number} {name}" for name, number in causes.items()]
        by = ", ".join(causes if len(causes) == 1 else counted)
        resets = measured["board_resets"]
        words = in_words(board["injected"], measured["injected"])
        yield (
            f"warning: board {board['name']} on {board['port']}: "
            f"{lost} {'session was' if lost == 1 else 'sessions were'} lost"
            + (f" ({by})" if by else "")
            + f" and the board started anew {restarts} {'time' if restarts == 1 else 'times'}"
            + (f" ({resets} resets)" if resets else "")
            + (f"; the last: {measured['last_session_lost']}" if lost else "")
            + (f"; injected on purpose: {words}" if words else "")
        )


def _value(blame: Blame | None) -> str | None:
    return None if blame is None else blame.value


def _ratio(over: float, under: float) -> float | None:
    return round(over / under, 4) if under else None
