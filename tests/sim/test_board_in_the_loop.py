"""Whole runs whose frames a board encodes: its bytes fly, its times count, its faults show."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from boards_on_ptys import TICK_RATE, board_on_pty
from cobs import cobs
from downpass.link.serial.board import Work
from downpass.link.serial.constants import Kind, Status
from downpass.link.serial.faults.faulty_line import Faults
from downpass.link.serial.faults.line_proxy import LineProxy
from downpass.link.serial.framing import DELIMITER
from downpass.sim.board.loop import BoardLoop
from downpass.sim.frames.content_cache import ContentCache
from downpass.sim.results.results import Results
from downpass.sim.run import run as run_scenario
from downpass.sim.scenario import load_scenario
from small_scenarios import Said, downpass, pixels, satellite, scenario, write, write_scene

TILE_BYTES = 32 * 32 * 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scene(tmp_path / "scene.tif", pixels())
    return tmp_path


def in_loop(folder: Path, port: str) -> Path:
    """Write a scenario of one satellite with a board."""
    one = satellite(
        imager=satellite()["imager"] | {"bands": [1, 2, 3]},
        codec={"name": "student", "quality": 40, "tile": 32},
        encoder={"backend": "board", "port": port, "give_up_after": "2 s"},
    )
    return write(folder, scenario(satellites=[one]))


def flown(path: Path) -> Results:
    """Run a scenario without its report."""
    return run_scenario(load_scenario(path), cache=ContentCache(path.parent / "cache"),
                        tradeoff=False)  # fmt: skip


def commanded(path: Path, *more: str | Path) -> tuple[Said, Path]:
    """Run a scenario from the command line."""
    out = path.parent / "out"
    said = downpass("run", path, "--out", out, "--cache", path.parent / "cache",
                    "--no-tradeoff", "--no-delivered", *(more or ["--quiet"]))  # fmt: skip
    return said, out


def text_of(out: Path) -> str:
    """Return the report without no-break spaces and without marks of emphasis."""
    page = (out / "report.html").read_text().replace("\u00a0", " ")
    return page.replace("</strong>", "")


def listed(out: Path) -> list[dict[str, Any]]:
    """Return the rows of board_tiles.parquet."""
    return list(pq.read_table(out / "board_tiles.parquet").to_pylist())


def block(results: Results) -> dict[str, Any]:
    """Return the one board's block of the summary."""
    (found,) = results.summary["boards"]
    return dict(found)


def test_its_bytes_fly_and_its_times_count(folder: Path) -> None:
    with board_on_pty() as board:
        results = flown(in_loop(folder, board.port))
    assert results.faults == []
    found, frames = block(results), results.frames.to_pylist()
    assert len(frames) > 4
    assert found["frames"]["asked"] == found["frames"]["encoded"] <= len(frames)
    assert found["verdict"] == "passed"
    assert found["judged"] is None
    tiles = {name: count for name, count in found["tiles"].items() if count}
    assert tiles == {"encoded": len(board.seen), "equal": len(board.seen)}
    assert found["time_kind"] == results.summary["total"]["encode_time_kind"] == "modelled"
    assert found["encode_s"] == len(board.seen) * TILE_BYTES / TICK_RATE
    for frame in frames:
        # Four tiles, a tick a byte: not the line's time, nor the processor's rate.
        assert frame["encode_time_kind"] == "modelled"
        took = round((frame["encode_end_s"] - frame["encode_start_s"]) * 1e6)
        assert took == 4 * TILE_BYTES
        assert frame["psnr_db"] is None or frame["psnr_db"] > 25


def test_a_board_changes_nothing_but_the_times(folder: Path) -> None:
    with board_on_pty() as board:
        by_board = flown(in_loop(folder, board.port)).frames.to_pylist()
    one = satellite(
        imager=satellite()["imager"] | {"bands": [1, 2, 3]},
        codec={"name": "student", "quality": 40, "tile": 32},
        processor={"profile": "zynq-7020", "encode_rate": {"student": "1 Mpx/s"}},
    )
    plain = flown(write(folder, scenario(satellites=[one]))).frames.to_pylist()
    for key in ("frame", "encoded_bytes", "psnr_db", "ms_ssim"):
        assert [row[key] for row in by_board] == [row[key] for row in plain]


