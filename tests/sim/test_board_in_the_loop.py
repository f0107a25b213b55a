"""Whole runs whose frames a board encodes: its bytes fly, its times count, its faults show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from boards_on_ptys import TICK_RATE, board_on_pty
from downpass.link.serial.board import Work
from downpass.link.serial.constants import Status
from downpass.link.serial.faultyline import Faults
from downpass.sim.board.proxy import LineProxy
from small_scenarios import Said, downpass, pixels, satellite, scenario, write, write_scene

BANDS = 3
TILE_BYTES = 32 * 32 * 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scene(tmp_path / "scene.tif", pixels())
    return tmp_path


def flown(
    folder: Path, port: str, out: str = "out", cache: str = "cache", **changes: Any
) -> tuple[Said, Path]:
    """Run a scenario of one satellite with a board."""
    imager = satellite()["imager"] | {"bands": [1, 2, 3]}
    one = satellite(
        imager=imager,
        codec={"name": "student", "quality": 40, "tile": 32},
        encoder={"backend": "board", "port": port, "give_up_after": "2 s"},
        **changes,
    )
    path = write(folder, scenario(satellites=[one]))
    said = downpass("run", path, "--out", folder / out, "--cache", folder / cache,
                    "--no-tradeoff", "--no-delivered", "--quiet")  # fmt: skip
    return said, folder / out


def summary(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return found


def test_its_bytes_fly_and_its_times_count(folder: Path) -> None:
    with board_on_pty() as board:
        said, out = flown(folder, board.port)
    assert (said.status, said.err) == (0, "")
    (found,) = summary(out)["boards"]
    frames = pq.read_table(out / "frames.parquet").to_pylist()
    assert len(frames) > 4
    assert found["frames"]["asked"] == found["frames"]["encoded"] <= len(frames)
    assert found["tiles"] == {"encoded": len(board.seen), "equal": len(board.seen)}
    assert found["time_kind"] == summary(out)["total"]["encode_time_kind"] == "modelled"
    assert found["encode_s"] == len(board.seen) * TILE_BYTES / TICK_RATE
    for frame in frames:
        # Four tiles, a tick a byte: not the line's time, nor the processor's rate.
        assert frame["encode_time_kind"] == "modelled"
        took = round((frame["encode_end_s"] - frame["encode_start_s"]) * 1e6)
        assert took == 4 * TILE_BYTES
        assert frame["psnr_db"] is None or frame["psnr_db"] > 25


def test_a_board_changes_nothing_but_the_times(folder: Path) -> None:
    with board_on_pty() as board:
        _, out = flown(folder, board.port)
    by_board = pq.read_table(out / "frames.parquet").to_pylist()
    one = satellite(
        imager=satellite()["imager"] | {"bands": [1, 2, 3]},
        codec={"name": "student", "quality": 40, "tile": 32},
        processor={"profile": "zynq-7020", "encode_rate": {"student": "1 Mpx/s"}},
    )
    path = write(folder, scenario(satellites=[one]), "plain.yaml")
    assert downpass("run", path, "--out", folder / "plain", "--no-tradeoff", "--quiet").status == 0
    plain = pq.read_table(folder / "plain" / "frames.parquet").to_pylist()
    for key in ("frame", "encoded_bytes", "psnr_db", "ms_ssim"):
        assert [row[key] for row in by_board] == [row[key] for row in plain]


def test_the_same_twice_and_the_cache_hides_no_board(folder: Path) -> None:
    with board_on_pty() as board:
        _, first = flown(folder, board.port, "first")
        seen = len(board.seen)
        _, second = flown(folder, board.port, "second")
        assert len(board.seen) == 2 * seen
    a, b = summary(first), summary(second)
    for one in (a, b):
        one["boards"][0].pop("measured")
    assert a == b
    for name in ("events", "frames", "passes"):
        ours, theirs = (pq.read_table(f / f"{name}.parquet") for f in (first, second))
        assert ours.equals(theirs)


def test_a_still_codec_on_a_board(folder: Path) -> None:
    with board_on_pty("jpeg2000") as board:
        path = write(folder, scenario(satellites=[satellite(
            codec={"name": "jpeg2000", "quality": 55.5, "tile": 32},
            encoder={"backend": "board", "port": board.port},
        )]))  # fmt: skip
        said = downpass("run", path, "--out", folder / "out", "--no-tradeoff", "--quiet")
    assert (said.status, said.err) == (0, "")
    (found,) = summary(folder / "out")["boards"]
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
        said = downpass("run", path, "--out", folder / "out", "--no-tradeoff", "--quiet")
    assert (said.status, said.err) == (0, "")
    (found,) = summary(folder / "out")["boards"]
    assert found["satellites"] == ["a", "b"]
    assert found["tiles"]["equal"] == found["tiles"]["encoded"]
    assert {work.form.setting for work in board.seen} == {77, 154}


def test_a_bad_line_changes_no_byte(folder: Path) -> None:
    bad = Faults(drop=0.03, duplicate=0.03, truncate=0.03, garbage=0.03, flip_bit=1e-5)
    with board_on_pty() as board, LineProxy(board.port, seed=2, baud=921600, faults=bad) as line:
        said, out = flown(folder, line.address)
    assert (said.status, said.err) == (0, "")
    (found,) = summary(out)["boards"]
    assert found["tiles"]["equal"] == found["tiles"]["encoded"] > 0
    assert line.down.counts.total + line.up.counts.total > 0


def test_a_difference_is_an_error(folder: Path) -> None:
    def slip(work: Work, payload: bytes) -> tuple[Status, bytes]:
        wrong = bytes([payload[0], payload[1] ^ 1]) + payload[2:]
        return Status.CODED, wrong if work.job == 2 else payload

    with board_on_pty(make=slip) as board:
        said, out = flown(folder, board.port)
    (found,) = summary(out)["boards"]
    total = found["tiles"]["encoded"]
    assert said.status == 1
    assert found["tiles"]["equal"] == total - 1
    (line,) = said.err.splitlines()
    assert f": satellites.0.encoder.port: board pty on {board.port}: 1 of {total} tiles" in line
    assert line.endswith(f"differ from this program's, in {found['differing_frames'][0]}")
    assert "Error." in (out / "report.html").read_text()


def test_a_board_that_stays_away_costs_what_was_not_finished(folder: Path) -> None:
    with board_on_pty(silent_after=9) as board:
        said, out = flown(folder, board.port)
    assert said.status == 1
    (line,) = said.err.splitlines()
    (found,) = summary(out)["boards"]
    assert found["frames"]["encoded"] == 2
    assert f"2 of {found['frames']['asked']} frames were encoded before, and are kept" in line
    assert "no board for 2 s" in line
    total = summary(out)["total"]
    assert total["frames"]["delivered"] >= 1
    assert total["frames"]["queued"] > 0
    assert found["tiles"]["equal"] == found["tiles"]["encoded"] == 8


def test_a_tile_that_the_board_cannot_encode_ends_its_work(folder: Path) -> None:
    def fail(work: Work, payload: bytes) -> tuple[Status, bytes]:
        return (Status.FAILED, b"out of luck") if work.job == 5 else (Status.CODED, payload)

    with board_on_pty(make=fail) as board:
        said, _ = flown(folder, board.port)
    assert said.status == 1
    (line,) = said.err.splitlines()
    assert "the board's encoder: out of luck; 1 of" in line


@pytest.mark.parametrize(
    ("own", "given", "problem"),
    [
        ({"codec": 1}, {}, "codec.name: found student; allowed: jpeg2000, which board pty runs"),
        ({"fingerprint": b"foreign!"}, {}, "encoder.port: found model 666f726569676e21 on board"),
        ({"most_columns": 31}, {}, "codec.tile: found 32; allowed: at most 16 on board pty"),
        ({"largest_tile": 3071}, {}, "codec.tile: found 32; allowed: at most 16 on board pty"),
        ({"features": 32}, {}, "encoder.port: found board pty without turn, which student needs"),
        ({"most_bands": 1}, {}, "imager.bands: found 3; allowed: at most 1 on board pty"),
    ],
)
def test_what_does_not_suit_is_refused_before_the_run(
    folder: Path, own: dict[str, Any], given: dict[str, Any], problem: str
) -> None:
    with board_on_pty(**own) as board:
        said, out = flown(folder, board.port, **given)
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
        ("emulator:abacus", "emulator 'abacus': there are agent"),
        ("loop://", "loop://: no board for 2 s"),
    ],
)
def test_no_board_is_one_line(folder: Path, port: str, problem: str) -> None:
    said, out = flown(folder, port)
    assert said.status == 2
    (line,) = said.err.splitlines()
    assert f"satellites.0.encoder.port: {problem}" in line
    assert not out.exists()
