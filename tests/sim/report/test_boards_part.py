"""A board in the report: its verdict comes first, its line is what it is, its times are counted."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from downpass.sim.report import ReportData, board_times, render, render_comparison, repeatability
from downpass.sim.report.board_verdict import verdicts
from hypothesis import given
from hypothesis import strategies as st
from report_synthetic import empty, results

PERCENTILES = {"p50": 0.02, "p95": 0.03, "p99": 0.031, "max": 0.5}


def block(**changes: Any) -> dict[str, Any]:
    """Return the block of a board that passed; `measured` and `tiles` are merged."""
    measured = {
        "time_ratio": 1.2, "wall_s": 10.0, "baud": 921_600, "line_s": 4.0,
        "goodput_bytes_per_s": 9e4, "chunks_sent_again": 0, "timeouts": 0, "damaged_frames": 0,
        "strange_frames": 0, "sessions_lost": 0, "sessions_lost_by": {}, "board_restarts": 0,
        "board_resets": 0, "tile_queue_s": PERCENTILES,
    }  # fmt: skip
    tiles = {"encoded": 48, "equal": 48}
    return {
        "port": "/dev/ttyUSB0", "line": "serial port", "name": "b1", "software": "own 1.0",
        "fingerprint": None, "satellites": ["sat-a"], "verdict": "passed", "judged": None,
        "time_kind": "measured on board", "frames": {"asked": 12, "encoded": 12},
        "wrong_tiles": [], "differing_frames": [], "encode_s": 0.96, "tile_encode_s": PERCENTILES,
        "stopped": None,
        **changes,
        "tiles": tiles | changes.get("tiles", {}),
        "measured": measured | changes.get("measured", {}),
    }  # fmt: skip


def run(
    *blocks: dict[str, Any], kind: str = "modelled", times: list[float] | None = None
) -> ReportData:
    """Return a run of a day with these boards, whose tiles took `times` to encode."""
    day = results()
    kinds = pa.array([kind] * day.frames.num_rows, pa.string())
    column = day.frames.schema.get_field_index("encode_time_kind")
    seconds = times or [0.02, 0.03]
    table = pa.table({
        "port": ["/dev/ttyUSB0"] * len(seconds),
        **dict.fromkeys(("encode_s", "queue_s", "upload_s", "on_board_s", "download_s"), seconds),
    })  # fmt: skip
    return replace(
        day,
        summary={**day.summary, "boards": list(blocks)},
        frames=day.frames.set_column(column, "encode_time_kind", kinds),
        board_tiles=table,
    )


def spaced(text: str) -> str:
    return text.replace("\u00a0", " ")


def words(**changes: Any) -> str:
    (found,) = verdicts({"boards": [block(**changes)]})
    return spaced(" ".join((found.headline, *found.details)))


WRONG = {
    "verdict": "failed", "judged": "board",
    "tiles": {"equal": 45, "differs": 1, "undecodable": 2},
    "wrong_tiles": [{"frame": 3, "tile": 2, "verdict": "differs"},
                    {"frame": 4, "tile": 0, "verdict": "undecodable"}],
}  # fmt: skip
STOPPED = {
    "verdict": "failed", "judged": "line", "frames": {"asked": 12, "encoded": 2},
    "stopped": "no board for 60 s: the port has vanished",
    "tiles": {"encoded": 8, "equal": 8, "unverified": 1},
    "measured": {"sessions_lost": 1, "sessions_lost_by": {"line": 1}},
}  # fmt: skip


DISTURBED = {
    "measured": {
        "sessions_lost": 3,
        "sessions_lost_by": {"rebooted": 2, "unknown": 1},
        "board_restarts": 2,
    }
}
SAME = "what this program makes of the same pixels."
VERDICTS: dict[str, tuple[dict[str, Any], str]] = {
    "passed": ({}, f"Board b1 passed. Byte for byte, all 48 tiles of 12 frames are {SAME}"),
    "disturbed": (
        DISTURBED,
        (
            "Board b1 passed, but not without disturbance. Byte for byte, all 48 tiles of 12 "
            f"frames are {SAME} 3 sessions with it were lost (2 rebooted, 1 cause not known) and "
            "it started anew twice. What was under way was sent again."
        ),
    ),
    "wrong": (
        WRONG,
        (
            "Board b1 FAILED (judged: board). 3 of 48 tiles are wrong: encoded otherwise than "
            "this program does, although their payloads arrived with a right CRC-32. 2 cannot be "
            "decoded, 1 can. Wrong are frame 3 tile 2 (other bytes), frame 4 tile 0 (not "
            "decodable) and 1 more. A codec is exact: this is an error of the board."
        ),
    ),
    "stopped": (
        STOPPED,
        (
            "Board b1 FAILED (judged: line). It stopped after 2 of 12 frames: no board for 60 s: "
            "the port has vanished. 10 frames were not encoded and stayed on board; what was "
            "finished before was kept. 1 tile of unfinished frames is unverified. What it "
            f"finished, 8 tiles, is byte for byte {SAME} 1 session with it was lost (line)."
        ),
    ),
    "nothing asked": (
        {"verdict": "unverified", "frames": {"asked": 0, "encoded": 0}},
        "Board b1 is unverified. The run gave it no frame to encode.",
    ),
}


@pytest.mark.parametrize(("changes", "text"), VERDICTS.values(), ids=VERDICTS)
def test_the_verdict_in_words(changes: dict[str, Any], text: str) -> None:
    assert words(**changes) == text


def test_silence_is_nobody_s_fault_for_certain() -> None:
    assert words(**STOPPED | {"judged": None}).startswith(
        "Board b1 FAILED (judged: board or line)."
    )


@pytest.mark.parametrize("changes", [WRONG, STOPPED], ids=["wrong", "stopped"])
def test_a_failed_run_looks_failed_at_its_top(changes: dict[str, Any]) -> None:
    page = render(run(block(), block(name="b2", **changes)))
    assert "<title>FAILED: quickstart" in page
    # Before the first sentence about the mission, and the board that failed before the other.
    failed, passed, lead = (page.index(mark) for mark in ("b2 FAILED", "b1 passed", 'class="lead"'))
    assert failed < passed < lead
    compared = render_comparison([run(block(**changes)), results()], ["student:q45", "jpegls:q1"])
    assert "<title>FAILED: quickstart" in compared
    assert compared.index("b1 FAILED") < compared.index('class="lead"')


def test_a_run_that_passed_does_not() -> None:
    assert "FAILED" not in render(run(block()))
    assert 'class="verdict' not in render(results())


def test_boards_of_one_name_are_told_apart_by_their_ports() -> None:
    boards = [block(), block(port="/dev/ttyUSB1", verdict="failed"), block(name=" ", port="/dev/x")]
    assert [one.headline for one in verdicts({"boards": boards})] == [
        "Board b1 at /dev/ttyUSB1 FAILED (judged: board or line).",
        "Board b1 at /dev/ttyUSB0 passed.",
        "Board without a name passed.",
    ]


def test_what_a_board_says_does_not_act_on_the_page() -> None:
    nasty = "<script>\x1b[2J{{ 7*7 }}"
    lies = block(
        name=nasty, software=nasty, port=nasty, stopped=nasty, verdict="failed",
        wrong_tiles=[{"frame": nasty, "tile": None, "verdict": nasty}, nasty],
        measured={"sessions_lost": 1, "sessions_lost_by": {nasty: 1}},
    )  # fmt: skip
    page = render(run(lies))
    assert "<script>\\x1b" not in page
    assert "\x1b" not in page
    assert page.count("<script>") == 1


@pytest.mark.parametrize(
    ("line", "line_s", "said", "compared"),
    [
        ("serial port", 4.0, "a serial port at 921,600 baud.", True),
        ("serial port of a terminal server", 4.0, "server at 921,600 baud.", True),
        ("serial port", 11.0, "carried more than this rate allows", False),
        ("pseudo-terminal", None, "a pseudo-terminal: not a serial line with a bit rate", False),
        ("TCP connection", None, "a TCP connection: not a serial line with a bit rate", False),
    ],
)
def test_the_line_is_compared_only_with_its_own_rate(
    line: str, line_s: float | None, said: str, compared: bool
) -> None:
    page = spaced(render(run(block(line=line, measured={"line_s": line_s}))))
    assert said in page
    assert ("which the line needs at least" in page) == compared
    assert ("921,600 baud" in page) == (line_s is not None)


REPEATS: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "modelled": ([], "modelled", "The same file and seed give the same results."),
    "emulator": (
        [block(time_kind="modelled")],
        "modelled",
        (
            "The same file, seed and board give the same results, encoding times to within "
            "microseconds; what is measured of the line differs."
        ),
    ),
    "real board": (
        [block()],
        "measured on board",
        "A second run differs where encoding times matter: a board's clock measured them.",
    ),
    "this computer": (
        [],
        "measured on host",
        (
            "The same file, seed and cache of encoded frames give the same results; with another "
            "cache, encoding times are measured again and differ."
        ),
    ),
    "failed": (
        [block(**STOPPED | {"time_kind": "modelled"})],
        "modelled",
        "A second run may differ: board b1 failed.",
    ),
}


@pytest.mark.parametrize(("blocks", "kind", "sentence"), REPEATS.values(), ids=REPEATS)
def test_a_second_run(blocks: list[dict[str, Any]], kind: str, sentence: str) -> None:
    data = run(*blocks, kind=kind)
    assert repeatability.sentence(data) == sentence
    page = render(data)
    assert sentence.replace("'", "&#39;") in page
    same = "The same file and seed give the same results." in page
    assert same == (not blocks and kind == "modelled")


def test_a_histogram_by_hand() -> None:
    """Of 1 to 100 ms and one of 900 ms, p99 is 100 ms, so the axis ends at 114.85 ms."""
    values = np.array([*range(1, 101), 900]) / 1000
    found = board_times.histogram("x", values)
    assert found is not None
    assert found.marks_s == {"p50": 0.051, "p95": 0.096, "p99": 0.1}
    assert (found.edges_s[0], found.edges_s[-1]) == pytest.approx((0.001, 0.1 + 0.15 * 0.099))
    assert (found.counts.sum(), found.beyond, found.most_s) == (100, 1, 0.9)
    assert "1 longer, up to 900 ms" in spaced(render(run(block(), times=values.tolist())))


def test_times_that_are_all_alike_make_one_bar_in_the_middle() -> None:
    found = board_times.histogram("x", np.full(50, 0.0245))
    assert found is not None
    assert found.counts.max() == 50
    assert np.argmax(found.counts) == len(found.counts) // 2


def test_no_tile_is_no_picture() -> None:
    assert board_times.histogram("x", np.array([np.nan])) is None
    data = run(block(port="/dev/other"))
    assert board_times.picture(data, block(port="/dev/other"), "times1") is None
    assert "board_tiles.parquet" in render(data)
    assert "board_tiles.parquet" not in render(empty())


@given(st.lists(st.floats(0, 1e4) | st.just(float("nan")), min_size=1, max_size=60))
def test_every_time_is_counted_once(values: list[float]) -> None:
    found = board_times.histogram("x", np.array(values))
    known = [value for value in values if value == value]
    if found is None:
        assert not known
        return
    assert found.counts.sum() + found.beyond == len(known)
    assert list(found.marks_s.values()) == sorted(found.marks_s.values())
    assert all(mark in known for mark in found.marks_s.values())


def test_the_picture_does_not_grow_with_the_run() -> None:
    few, many = (
        len(render(run(block(), times=np.linspace(0.01, 0.02, count).tolist())))
        for count in (8_000, 100_000)  # both too long for a download inside the page
    )
    assert abs(many - few) < 2000


def test_percentiles_stand_in_the_table() -> None:
    page = spaced(render(run(block())))
    row = re.search(r'<th scope="row">Waiting for the line</th>(.*?)</tr>', page)
    assert row is not None
    assert re.findall(r">([^<]+)</td>", row[1]) == ["20 ms", "30 ms", "31 ms", "500 ms"]