def test_the_same_twice_and_the_cache_hides_no_board(folder: Path) -> None:
    with board_on_pty() as board:
        first = flown(in_loop(folder, board.port))
        seen = len(board.seen)
        second = flown(in_loop(folder, board.port))
        assert len(board.seen) == 2 * seen
    for one in (first, second):
        one.summary["boards"][0].pop("measured")
    assert first.summary == second.summary
    for name in ("events", "frames", "passes"):
        assert getattr(first, name).equals(getattr(second, name))


def test_a_still_codec_on_a_board(folder: Path) -> None:
    with board_on_pty("jpeg2000") as board:
        path = write(folder, scenario(satellites=[satellite(
            codec={"name": "jpeg2000", "quality": 55.5, "tile": 32},
            encoder={"backend": "board", "port": board.port},
        )]))  # fmt: skip
        results = flown(path)
    assert results.faults == []
    found = block(results)
    assert found["tiles"]["equal"] == found["tiles"]["encoded"] == len(board.seen) > 0


def test_two_satellites_share_a_board(folder: Path) -> None:
    with board_on_pty() as board:
        pair = [
            satellite(
                name=name,
                orbit=satellite()["orbit"] | {"anomaly": anomaly},
                codec={"name": "student", "quality": quality, "tile": 32},
                encoder={"backend": "board", "port": board.port},
            )
            for name, anomaly, quality in (("a", "0 deg", 30), ("b", "180 deg", 60))
        ]
        path = write(folder, scenario(satellites=pair))
        results = flown(path)
    assert results.faults == []
    found = block(results)
    assert found["satellites"] == ["a", "b"]
    assert found["tiles"]["equal"] == found["tiles"]["encoded"]
    assert {work.form.setting for work in board.seen} == {77, 154}


def test_a_bad_line_changes_no_byte(folder: Path) -> None:
    bad = Faults(drop=0.03, duplicate=0.03, truncate=0.03, garbage=0.03, flip_bit=1e-5)
    with board_on_pty() as board, LineProxy(board.port, seed=2, baud=921600, faults=bad) as line:
        results = flown(in_loop(folder, line.address))
    assert results.faults == []
    found = block(results)
    assert found["tiles"]["equal"] == found["tiles"]["encoded"] > 0
    assert line.down.counts.total + line.up.counts.total > 0
    assert (found["verdict"], found["line"]) == ("passed", "TCP connection")
    assert found["measured"]["line_s"] is None
    assert results.board_tiles is not None
    again = sum(results.board_tiles.column("chunks_sent_again").to_pylist())
    assert again >= found["measured"]["chunks_sent_again"]


def test_a_difference_is_an_error(folder: Path) -> None:
    def slip(work: Work, payload: bytes) -> tuple[Status, bytes]:
        wrong = bytes([payload[0], payload[1] ^ 1]) + payload[2:]
        return Status.CODED, wrong if work.job == 2 else payload

    with board_on_pty(make=slip) as board:
        said, out = commanded(in_loop(folder, board.port))
    (found,) = json.loads((out / "summary.json").read_text())["boards"]
    total = found["tiles"]["encoded"]
    assert said.status == 1
    assert found["tiles"]["equal"] == total - 1
    (line,) = said.err.splitlines()
    (wrong,) = found["wrong_tiles"]
    assert (found["verdict"], found["judged"]) == ("failed", "board")
    assert found["differing_frames"] == [f"frame {wrong['frame']}"]
    assert wrong["tile"] == 2
    start = f": satellites.0.encoder.port: board pty on {board.port} FAILED (board): "
    assert f"{start}1 of {total} tiles is wrong: frame {wrong['frame']} tile 2 " in line
    page = text_of(out)
    assert "<title>FAILED: " in page
    assert page.index("Board pty FAILED (judged: board). 1 of") < page.index('class="lead"')
    assert "A second run may differ: board pty failed." in page


def test_a_board_that_stays_away_costs_what_was_not_finished(folder: Path) -> None:
    with board_on_pty(silent_after=9) as board:
        results = flown(in_loop(folder, board.port))
    (line,) = results.faults
    found = block(results)
    assert found["frames"]["encoded"] == 2
    assert f"2 of {found['frames']['asked']} frames were encoded before, and are kept" in line
    assert "no board for 2 s: it answers none of 20 PING: it hangs, or the line is cut" in line
    assert "pty on " in line
    assert "FAILED (board or line): " in line
    assert (found["verdict"], found["judged"]) == ("failed", None)
    total = results.summary["total"]
    assert total["frames"]["delivered"] >= 1
    assert total["frames"]["queued"] > 0
    assert found["tiles"]["equal"] == found["tiles"]["encoded"] == 8


