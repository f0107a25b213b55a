"""Whole runs with faults that their scenario injects between this computer and a board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from boards_on_ptys import TICK_RATE, board_on_pty
from downpass.link.serial.board import Work
from downpass.link.serial.constants import Status
from downpass.sim.frames.content_cache import ContentCache
from downpass.sim.results.results import Results
from downpass.sim.run import run as run_scenario
from downpass.sim.scenario import load_scenario
from small_scenarios import Said, downpass, pixels, satellite, scenario, write, write_scene

ROOT = Path(__file__).parents[2]
TILE_BYTES = 32 * 32 * 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scene(tmp_path / "scene.tif", pixels())
    return tmp_path


def with_faults(folder: Path, port: str, **faults: Any) -> Path:
    """Write a scenario of one satellite with a board and faults in front of it."""
    one = satellite(
        imager=satellite()["imager"] | {"bands": [1, 2, 3]},
        codec={"name": "student", "quality": 40, "tile": 32},
        encoder={
            "backend": "board",
            "port": port,
            "give_up_after": "10 s",
            "faults": {"seed": 3} | faults,
        },
    )
    return write(folder, scenario(satellites=[one]))


def flown(path: Path, *overrides: str) -> Results:
    """Run a scenario without its report."""
    return run_scenario(load_scenario(path, overrides), cache=ContentCache(path.parent / "cache"),
                        tradeoff=False)  # fmt: skip


def commanded(path: Path, *more: str | Path) -> tuple[Said, dict[str, Any], str]:
    """Run a scenario from the command line; return its messages, its board's block, its page."""
    out = path.parent / "out"
    said = downpass("run", path, "--out", out, "--cache", path.parent / "cache", "--no-tradeoff",
                    "--no-delivered", "--quiet", *more)  # fmt: skip
    (found,) = json.loads((out / "summary.json").read_text())["boards"]
    return said, found, (out / "report.html").read_text()


def block(results: Results) -> dict[str, Any]:
    """Return the one board's block of the summary."""
    (found,) = results.summary["boards"]
    return dict(found)


def test_faults_of_the_line_change_no_byte_and_are_counted(folder: Path) -> None:
    with board_on_pty() as board:
        path = with_faults(
            folder,
            board.port,
            drop=0.03,
            duplicate=0.03,
            reorder=0.03,
            truncate=0.03,
            garbage=0.03,
            bit_error_rate=1e-5,
            delay="1 ms",
            jitter="1 ms",
            baud=2_000_000,
        )
        results = flown(path)
    assert results.faults == []
    found = block(results)
    assert found["tiles"]["equal"] == found["tiles"]["encoded"] > 0
    by_line = found["measured"]["injected"]
    for name in ("dropped", "duplicated", "reordered", "truncated", "garbage"):
        assert by_line["to_board"][name] + by_line["to_host"][name] > 0, name
    assert found["injected"]["wrong_tiles"] == 0
    assert found["measured"]["baud"] == 921600


def test_interruptions_cost_time_and_sessions_but_no_byte(folder: Path) -> None:
    with board_on_pty() as board:
        path = with_faults(
            folder,
            board.port,
            cut={"tiles": [3], "for": "300 ms"},
            stall={"every": "7 tiles", "for": "200 ms"},
            reboot={"tiles": [5, 11], "for": "200 ms"},
        )
        said, found, page = commanded(path)
    tiles = found["tiles"]["encoded"]
    assert found["tiles"]["equal"] == tiles > 11
    assert found["injected"] == {
        "cuts": 1,
        "stalls": tiles // 7,
        "reboots": 2,
        "wrong_tiles": 0,
        "noticed_wrong_tiles": 0,
        "refused_tiles": 0,
        "slow": 1.0,
    }
    assert found["measured"]["board_restarts"] == found["measured"]["sessions_lost"] == 2
    assert said.status == 0
    (warning,) = said.err.splitlines()
    assert warning.endswith(f"; injected on purpose: 1 cut, {tiles // 7} stalls, 2 reboots")
    assert "Faults were injected into its line on purpose" in page
    assert "restarts that were noticed" in page


def test_a_wrong_result_is_noticed_and_told_as_injected(folder: Path) -> None:
    with board_on_pty() as board:
        said, found, page = commanded(with_faults(folder, board.port, wrong={"tiles": [2, 7]}))
    total = found["tiles"]["encoded"]
    assert said.status == 1
    assert found["tiles"]["equal"] == total - 2
    assert found["injected"]["wrong_tiles"] == found["injected"]["noticed_wrong_tiles"] == 2
    assert found["differing_frames"] == ["frame 0", "frame 1"]
    (line,) = said.err.splitlines()
    assert f" FAILED (injected): 2 of {total} tiles are wrong: frame 0 tile 1 " in line
    assert line.endswith("; injected faults made all of them wrong")
    assert "which tells nothing against the board" in page
    assert "FAILED (judged: injected on purpose)" in page
    assert found["judged"] == "injected"
    assert [one["injected"] for one in found["wrong_tiles"]] == [True, True]


