"""Report on the boards of a run: their blocks of summary.json, and their faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...link.container.header import CODECS, NO_MODEL
from ..board.loop import BoardFigures
from ..scenario.scenario import Scenario
from .injected_faults import in_words, injected, injected_by_line, on_purpose, wrong_on_purpose


def block(figures: BoardFigures, scenario: Scenario) -> dict[str, Any]:
    """Return a board's block.

    Values under `measured` differ from run to run. All others follow from the scenario and the
    board if the board's times are modelled.
    """
    own, counts = figures.own, figures.counts
    return {
        "port": figures.port,
        "name": own.name,
        "software": own.software,
        "codec": CODECS.get(own.codec),
        "fingerprint": None if own.fingerprint == NO_MODEL else own.fingerprint.hex(),
        "satellites": [s.name for s in scenario.satellites if s.encoder.port == figures.port],
        "time_kind": "modelled" if figures.modelled else "measured on board",
        "frames": {"asked": figures.asked, "encoded": figures.frames},
        "tiles": {"encoded": figures.tiles, "equal": figures.equal_tiles},
        "differing_frames": list(figures.differing),
        "encode_s": round(figures.encode_s, 6),
        "stopped": figures.stopped or None,
        "injected": injected(figures.injected),
        "measured": {
            "injected": injected_by_line(figures.injected),
            "host_encode_s": round(figures.host_s, 6),
            "time_ratio": _ratio(figures.encode_s, figures.host_s),
            "wall_s": round(figures.wall_s, 3),
            "baud": figures.baud,
            "line_s": round(figures.line_s, 3),
            "raw_bytes": figures.raw_bytes,
            "coded_bytes": figures.coded_bytes,
            "goodput_bytes_per_s": _ratio(figures.raw_bytes, figures.wall_s),
            "bytes_sent": counts.bytes_sent,
            "bytes_received": counts.bytes_received,
            "chunks_sent_again": counts.chunks_repeated,
            "timeouts": counts.timeouts,
            "sessions_lost": counts.sessions_lost,
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
        index = next(i for i, s in enumerate(scenario.satellites) if s.encoder.port == figures.port)
        place = scenario.source.place_of(f"satellites.{index}.encoder.port")
        start = f"{place}: board {figures.own.name} on {figures.port}"
        if wrong := figures.tiles - figures.equal_tiles:
            named = ", ".join(figures.differing)
            lines.append(
                f"{start}: {wrong} of {figures.tiles} tiles differ from this program's, in {named}"
                + wrong_on_purpose(figures.injected, wrong)
            )
        elif figures.differing:
            lines.append(f"{start}: other containers than this program's, in {figures.differing}")
        if figures.stopped:
            lines.append(
                f"{start}: {figures.stopped}; {figures.frames} of {figures.asked} frames were "
                "encoded before, and are kept" + on_purpose(figures.injected)
            )
    return lines


def warnings(boards: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each board whose sessions were lost, although it has encoded everything.

    Args:
        boards: The boards' blocks of the summary.
    """
    for board in boards:
        measured = board["measured"]
        lost, restarts = measured["sessions_lost"], measured["board_restarts"]
        if board["stopped"] or not (lost or restarts):
            continue
        resets = measured["board_resets"]
        words = in_words(board["injected"], measured["injected"])
        yield (
            f"warning: board {board['name']} on {board['port']}: {lost} sessions were lost and the "
            f"board started anew {restarts} times"
            + (f" ({resets} resets)" if resets else "")
            + (f"; the last: {measured['last_session_lost']}" if lost else "")
            + (f"; injected on purpose: {words}" if words else "")
        )


def _ratio(over: float, under: float) -> float | None:
    return round(over / under, 4) if under else None