def test_a_board_that_answers_nothing_but_ping_is_to_blame(folder: Path) -> None:
    with board_on_pty(hangs_after=9) as board:
        said, out = commanded(in_loop(folder, board.port))
    assert said.status == 1
    (found,) = json.loads((out / "summary.json").read_text())["boards"]
    assert (found["verdict"], found["judged"]) == ("failed", "board")
    assert found["measured"]["sessions_lost_by"] == {
        "board": 1, "line": 0, "rebooted": 0, "unknown": 0,
    }  # fmt: skip
    words = "no board for 2 s: it opens no session, although it answers 20 of 20 PING"
    assert f"FAILED (board): {words}; 2 of " in said.err
    assert words in found["stopped"]
    assert "Board pty FAILED (judged: board). It stopped after 2 of" in text_of(out)


@pytest.mark.parametrize(
    ("carried", "judged"), [(0, None), (4, "line")], ids=["cut", "losing most"]
)
def test_a_line_that_fails_is_told_from_a_board_that_hangs(
    folder: Path, carried: int, judged: str | None
) -> None:
    with board_on_pty() as board:
        pongs = itertools.count()

        def lossy(frame: bytes) -> list[bytes]:
            """From the tenth frame on, carry every PING, but few of the answers, and no more."""
            kind = kind_of(frame)
            passes = len(board.seen) < 9 or kind == Kind.PING
            if not passes and kind == Kind.PONG:
                passes = next(pongs) < carried
            return [DELIMITER + frame + DELIMITER] if passes else []

        with LineProxy(board.port, to_board=lossy, to_host=lossy) as bad:
            found = block(flown(in_loop(folder, bad.address)))
    assert (found["verdict"], found["judged"]) == ("failed", judged)
    assert "no board for 2 s: it answers " in found["stopped"]
    assert ("none of 20 PING" in found["stopped"]) == (judged is None)