def test_a_boards_own_fault_is_not_taken_for_an_injected_one(folder: Path) -> None:
    def slip(work: Work, payload: bytes) -> tuple[Status, bytes]:
        wrong = bytes([payload[0], payload[1] ^ 1]) + payload[2:]
        return Status.CODED, wrong if work.job in (2, 9) else payload

    with board_on_pty(make=slip) as board:
        said, found, page = commanded(with_faults(folder, board.port, wrong={"tiles": [6]}))
    assert found["injected"]["noticed_wrong_tiles"] == 1
    (line,) = said.err.splitlines()
    assert f" FAILED (board): 3 of {found['tiles']['encoded']} tiles are wrong: " in line
    assert line.endswith("; injected faults made 1 of them wrong")
    assert "made 1 of them so, on purpose; the other 2\N{NO-BREAK SPACE}tiles are errors" in page
    assert found["judged"] == "board"
    assert [one["injected"] for one in found["wrong_tiles"]].count(True) == 1


def test_a_refused_tile_ends_the_boards_work(folder: Path) -> None:
    with board_on_pty() as board:
        results = flown(with_faults(folder, board.port, refuse={"tiles": [6]}))
    (line,) = results.faults
    assert " FAILED (injected): tile 1 of frame 1: the board's encoder: refused by an " in line
    assert line.endswith("; injected on purpose: 1 refused tile")
    assert block(results)["tiles"]["encoded"] == block(results)["tiles"]["equal"] == 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [("cut", "1 cut"), ("stall", "1 stall"), ("reboot", "1 reboot")],
    ids=["cut", "stall", "reboot"],
)
def test_an_interruption_beyond_patience_ends_the_boards_work(
    folder: Path, fault: str, words: str
) -> None:
    """What was injected is still in force when the board is given up, so it is the cause."""
    with board_on_pty() as board:
        path = with_faults(folder, board.port, **{fault: {"tiles": [6], "for": "1 min"}})
        results = flown(path, "satellites.0.encoder.give_up_after=1 s")
    (line,) = results.faults
    assert " FAILED (injected): no board for 1 s: it answers none of 20 PING" in line
    assert line.endswith(f"; injected on purpose: {words}")
    assert block(results)["judged"] == "injected"


def test_a_board_that_hangs_after_an_injected_cut_is_to_blame(folder: Path) -> None:
    with board_on_pty(hangs_after=9) as board:
        path = with_faults(folder, board.port, cut={"tiles": [2], "for": "0.2 s"})
        results = flown(path, "satellites.0.encoder.give_up_after=1 s")
    (line,) = results.faults
    assert " FAILED (board): no board for 1 s: it opens no session, although it answers " in line
    assert block(results)["judged"] == "board"


def test_a_slow_board_takes_longer_in_the_simulation(folder: Path) -> None:
    with board_on_pty() as board:
        results = flown(with_faults(folder, board.port, slow=2.5))
    assert results.faults == []
    found = block(results)
    assert found["encode_s"] == len(board.seen) * 2.5 * TILE_BYTES / TICK_RATE
    for frame in results.frames.to_pylist():
        took = round((frame["encode_end_s"] - frame["encode_start_s"]) * 1e6)
        assert took == 4 * 2.5 * TILE_BYTES


def test_the_same_seed_gives_the_same_run_and_another_another(folder: Path) -> None:
    faults = {
        "drop": 0.02,
        "wrong": {"share": 0.3},
        "stall": {"share": 0.2, "for": "20 ms"},
        "reboot": {"share": 0.1, "for": "20 ms"},
    }
    with board_on_pty() as board:
        path = with_faults(folder, board.port, **faults)
        runs = [flown(path), flown(path), flown(path, "satellites.0.encoder.faults.seed=4")]
    for one in runs:
        one.summary["boards"][0].pop("measured")
    first, second, other = runs
    assert first.summary == second.summary
    for name in ("events", "frames", "passes"):
        assert getattr(first, name).equals(getattr(second, name))
    assert block(first)["injected"]["wrong_tiles"] > 0
    assert block(first)["differing_frames"] != block(other)["differing_frames"] or (
        block(first)["injected"] != block(other)["injected"]
    )


