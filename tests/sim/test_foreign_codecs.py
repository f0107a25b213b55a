"""Codecs from outside in a scenario: carried, lost, decoded by their own decoder, measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from downpass.link.foreign.permission import ALLOW
from downpass.sim.evaluate import evaluate
from downpass.sim.results.outputs import REPORT
from downpass.sim.scenario import load_scenario
from downpass.sim.sweep.plan import make_plan
from downpass.sim.sweep.run import SweepJob, cell_keys
from onnx_graphs import cosine_pair
from small_scenarios import downpass, lossy, process, satellite, scenario, write, write_scene

COPY = 'cp "$1" "$2"\n'
COUNT = 'echo >> "$0.calls"\n'

Prepare = Callable[..., Path]


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """Writes a scenario whose codec is two shell scripts; neither may be started yet."""
    monkeypatch.delenv(ALLOW, raising=False)
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "cache"))

    def prepare(encode: str = COPY, decode: str = COPY, **changes: Any) -> Path:
        write_scene(tmp_path / "scene.tif")
        (tmp_path / "encode.sh").write_text(COUNT + encode)
        (tmp_path / "decode.sh").write_text(COUNT + decode)
        codec = {
            "name": "command",
            "quality": 100,
            "tile": 32,
            **{
                way: ["sh", f"{{folder}}/{way}.sh", "{input}", "{output}"]
                for way in ("encode", "decode")
            },
        }
        codec |= changes.pop("codec", {})
        processor = {"profile": "zynq-7020", "encode_rate": {"command": "1 Mpx/s"}}
        sat = satellite(codec=codec, processor=processor, **changes.pop("sat", {}))
        return write(tmp_path, scenario(satellites=[sat], **changes))

    return prepare


@pytest.fixture
def leave(monkeypatch: pytest.MonkeyPatch, prepared: Prepare) -> None:
    """Lets programs be started."""
    monkeypatch.setenv(ALLOW, "1")


def calls(folder: Path, way: str) -> int:
    """Return how often a script has run."""
    path = folder / f"{way}.sh.calls"
    return len(path.read_text().splitlines()) if path.exists() else 0


def run(path: Path, *options: str) -> tuple[Any, Path]:
    out = path.parent / "out"
    said = downpass("run", path, "--out", out, "--no-tradeoff", "--quiet", *options)
    return said, out


@pytest.mark.parametrize("command", ["run", "sweep", "advise", "coverage", "compare"])
def test_no_program_is_started_without_leave(prepared: Prepare, command: str) -> None:
    path = prepared(sweep={"over": {"seed": [1, 2]}})
    options = {
        "run": ["--out", path.parent / "out"],
        "sweep": ["--out", path.parent / "out", "--workers", "1"],
        "advise": ["--seeds", "1", "--workers", "1"],
        "coverage": ["--out", path.parent / "page.html"],
        "compare": ["--codec", "command:q50", "--out", path.parent / "out"],
    }[command]
    said = downpass(command, path, *options)
    assert said.status == 2
    line = next(line for line in said.err.splitlines() if "found a program" in line)
    assert "satellites.0.codec: found a program, sh " in line
    assert "encode.sh {input} {output}" in line
    assert "allowed: with --allow-programs (or DOWNPASS_ALLOW_PROGRAMS=1)" in line
    assert (calls(path.parent, "encode"), calls(path.parent, "decode")) == (0, 0)


def test_a_scenario_can_be_checked_without_leave(prepared: Prepare) -> None:
    path = prepared(codec={"quality": None, "bpp": 1})
    said = downpass("validate", path)
    assert (said.status, said.out[:3]) == (0, "ok:")
    assert "note: " in said.err
    assert "found a program" in said.err
    assert calls(path.parent, "encode") == 0
    assert downpass("passes", path).status == 0
    assert calls(path.parent, "encode") == 0
    # With leave, a budget that cannot be met is found: the copy has 32 bits a pixel.
    said = downpass("validate", path, "--allow-programs")
    assert said.status == 2
    assert "the smallest that it can make" in said.out


def test_targets_without_pixels_need_no_program(prepared: Prepare) -> None:
    path = prepared(codec={"quality": None, "bpp": 1}, targets=scenario(None)["targets"])
    said, _ = run(path)
    assert said.status == 0, said.err
    assert calls(path.parent, "encode") == 0


def test_a_lossless_program_delivers_exact_frames(prepared: Prepare) -> None:
    path = prepared()
    said, out = run(path, "--allow-programs")
    assert (said.status, said.err) == (0, "")
    frames = pq.read_table(out / "frames.parquet").to_pylist()
    delivered = [frame for frame in frames if frame["state"] == "delivered"]
    assert delivered
    for frame in delivered:
        assert frame["psnr_db"] == math.inf
        assert (frame["tiles"], frame["lost_tiles"], frame["undecodable_tiles"]) == (4, 0, 0)
        # Two bands of two bytes a pixel, and the container.
        assert 0 < frame["encoded_bytes"] - 4 * 64 * 64 < 80
    assert "two programs that the scenario names" in (out / REPORT).read_text()
    # Frames that show the same pixels are coded and measured once, in four tiles.
    assert 0 < calls(path.parent, "encode") <= 4 * len(frames)


@pytest.mark.usefixtures("leave")
def test_lost_packets_cost_tiles_and_their_neighbours_nothing(prepared: Prepare) -> None:
    path = prepared(sat={"transmitter": lossy(0.01)})
    said, out = run(path)
    assert said.status == 0
    frames = pq.read_table(out / "frames.parquet").to_pylist()
    holed = [frame for frame in frames if frame["lost_tiles"] and frame["decoded"]]
    assert holed
    assert all(math.isfinite(frame["psnr_db"]) for frame in holed)
    assert not any(frame["undecodable_tiles"] for frame in holed)
    assert "not decodable" not in said.err


@pytest.mark.usefixtures("leave")
def test_tiles_that_the_decoder_fails_on_are_concealed_and_told_apart(prepared: Prepare) -> None:
    odd = 'case $(cksum < "$1") in *[13579]" "*) echo "no header" >&2; exit 4;; esac\n'
    path = prepared(decode=odd + COPY)
    said, out = run(path)
    assert said.status == 0
    frames = pq.read_table(out / "frames.parquet").to_pylist()
    failed = sum(frame["undecodable_tiles"] or 0 for frame in frames)
    hit = [frame for frame in frames if frame["undecodable_tiles"]]
    assert 0 < failed < 4 * len(frames)
    assert not any(frame["lost_tiles"] for frame in hit)
    assert {frame["delivery"] for frame in hit} == {"damaged"}
    assert (
        f"satellites.0.codec: {failed} tiles of {len(hit)} of "
        in said.err.partition("warning: ")[2]
    )
    assert "cannot be decoded and are concealed; frame " in said.err
    assert "decode ended with status 4: no header" in said.err
    page = (out / REPORT).read_text()
    assert "tiles arrived whole, cannot be decoded and are concealed" in page.replace("\u00a0", " ")
    # From the cache, with the same words.
    again, _ = run(path, "--no-delivered")
    assert again.err == said.err


@pytest.mark.usefixtures("leave")
def test_a_decoder_that_always_fails_ends_no_run(prepared: Prepare) -> None:
    path = prepared(decode="exit 1\n")
    row = evaluate(load_scenario(path))
    assert row["total.graded.undecodable_tiles"] == row["total.graded.tiles"]
    assert row["total.frames.delivered_whole"] == 0


@pytest.mark.usefixtures("leave")
def test_an_encoder_that_fails_is_told_with_its_words(prepared: Prepare) -> None:
    path = prepared(encode="echo no licence >&2; exit 9\n")
    said, out = run(path)
    assert said.status == 2
    assert said.err.strip().endswith(
        "scene.tif: command cannot encode a tile of 32 x 32 pixels in 2 bands of 12 bits: "
        "encode ended with status 9: no licence"
    )
    assert not out.exists()


@pytest.mark.usefixtures("leave")
@pytest.mark.parametrize("cache", ["", "cache"], ids=["without a cache", "with one"])
def test_an_encoder_that_is_not_deterministic_is_asked_once(
    prepared: Prepare, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    """Each tile gets 0 to 255 further bytes, so a second answer would have other sizes."""
    padded = 'n=$(od -An -N1 -tu1 /dev/urandom); cp "$1" "$2"; head -c $n /dev/urandom >> "$2"\n'
    path = prepared(padded, 'head -c 4096 "$1" > "$2"\n', sat={"transmitter": lossy(0.001)})
    monkeypatch.setenv("DOWNPASS_CACHE", cache and str(path.parent / cache))
    said, out = run(path)
    assert (said.status, said.err) == (0, "")
    frames = pq.read_table(out / "frames.parquet").to_pylist()
    whole = [f for f in frames if f["received_bytes"] == f["encoded_bytes"] and f["encoded_bytes"]]
    assert whole
    assert all(frame["psnr_db"] == math.inf for frame in whole)


@pytest.mark.usefixtures("leave")
def test_the_cache_follows_programs_and_arguments(prepared: Prepare) -> None:
    path = prepared()
    folder = path.parent

    def counts(*overrides: str) -> tuple[int, int]:
        before = calls(folder, "encode"), calls(folder, "decode")
        evaluate(load_scenario(path, overrides))
        return calls(folder, "encode") - before[0], calls(folder, "decode") - before[1]

    first = counts()
    assert min(first) > 0
    assert counts() == (0, 0)
    (folder / "decode.sh").write_text(COUNT + COPY + ":\n")
    assert counts() == (0, first[1])
    (folder / "encode.sh").write_text(COUNT + COPY + ":\n")
    assert counts() == (first[0], 0)  # the same bytes as before, so their quality is known
    assert counts("satellites.0.codec.interleave=bsq") == first
    (folder / "weights").write_text("1")
    assert counts("satellites.0.codec.files=[weights]") == (first[0], first[1])
    (folder / "weights").write_text("2")
    assert counts("satellites.0.codec.files=[weights]") == (first[0], first[1])


def test_a_sweep_runs_again_what_another_program_would_change(prepared: Prepare) -> None:
    path = prepared(sweep={"over": {"seed": [1, 2]}})
    text = path.read_text()
    scenario_ = load_scenario(path)

    def keys() -> list[str]:
        plan = make_plan(scenario_, [], seeds=None, sample=None, base=[])
        return cell_keys(SweepJob(path, text, plan))

    before = keys()
    assert keys() == before
    (path.parent / "decode.sh").write_text("exit 1\n")
    assert not set(keys()) & set(before)


def test_a_sweep_varies_the_codec_in_processes_of_its_own(prepared: Prepare) -> None:
    path = prepared(sweep={"over": {"satellites.0.codec.name": ["command", "jpeg2000"]}})
    options = ("--out", path.parent / "sweep", "--workers", "2", "--allow-programs", "--json")
    said = process("sweep", path, *options)
    assert said.status == 0, said.err
    table = pq.read_table(path.parent / "sweep" / "sweep.parquet").to_pylist()
    found = {row["set.satellites.0.codec.name"]: row for row in table}
    assert {row["total.psnr_db.exact"] > 0 for row in found.values()} == {True}
    whole = {name: row["total.bytes.encoded"] for name, row in found.items()}
    assert whole["command"] > whole["jpeg2000"]


def test_a_scenario_with_graphs(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    cosine_pair(tmp_path, bands=2)
    codec = {
        "name": "onnx",
        "bpp": 2,
        "tile": 32,
        "multiple": 8,
        "encoder": "encoder.onnx",
        "decoder": "decoder.onnx",
    }
    sat = satellite(codec=codec, processor={"profile": "zynq-7020", "encode_time": "host"})
    path = write(tmp_path, scenario(satellites=[sat], duration="4 h"))
    row = evaluate(load_scenario(path), tmp_path / "cache")
    assert row["total.graded.undecodable_tiles"] == 0
    assert row["total.graded.frames"]
    psnr = row["total.psnr_db.pooled"]
    assert isinstance(psnr, float)
    assert psnr > 30
    frames, sent = row["total.graded.frames"], row["total.bytes.encoded"]
    assert isinstance(frames, int)
    assert isinstance(sent, int)
    # Every frame is within its budget.
    assert sent <= 2 * 64 * 64 / 8 * frames * 1.5
