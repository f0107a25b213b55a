"""Tables in the terminal: 80 columns hold a hundred satellites and six codecs, nothing is cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from downpass.sim.commands.summary_table import print_summary
from downpass.sim.console.terminal import plain_table, print_rows
from downpass.sim.console.terminal import print_table as print_a_table
from downpass.sim.rate_distortion.table import print_table
from rich.cells import cell_len
from small_scenarios import downpass, satellite, scenario, write, write_scene

LONG = "a-name-as-long-as-a-scenario-allows-which-is-sixty-four-letters_"
CAUSE = "gave way in recorder, delivered but not yet confirmed"


def block(number: int, **changes: Any) -> dict[str, Any]:
    """A block of summary.json with figures that can be found again."""
    given: dict[str, Any] = {
        "frames": {
            "captured": 1000 + number,
            "encoded": 900,
            "delivered": 800 + number,
            "delivered_whole": 700 + number,
            "delivered_damaged": 100,
            "in_part": 2,
            "stored": 3,
            "queued": 4,
            "dropped": {CAUSE: 12345},
            "missed": {},
        },
        "repeated": {"frames": 0, "scenes": {}},
        "bytes": {
            "encoded": 123_456_789,
            "delivered": 98_765_432,
            "delivered_whole": 88_765_432,
            "delivered_damaged": 10_000_000,
            "lost": {"cut off": 1_234, "rain": 5_678_901},
        },
        "backlog_bytes": {"peak": 987_654_321, "mean": 1},
        "latency_s": {
            "median": 12_345.0,
            "p95": 187_200.0,
            "max": 1.0,
            "whole": {"median": 11_111.0, "p95": 187_200.0, "max": 1.0},
            "damaged": {"median": None, "p95": None, "max": None},
        },
        "psnr_db": {"pooled": 41.25, "undamaged": 42.5, "p5": 38.5, "exact": 17, "left_out": 0},
        "ms_ssim": {"mean": 0.98765, "p5": 0.9, "left_out": 6},
        "graded": {"frames": 800, "undecodable": 0, "tiles": 1, "lost_tiles": 0},
        "delivered_km2": 123_456.0,
        "delivered_whole_km2": 100_000.0,
        "encode_energy_j": None,
        "pass_time_used": 0.4321,
    }
    return given | changes


def summary(satellites: int, name: str = "sat-{}") -> dict[str, Any]:
    return {
        "total": block(0),
        "satellites": {name.format(n): block(n) for n in range(1, satellites + 1)},
    }


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert max(map(cell_len, lines)) <= 80
    assert not any(line.endswith(" ") for line in lines)
    return lines


def row(lines: Sequence[str], title: str) -> str:
    """All cells of the rows with a title."""
    return " ".join(line for line in lines if line.startswith(title))


def shows(lines: Sequence[str], word: str) -> bool:
    """Whether a word without blanks stands there, in one line or folded within its column."""
    for first, line in enumerate(lines):
        start = line.find(word[:8])
        if start < 0:
            continue
        found = ""
        for below in lines[first:]:
            pieces = below[start:].split()
            if pieces and word[len(found) :].startswith(pieces[0]):
                found += pieces[0]
            if found == word:
                return True
    return False


@pytest.fixture(autouse=True)
def eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("count", [1, 2, 10])
def test_a_few_satellites_stand_side_by_side(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    print_summary({"mission": summary(count)})
    lines = lines_of(capsys)
    whole = re.findall(r"\b7\d\d\b", row(lines, "frames delivered whole"))
    shown = ["700"] if count == 1 else [str(700 + n) for n in range(count + 1)]
    assert whole == shown
    assert "unknown" in row(lines, "encoding energy")
    assert "17 of 800" in row(lines, "… frames exact")
    assert any("6 left out" in line for line in lines)
    first = next(number for number, line in enumerate(lines) if line.startswith("lost on the way"))
    assert "5.68 MB rain" in lines[first]
    assert "1.23 kB cut off" in lines[first + 1]


def test_of_a_hundred_satellites_the_best_and_the_worst_are_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    print_summary({"mission": summary(100)}, tmp_path)
    lines = lines_of(capsys)
    assert row(lines, "frames delivered whole").split()[-1] == "700"
    listed = [int(found[1]) for line in lines if (found := re.match(r"sat-(\d+) ", line))]
    assert listed == [*range(100, 90, -1), *range(10, 0, -1)]
    text = re.sub(r"\s+", "", "".join(lines))
    assert "All100standin" in text
    assert str(tmp_path / "summary.json") in text


@pytest.mark.parametrize("name", ["{}", LONG[:-3] + "{}"])
def test_six_codecs_stand_in_as_many_tables_as_it_takes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    codecs = ["jpeg2000:0.5bpp", "jpegxl:q80", "jpegls:lossless", "ccsds121:lossless"]
    codecs += ["avif:0.25bpp", "student:200000B"]
    labels = [name.format(codec) for codec in codecs]
    print_summary({label: summary(100) | {"total": block(n)} for n, label in enumerate(labels)})
    lines = lines_of(capsys)
    found = re.findall(r"\b70\d\b", row(lines, "frames delivered whole"))
    assert found == [str(700 + n) for n in range(6)]
    assert all(shows(lines, label) for label in labels)
    text = " ".join(lines)
    assert text.count("12345 gave way") == 6
    assert text.count("confirmed") == 6
    assert not any("…" in line for line in lines if not line.startswith("…"))


def test_satellites_with_long_names_are_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary({"mission": summary(100, LONG[:-3] + "{:03}")})
    lines = lines_of(capsys)
    assert all(shows(lines, f"{LONG[:-3]}{number:03}") for number in (1, 2, 3, 98, 99, 100))


def test_scenes_that_are_too_small_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    repeated = {"frames": 77, "scenes": {f"{'x' * 60}{n}.tif": 11 for n in range(7)}}
    print_summary({"mission": {"total": block(0, repeated=repeated), "satellites": {}}})
    lines = lines_of(capsys)
    assert row(lines, "… larger than their scene").split()[-1] == "77"
    assert "4 more" in " ".join(" ".join(lines).split())


@pytest.fixture(scope="module")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred satellites without pixels: their sizes follow from a rate."""
    folder = tmp_path_factory.mktemp("hundred")
    many = [
        satellite(
            name=f"satellite-number-{n:03}",
            orbit={"altitude": "500 km", "inclination": "97.4 deg", "raan": f"{3 * n} deg"},
        )
        for n in range(100)
    ]
    return write(folder, scenario(None, satellites=many, duration="2 h"))


