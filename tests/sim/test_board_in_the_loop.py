"""Whole runs whose frames a board encodes: its bytes fly, its times count, its faults show."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boards_on_ptys import TICK_RATE, board_on_pty
from cobs import cobs
from downpass.link.serial.board import Work
from downpass.link.serial.constants import Kind, Status
from downpass.link.serial.faults.faulty_line import Faults
from downpass.link.serial.faults.line_proxy import LineProxy
from downpass.link.serial.framing import DELIMITER
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
    assert found["tiles"] == {"encoded": len(board.seen), "equal": len(board.seen)}
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
    assert f": satellites.0.encoder.port: board pty on {board.port}: 1 of {total} tiles" in line
    assert line.endswith(f"differ from this program's, in {found['differing_frames'][0]}")
    assert "Error." in (out / "report.html").read_text()


def test_a_board_that_stays_away_costs_what_was_not_finished(folder: Path) -> None:
    with board_on_pty(silent_after=9) as board:
        results = flown(in_loop(folder, board.port))
    (line,) = results.faults
    found = block(results)
    assert found["frames"]["encoded"] == 2
    assert f"2 of {found['frames']['asked']} frames were encoded before, and are kept" in line
    assert "no board for 2 s" in line
    total = results.summary["total"]
    assert total["frames"]["delivered"] >= 1
    assert total["frames"]["queued"] > 0
    assert found["tiles"]["equal"] == found["tiles"]["encoded"] == 8


def test_a_tile_that_the_board_cannot_encode_ends_its_work(folder: Path) -> None:
    def fail(work: Work, payload: bytes) -> tuple[Status, bytes]:
        return (Status.FAILED, b"out of luck") if work.job == 5 else (Status.CODED, payload)

    with board_on_pty(make=fail) as board:
        (line,) = flown(in_loop(folder, board.port)).faults
    assert "the board's encoder: out of luck; 1 of" in line


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
        (lambda payload: b"", "tiles differ from this program's"),
        (lambda payload: bytes(3000), "tiles differ from this program's"),
        (lambda payload: payload[:-1], "tiles differ from this program's"),
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
    assert warning.startswith(f"warning: board pty on {line.address}: 1 sessions were lost and the "
                              "board started anew 0 times; the last: ")  # fmt: skip
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