def test_by_default_the_seed_is_the_scenarios(folder: Path) -> None:
    with board_on_pty() as board:
        path = with_faults(folder, board.port, seed=None, wrong={"share": 0.5})
        found = [block(flown(path, f"seed={seed}")) for seed in (1, 1, 2)]
    wrong = [one["injected"]["wrong_tiles"] for one in found]
    assert wrong[0] == wrong[1]
    assert found[0]["tiles"]["equal"] == found[0]["tiles"]["encoded"] - wrong[0]


def test_a_reboot_by_the_hook_runs_it_and_the_trace_notes_it(folder: Path) -> None:
    trace, ran = folder / "line.pcapng", folder / "ran"
    hook = f"/bin/sh -c 'echo once >> {ran}'"
    with board_on_pty() as board:
        path = with_faults(folder, board.port, reboot={"tiles": [4], "for": "100 ms"})
        said, found, _ = commanded(path, "--reset-board", hook, "--trace", trace)
    assert said.status == 0
    assert ran.read_text() == "once\n"
    # This board ignores the hook, so it has not started anew.
    assert found["injected"]["reboots"] == 1
    assert found["measured"]["board_restarts"] == 0
    assert found["tiles"]["equal"] == found["tiles"]["encoded"]
    events = downpass("board", "trace", trace).out
    assert "injected: the board reboots in 0.1 s at tile 4" in events


def test_cuts_at_moments_are_counted_apart(folder: Path) -> None:
    with board_on_pty() as board:
        path = with_faults(folder, board.port, cut={"at": [0, "400 ms"], "for": "100 ms"},
                           delay="30 ms")  # fmt: skip
        found = block(flown(path))
    assert found["tiles"]["equal"] == found["tiles"]["encoded"]
    assert found["injected"]["cuts"] == 0
    assert found["measured"]["injected"]["timed_cuts"] >= 1


def test_satellites_that_share_a_board_share_its_faults(folder: Path) -> None:
    pair = [
        satellite(
            name=name,
            orbit=satellite()["orbit"] | {"anomaly": anomaly},
            codec={"name": "student", "quality": 30, "tile": 32},
            encoder={"backend": "board", "port": "/dev/ttyNO", "faults": {"drop": drop}},
        )
        for name, anomaly, drop in (("a", "0 deg", 0.1), ("b", "180 deg", 0.2))
    ]
    said = downpass("run", write(folder, scenario(satellites=pair)), "--out", folder / "out")
    assert said.status == 2
    assert "chunk or faults; allowed: the same for all satellites that share a board" in said.err


def test_a_sweep_over_faults(folder: Path) -> None:
    with board_on_pty() as board:
        path = with_faults(folder, board.port, wrong={"tiles": [2]})
        out = folder / "sweep"
        said = downpass("sweep", path, "--out", out, "--cache", folder / "cache",
                        "--over", "satellites.0.encoder.faults.drop=0,0.05")  # fmt: skip
    assert said.status == 0, said.err
    rows = pq.read_table(out / "sweep.parquet").to_pylist()
    assert [row["error"] for row in rows] == [None] * 2
    assert [row["boards.wrong_tiles"] for row in rows] == [1] * 2
    assert [row["boards.unfinished_frames"] for row in rows] == [0] * 2
    none, some = (row["boards.0.measured.injected.to_board.dropped"] for row in rows)
    assert none == 0 < some
    for word in ("Wrong", "tiles", "Sent", "again", "Board", "time"):  # heads may be on two lines
        assert word in said.out
    assert "Wrong tiles" in (out / "sweep.html").read_text()


def test_the_shipped_campaign_and_its_sweep(tmp_path: Path) -> None:
    """One cell of each rate of lost frames, on the Linux agent in a process of its own."""
    said = downpass(
        "sweep", ROOT / "scenarios" / "hil-faults.yaml", "--out", tmp_path / "out",
        "--cache", tmp_path / "cache", "--no-quality",
        "--over", "satellites.0.encoder.faults.bit_error_rate=0",
    )  # fmt: skip
    assert said.status == 0, said.err
    rows = pq.read_table(tmp_path / "out" / "sweep.parquet").to_pylist()
    assert [row["over.satellites.0.encoder.faults.drop"] for row in rows] == [0, 0.05]
    for row in rows:
        assert row["error"] is None
        assert row["boards.unfinished_frames"] == 0
        assert row["boards.wrong_tiles"] == row["boards.0.injected.noticed_wrong_tiles"] == 1
        assert row["boards.0.injected.stalls"] >= 1