def test_an_emulated_board_that_stands_still_is_to_blame(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line is within this computer, so nothing but the board can be at fault."""
    start, close = BoardLoop.start, BoardLoop.close

    def agents() -> set[int]:
        return {
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if b"downpass.payload.board\0serve" in _read(path) and b"/bin/sh" not in _read(path)
        }

    before = agents()
    mine: set[int] = set()

    def signalled(signal_: int) -> None:
        for number in mine:
            os.kill(number, signal_)

    def stopped(self: BoardLoop, *given: Any) -> None:
        mine.update(agents() - before)
        signalled(signal.SIGSTOP)
        start(self, *given)

    def continued(self: BoardLoop) -> None:
        signalled(signal.SIGCONT)
        close(self)

    monkeypatch.setattr(BoardLoop, "start", stopped)
    monkeypatch.setattr(BoardLoop, "close", continued)
    found = block(flown(in_loop(folder, "emulator:agent:student")))
    assert (found["verdict"], found["judged"]) == ("failed", "board")
    assert found["stopped"].endswith("; the line is within this computer, so it hangs")
    assert found["measured"]["sessions_lost_by"]["board"] == 1


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended
        return b""


def test_a_tile_that_the_board_cannot_encode_ends_its_work(folder: Path) -> None:
    def fail(work: Work, payload: bytes) -> tuple[Status, bytes]:
        return (Status.FAILED, b"out of luck") if work.job == 5 else (Status.CODED, payload)

    with board_on_pty(make=fail) as board:
        (line,) = flown(in_loop(folder, board.port)).faults
    assert "the board's encoder: out of luck; 1 of" in line
    assert "FAILED (board): tile 1 of frame " in line


def test_what_a_board_says_does_not_act(folder: Path) -> None:
    def fail(_work: Work, _payload: bytes) -> tuple[Status, bytes]:
        return Status.FAILED, "\x1b[2Jall\u202e is\u2066 \x9bwell\nok".encode()

    with board_on_pty(make=fail) as board:
        said, out = commanded(in_loop(folder, board.port))
    page = (out / "report.html").read_text()
    assert said.status == 1
    assert said.err.count("\n") == 1
    assert not {"\x1b", "\x9b", "\u202e", "\u2066"} & {*said.err, *page}
    assert "all" in said.err


@pytest.mark.parametrize(
    ("lie", "fault"),
    [
        (lambda payload: b"", "tiles are wrong: frame 0 tile 0 "),
        (lambda payload: bytes(3000), "tiles are wrong: frame 0 tile 0 "),
        (lambda payload: payload[:-1], "tiles are wrong: frame 0 tile 0 "),
        (lambda payload: payload + bytes(12_000), "or a larger one than it can"),
    ],
    ids=["nothing", "zeros", "cut", "beyond what the tile can become"],
)
def test_a_lie_for_a_payload_ends_in_one_line(
    folder: Path, lie: Callable[[bytes], bytes], fault: str
) -> None:
    def told(work: Work, payload: bytes) -> tuple[Status, bytes]:
        return Status.CODED, lie(payload)

    with board_on_pty(make=told) as board:
        said, _ = commanded(in_loop(folder, board.port))
    assert said.status == 1
    (line,) = said.err.splitlines()
    assert fault in line


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"codec": 1}, "codec.name: found student; allowed: jpeg2000, which board pty runs"),
        ({"fingerprint": b"foreign!"}, "encoder.port: found model 666f726569676e21 on board"),
        ({"most_columns": 31}, "codec.tile: found 32; allowed: at most 16 on board pty"),
        ({"largest_tile": 3071}, "codec.tile: found 32; allowed: at most 16 on board pty"),
        ({"features": 32}, "encoder.port: found board pty without rotation, which student needs"),
        ({"most_bands": 1}, "imager.bands: found 3; allowed: at most 1 on board pty"),
    ],
)
def test_what_does_not_suit_is_refused_before_the_run(
    folder: Path, own: dict[str, Any], problem: str
) -> None:
    with board_on_pty(**own) as board:
        said, out = commanded(in_loop(folder, board.port))
        assert board.seen == []
    assert said.status == 2
    (line,) = said.err.splitlines()
    assert line.startswith(f"{folder / 'scenario.yaml'}:")
    assert f": satellites.0.{problem}" in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("port", "problem"),
    [
        ("/dev/ttyNO", "/dev/ttyNO: no such port"),
        ("emulator:abacus", "found emulator:abacus; no emulator has this name; allowed: agent"),
        ("spy://loop://?file=x", "found spy://loop://?file=x; spy:// is no kind of port here"),
        ("loop://", "loop://: no board for 2 s"),
    ],
)
def test_no_board_is_one_line(folder: Path, port: str, problem: str) -> None:
    said, out = commanded(in_loop(folder, port))
    assert said.status == 2
    (line,) = said.err.splitlines()
    assert f"satellites.0.encoder.port: {problem}" in line
    assert not out.exists()


def after_tiles(count: int, act: Callable[[], None]) -> Callable[[bytes], list[bytes]]:
    """Return a hook that acts once, beside the line's threads, after so many results."""
    seen = 0

    def hook(frame: bytes) -> list[bytes]:
        nonlocal seen
        seen += kind_of(frame) == Kind.RESULT
        if seen == count:
            seen += 1
            threading.Thread(target=act).start()
        return [DELIMITER + frame + DELIMITER]

    return hook


def kind_of(frame: bytes) -> int:
    return int(cobs.decode(frame)[0])


def test_a_session_that_is_lost_is_warned_of_at_the_end_and_traced(folder: Path) -> None:
    trace = folder / "line.pcapng"
    with board_on_pty() as board:
        hook = after_tiles(5, lambda: line.disconnect())
        with LineProxy(board.port, to_host=hook) as line:
            path = in_loop(folder, line.address)
            said, out = commanded(path, "--json", "--trace", trace)
    assert said.status == 0
    (warning,) = said.err.splitlines()
    assert warning.startswith(f"warning: board pty on {line.address}: 1 session was lost (line) "
                              "and the board started anew 0 times; the last: ")  # fmt: skip
    (found,) = json.loads((out / "summary.json").read_text())["boards"]
    assert found["tiles"]["equal"] == found["tiles"]["encoded"]
    assert found["measured"]["chunk_bytes"] == 2048
    shown = downpass("board", "trace", trace, "--json").out.splitlines()
    figures = json.loads(shown[-1])
    assert figures["sessions"] == 2
    assert figures["results"] >= found["tiles"]["encoded"]


def test_a_board_that_stays_away_is_reported_while_it_is(folder: Path) -> None:
    with board_on_pty() as board:
        line = LineProxy(board.port, to_host=after_tiles(5, lambda: line.close()))
        path = in_loop(folder, line.address)
        said, _ = commanded(path, "--json", "--set", "satellites.0.encoder.give_up_after=4 s")
    assert said.status == 1
    away, fault = said.err.splitlines()
    assert away.startswith(f"board on {line.address}: away for 2 s (")
    assert away.endswith("; giving up in 2 s")
    assert "the port has vanished" in fault


def test_the_chunk_and_the_time_for_a_tile_are_keys_of_the_scenario(folder: Path) -> None:
    with board_on_pty() as board:
        path = in_loop(folder, board.port)
        said, out = commanded(
            path, "--quiet", "--set", "satellites.0.encoder.chunk=128",
            "--set", "satellites.0.encoder.encode_timeout=10 s",
        )  # fmt: skip
    assert said.status == 0
    (found,) = json.loads((out / "summary.json").read_text())["boards"]
    assert found["measured"]["chunk_bytes"] == 128


def test_every_tile_is_listed_with_its_times(folder: Path) -> None:
    with board_on_pty() as board:
        said, out = commanded(in_loop(folder, board.port), "--json")
    found = json.loads(said.out)["boards"][0]
    rows = listed(out)
    assert len(rows) == len(board.seen) == found["tiles"]["equal"]
    assert [(row["frame"], row["tile"]) for row in rows] == sorted(
        (row["frame"], row["tile"]) for row in rows
    )
    for row, work in zip(rows, board.seen, strict=True):
        assert (row["port"], row["board"], row["part"], row["verdict"]) == (
            board.port, "pty", 0, "equal",
        )  # fmt: skip
        assert row["raw_bytes"] == row["encode_ticks"] == work.form.tile_bytes == TILE_BYTES
        assert row["time_kind"] == "modelled"
        assert row["encode_s"] == TILE_BYTES / TICK_RATE
        assert row["sessions"] == 1
        assert all(row[name] >= 0 for name in ("queue_s", "upload_s", "on_board_s", "download_s"))
    assert set(found["tile_encode_s"].values()) == {TILE_BYTES / TICK_RATE}
    assert sum(row["chunks_sent_again"] for row in rows) == found["measured"]["chunks_sent_again"]
    # A pseudo-terminal has no bit rate, so nothing is compared with one.
    assert (found["line"], found["measured"]["line_s"]) == ("pseudo-terminal", None)
    page = text_of(out)
    assert "a pseudo-terminal: not a serial line with a bit rate" in page
    assert "which the line needs at least" not in page
    assert "board give the same results, encoding times to within microseconds;" in page
    assert f"Board pty passed. Byte for byte, all {len(rows)} tiles" in page


def test_wrong_payloads_are_called_wrong_and_not_lost(folder: Path) -> None:
    """Two faults in one run: other bytes that decode, and bytes that no decoder reads."""
    sound: list[bytes] = []

    def slip(work: Work, payload: bytes) -> tuple[Status, bytes]:
        sound.append(payload)
        if len(sound) == 2:
            return Status.CODED, sound[0]
        return Status.CODED, b"\xff" * 50 if len(sound) == 5 else payload

    with board_on_pty("jpeg2000", make=slip) as board:
        path = write(folder, scenario(satellites=[satellite(
            codec={"name": "jpeg2000", "quality": 55.5, "tile": 32},
            encoder={"backend": "board", "port": board.port},
        )]))  # fmt: skip
        said, out = commanded(path, "--no-delivered")
    assert said.status == 1
    summary = json.loads((out / "summary.json").read_text())
    (found,) = summary["boards"]
    tiles = found["tiles"]
    assert (tiles["differs"], tiles["undecodable"]) == (1, 1)
    rows = listed(out)
    wrong = [
        (row["frame"], row["tile"], row["verdict"], row["injected"])
        for row in rows
        if row["verdict"] != "equal"
    ]
    assert wrong == [tuple(one.values()) for one in found["wrong_tiles"]]
    (first, one, differs, _), (second, other, undecodable, _) = wrong
    assert (one, differs, other, undecodable) == (1, "differs", 0, "undecodable")
    frames = {row["frame"]: row for row in pq.read_table(out / "frames.parquet").to_pylist()}
    assert {number for number, row in frames.items() if row["wrong_tiles"]} >= {first, second}
    assert all(row["lost_tiles"] in (0, None) for row in frames.values())
    for row in frames.values():
        if row["state"] == "delivered":
            assert (row["delivery"] == "wrong") == bool(row["wrong_tiles"])
    delivered = [row for row in frames.values() if row["delivery"] == "wrong"]
    total = summary["total"]
    assert total["frames"]["delivered_wrong"] == len(delivered) > 0
    assert total["graded"]["undecodable_tiles"] == sum(
        row["undecodable_tiles"] for row in delivered
    )
    page = text_of(out)
    lead = page[page.index('class="lead"') :].partition("</p>")[0]
    assert "lost on the way" not in lead
    assert "encoded wrongly by a board" in lead
    assert f"frame {first} tile 1 (other bytes), frame {second} tile 0 (not decodable)" in page
    assert "Wrong: its transfer has ended, but a board" in page
    shown = " ".join(said.out.split())
    assert f"wrong, as a board encoded them {len(delivered)} " in shown


def test_a_board_that_reboots_passes_and_is_said_to(folder: Path) -> None:
    with board_on_pty(reboots_after=(3, 11)) as board:
        said, out = commanded(in_loop(folder, board.port), "--no-delivered")
    assert said.status == 0
    assert board.boots == 3
    (found,) = json.loads((out / "summary.json").read_text())["boards"]
    assert (found["verdict"], found["judged"]) == ("passed", None)
    by = {"board": 0, "line": 0, "rebooted": 2, "unknown": 0}
    assert found["measured"]["sessions_lost_by"] == by
    assert found["tiles"]["equal"] == found["tiles"]["encoded"]
    assert {row["sessions"] for row in listed(out)} >= {1, 2}
    assert "2 sessions were lost (rebooted) and the board started anew 2 times" in said.err
    shown = " ".join(said.out.split())
    assert shown.startswith("Board pty passed, but not without disturbance. ")
    assert "2 sessions with it were lost (rebooted) and it started anew twice." in shown


def test_what_a_stopped_board_had_finished_is_unverified(folder: Path) -> None:
    def fail(work: Work, payload: bytes) -> tuple[Status, bytes]:
        return (Status.FAILED, b"no") if work.job == 6 else (Status.CODED, payload)

    with board_on_pty(make=fail) as board:
        said, out = commanded(in_loop(folder, board.port), "--no-delivered")
    assert said.status == 1
    (found,) = json.loads((out / "summary.json").read_text())["boards"]
    assert (found["tiles"]["equal"], found["tiles"]["refused"]) == (4, 1)
    rows = {(row["frame"], row["tile"]): row for row in listed(out)}
    by_verdict = [row["verdict"] for row in rows.values()]
    assert by_verdict.count("equal") == 4
    assert by_verdict.count("refused") == 1
    assert by_verdict.count("unverified") == found["tiles"]["unverified"] >= 2
    assert "Board pty FAILED (judged: board). It stopped after 1 of" in text_of(out)
    assert " ".join(said.out.split()).startswith("Board pty FAILED (judged: board).")


def test_a_comparison_shows_a_board_s_verdict(folder: Path) -> None:
    def lie(_work: Work, payload: bytes) -> tuple[Status, bytes]:
        return Status.CODED, payload + b"x"

    with board_on_pty(make=lie) as board:
        said = downpass("compare", in_loop(folder, board.port), "--codec", "student:q40",
                        "--out", folder / "out", "--cache", folder / "cache")  # fmt: skip
    assert said.status == 1
    page = (folder / "out" / "comparison.html").read_text().replace("\u00a0", " ")
    assert page.index("Board pty FAILED (judged: board)") < page.index('class="lead"')
    assert (folder / "out" / "student-q40" / "board_tiles.parquet").is_file()
    assert "Board pty FAILED" in " ".join(said.out.split())