def test_passes_of_a_hundred_satellites_are_totals_unless_all_are_asked_for(
    hundred: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    totals = downpass("passes", hundred)
    everything = downpass("passes", hundred, "--all")
    assert totals.status == everything.status == 0
    for said in (totals, everything):
        assert max(map(cell_len, said.out.splitlines())) <= 80
    assert len(totals.out.splitlines()) < 40
    assert "--all lists every pass" in totals.out
    count = re.search(r"passes +(\d+)", totals.out)
    assert count is not None
    assert f"{count[1]} passes in 2024" in everything.out
    assert len(everything.out.splitlines()) > int(count[1])
    capsys.readouterr()


def test_a_run_of_a_hundred_satellites_fits_a_terminal(hundred: Path, tmp_path: Path) -> None:
    said = downpass("run", hundred, "--out", tmp_path / "out", "--cache", tmp_path / "c")
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert max(map(cell_len, lines[:-1])) <= 80  # the last is the report's path
    assert len(lines) < 60
    assert sum(line.startswith("satellite-number-") for line in lines) == 20


def test_a_comparison_of_codecs_on_pictures_fits(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["jpeg2000", "jpegxl", "jpegls", "ccsds121", "avif", "student"]
    figures = dict.fromkeys(
        ("bd_rate_psnr_percent", "coverage_psnr", "bd_rate_ms_ssim_percent", "coverage_ms_ssim"),
        -12.3,
    )
    sizes = {"images": 123, "judged": 117}
    groups = dict.fromkeys(("all", "WorldView panchromatic", LONG), figures | sizes)
    codec = {"groups": groups, "worst_group": LONG, "encode_mpx_s": 12.3}
    codec |= {"encode_speed_ratio": 1.2, "decode_mpx_s": 4.5}
    image = {"codecs": dict.fromkeys(names, figures), "crop": None}
    settings = {"rates_bpp": [0.1, 1.5], "speed_bpp": 0.387, "crop": 512}
    print_table(
        {"settings": settings, "codecs": dict.fromkeys(names, codec), "images": {LONG: image}}
    )
    lines = lines_of(capsys)
    assert sum(line.startswith(tuple(names)) for line in lines) >= 6


def test_rows_fold_and_keep_their_words(capsys: pytest.CaptureFixture[str]) -> None:
    what = "the reason why a check failed, which boards write as long as they like " * 4
    print_rows([("FAIL", "a check's name", "0.12 s", what), ("ok", LONG, "1.00 s", "")])
    lines = lines_of(capsys)
    assert " ".join(lines).count("failed,") == 4
    assert shows(lines, LONG)


def test_a_warning_about_every_satellite_is_one_line(tmp_path: Path) -> None:
    small = {"encode_rate": {"jpeg2000": "1 Mpx/s"}, "working_memory": "1 kB"}
    many = [satellite(name=f"s{n}", processor=small) for n in range(100)]
    file = write(tmp_path, scenario(None, satellites=many))
    (line,) = downpass("validate", file).err.splitlines()
    assert "satellites.0.processor.working_memory: found room for 1000 bytes" in line
    assert line.endswith("no frame fits (and so in 99 other places)")
    one = write(tmp_path, scenario(None, satellites=many[:1]), "one.yaml")
    assert downpass("validate", one).err.rstrip().endswith("no frame fits")


def test_whole_and_damaged_stand_apart_if_a_frame_is_damaged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_summary({"mission": {"total": block(0), "satellites": {}}})
    lines = lines_of(capsys)
    titles = ("… of whole frames ", "… of damaged frames ", "… by whole frames ")
    assert [row(lines, title).split()[-2] for title in titles] == ["88.8", "10", "100000"]
    frames = block(0)["frames"] | {"delivered_damaged": 0}
    print_summary({"mission": {"total": block(0, frames=frames), "satellites": {}}})
    lines = lines_of(capsys)
    assert not any(row(lines, title) for title in titles)


def test_transfers_by_cfdp_have_rows_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    transfer = {
        "overhead_bytes": 12_300,
        "duplicate_bytes": 0,
        "uplink_bytes": {"sent": 456, "received": 456, "lost": {}},
        "ended": {"no error": 17},
        "open_on_board": {"awaiting Finished": 3},
        "open_on_ground": {"awaiting missing data": 2},
    }
    with_one = {"total": block(0, transfer=transfer), "satellites": {}}
    print_summary({"by CFDP": with_one, "resumable": {"total": block(0), "satellites": {}}})
    lines = lines_of(capsys)
    # One table after the other: the second run has no such figures.
    both = "transfer overhead 12.3 kB transfer overhead –"
    assert row(lines, "transfer overhead").split() == both.split()
    assert "17 no error" in row(lines, "transfers ended")
    assert "3 on board, awaiting Finished" in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("width", [10, 40, 80, 200])
def test_no_figure_is_cut_however_narrow_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    figures = [f"{number}.{number} dB" for number in range(1111, 1119)]
    heads = [(f"head {number}", True) for number in range(len(figures))]
    table = plain_table("figures", [("name", False), *heads])
    table.add_row(LONG, *figures)
    print_a_table(table)
    text = capsys.readouterr().out
    assert all(figure in text for figure in figures)
    assert LONG in "".join(line.split("  ")[0] for line in text.splitlines()[4:])


def test_points_that_fail_leave_the_figures_of_the_others_their_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    write_scene(tmp_path / "scene.tif")
    file = write(tmp_path, scenario(duration="3 h"))
    said = downpass(
        *("sweep", file, "--out", tmp_path / "out", "--cache", tmp_path / "cache"),
        *("--over", "satellites.*.codec.bpp=0.011,0.012,4", "--workers", "1"),
        *("--over", "satellites.*.recorder.capacity=1 MB,2 MB"),
    )
    assert said.status == 0
    lines = said.out.splitlines()
    rows = [line.split() for line in lines if re.match(r" +\d+  ", line)]
    assert [row[:5] for row in rows[:4]] == [
        [str(number), bpp, size, "MB", "failed"]
        for number, (bpp, size) in enumerate(product(("0.011", "0.012"), "12"))
    ]
    for row in rows[4:]:
        assert row[1] == "4"
        assert row[-1] == "dB"
    text = " ".join(said.out.split())
    assert "points 0, 1 failed" in text
    assert "points 2, 3 failed" in text
    assert text.count("the smallest that it can make is") == 2
    assert max(map(cell_len, lines[:-1])) <= 80
