"""Whole runs with real pixels: the same twice, and figures that can be counted again.

The scenario loses one packet in twenty, so some tiles are lost, and of one frame the header.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from downpass.ground.decoders import decode
from downpass.ground.quality import quality
from downpass.link.container.bitstream import tile_spans, without
from downpass.link.container.frame import Frame
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder
from downpass.sim.frames.content_cache import ContentCache
from downpass.sim.results.results import Results
from downpass.sim.run import run as run_scenario
from downpass.sim.scenario import load_scenario
from small_scenarios import (
    NODATA,
    REPOSITORY,
    TRANSFORM,
    Said,
    downpass,
    lossy,
    pixels,
    process,
    satellite,
    scenario,
    write,
    write_scene,
)

SAME = ("summary.json", "events.parquet", "frames.parquet", "passes.parquet", "accesses.parquet")


def two_satellites() -> dict[str, Any]:
    """One that loses packets, and one behind it that codes without loss, from the battery."""
    orbit = {"altitude": "500 km", "sun_synchronous": True, "local_time": "10:30"}
    return scenario(
        satellites=[
            satellite(transmitter=lossy(0.05)),
            satellite(
                name="second",
                orbit=orbit | {"anomaly": "350 deg"},
                codec={"name": "jpegls", "quality": 100, "tile": 32},
                processor={"encode_rate": {"jpegls": "1 kpx/s"}, "working_memory": "20 kB"},
                recorder={"capacity": "15 kB"},
                transmitter={"rate": "800 bit/s", "packet": "64 B"},
                power={
                    "battery": "8 Wh",
                    "initial_charge": 0.3,
                    "min_charge": 0.2,
                    "resume_charge": 0.4,
                    "solar": "20 W",
                    "loads": {"idle": "8 W", "imaging": "12 W", "encoding": "4 W"}
                    | {"transmitting": "15 W"},
                },
            ),
        ]
    )


class Flown:
    """A finished run's folder, read back."""

    def __init__(self, file: Path, out: Path, cache: Path) -> None:
        self.file, self.out, self.cache = file, out, cache
        self.summary = json.loads((out / "summary.json").read_text())
        self.frames = pq.read_table(out / "frames.parquet").to_pylist()
        self.events = pq.read_table(out / "events.parquet").to_pylist()
        self.passes = pq.read_table(out / "passes.parquet").to_pylist()
        self.accesses = pq.read_table(out / "accesses.parquet").to_pylist()


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Flown:
    folder = tmp_path_factory.mktemp("flown")
    write_scene(folder / "scene.tif")
    file = write(folder, two_satellites())
    said = downpass("run", file, "--out", folder / "out", "--cache", folder / "cache", "--json")
    assert (said.status, said.err) == (0, "")
    run = Flown(file, folder / "out", folder / "cache")
    assert json.loads(said.out) == run.summary
    return run


def results(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in SAME}


# The same, again


def test_another_process_and_another_cache_give_the_same_bytes(
    flown: Flown, tmp_path: Path
) -> None:
    said = process(
        *("run", flown.file, "--out", tmp_path / "out", "--cache", tmp_path / "cold"),
        *("--quiet", "--no-tradeoff"),
        PYTHONHASHSEED="12345",
    )
    assert (said.status, said.out, said.err) == (0, "", "")
    assert results(tmp_path / "out") == results(flown.out)
    pictures = {p.name: p.read_bytes() for p in (flown.out / "delivered").iterdir()}
    assert pictures == {p.name: p.read_bytes() for p in (tmp_path / "out/delivered").iterdir()}


def test_a_warm_cache_gives_the_same_bytes_and_another_seed_does_not(
    flown: Flown, tmp_path: Path
) -> None:
    common = ("--cache", flown.cache, "--quiet", "--no-tradeoff", "--no-delivered")
    assert downpass("run", flown.file, "--out", tmp_path / "warm", *common).status == 0
    warm, cold = (Flown(flown.file, out, flown.cache) for out in (tmp_path / "warm", flown.out))
    unseen = {"choice": "none", "written": 0}
    assert warm.summary["pictures"].items() >= unseen.items()
    assert cold.summary["pictures"]["choice"] == "all"
    assert warm.summary | {"pictures": {}} == cold.summary | {"pictures": {}}
    for name in SAME[1:]:
        assert results(tmp_path / "warm")[name] == results(flown.out)[name]
    assert not (tmp_path / "warm" / "delivered").exists()
    other = ("--set", "seed=2")
    assert downpass("run", flown.file, "--out", tmp_path / "other", *common, *other).status == 0
    theirs = results(tmp_path / "other")
    assert theirs["summary.json"] != results(flown.out)["summary.json"]
    assert theirs["events.parquet"] != results(flown.out)["events.parquet"]


# What the summary says, counted again


def blocks(flown: Flown) -> list[tuple[dict[str, Any], set[str]]]:
    """Each block of the summary with the names of the satellites in it."""
    names = flown.summary["satellites"]
    return [(flown.summary["total"], set(names)), *((b, {n}) for n, b in names.items())]


def test_frames_in_the_summary_are_those_of_the_tables(flown: Flown) -> None:
    for block, names in blocks(flown):
        frames = [f for f in flown.frames if f["satellite"] in names]
        states = Counter(f["state"] for f in frames)
        said = block["frames"]
        assert said["captured"] == len(frames) > 0
        assert said["encoded"] == sum(f["encode_end_s"] is not None for f in frames)
        assert said["delivered"] == states["delivered"] > 0
        assert said["stored"] == states["stored"]
        assert said["queued"] == states["queued"] + states["encoding"]
        assert said["dropped"] == Counter(f["drop_cause"] for f in frames if f["drop_cause"])
        assert sum(states.values()) == len(frames)
        missed = [e for e in flown.events if e["event"] == "miss" and e["satellite"] in names]
        assert said["missed"] == Counter(e["cause"] for e in missed)
    assert len({f["frame"] for f in flown.frames}) == len(flown.frames)
    second = flown.summary["satellites"]["second"]["frames"]
    assert second["dropped"], "the small recorder should have been full"
    assert second["missed"], "the small battery should have been low"


def test_frames_delivered_whole_damaged_and_in_part_are_those_of_the_packets_and_tiles(
    flown: Flown, in_hand: Results
) -> None:
    for block, names in blocks(flown):
        counted: Counter[str | None] = Counter()
        received: Counter[str | None] = Counter()
        for frame in (f for f in flown.frames if f["satellite"] in names):
            size = frame["encoded_bytes"] or 0
            missing = in_hand.outcome.received.missing(frame["frame"], size)
            if frame["state"] == "delivered":
                intact = not missing and frame["decoded"] and not frame["lost_tiles"]
                said = "whole" if intact else "damaged"
                assert frame["missing_bytes"] == sum(end - start for start, end in missing)
            else:
                said = "in part" if frame["first_sent_s"] is not None else None
                assert frame["missing_bytes"] is None
            assert frame["delivery"] == said
            counted[said] += 1
            received[said] += frame["received_bytes"]
        frames, sizes = block["frames"], block["bytes"]
        assert frames["delivered_whole"] == counted["whole"] > 0
        assert frames["delivered_damaged"] == counted["damaged"]
        assert frames["in_part"] == counted["in part"]
        assert frames["delivered_whole"] + frames["delivered_damaged"] == frames["delivered"]
        assert sizes["delivered_whole"] == received["whole"]
        assert sizes["delivered_damaged"] == received["damaged"]
        assert sizes["delivered_whole"] + sizes["delivered_damaged"] == sizes["delivered"]
    assert flown.summary["satellites"]["sat"]["frames"]["delivered_damaged"] > 0


def test_without_pixels_the_packets_tell_a_whole_frame_from_a_damaged_one(tmp_path: Path) -> None:
    own = {"encode_rate": {"jpeg2000": "1 Mpx/s"}, "working_memory": "1 MB"}
    satellites = [satellite(transmitter=lossy(0.01), processor=own)]
    file = write(tmp_path, scenario(None, satellites=satellites))
    out = tmp_path / "out"
    said = downpass("run", file, "--out", out, "--cache", tmp_path / "c")
    assert said.status == 0
    run = Flown(file, out, tmp_path / "c")
    total = run.summary["total"]
    assert total["frames"]["delivered_whole"] > 0
    assert total["frames"]["delivered_damaged"] > 0
    for frame in run.frames:
        if frame["state"] == "delivered":
            lost = frame["received_bytes"] < frame["encoded_bytes"]
            assert frame["delivery"] == ("damaged" if lost else "whole")
    # Nobody said what this processor draws, so its energy is not known.
    assert total["encode_energy_j"] is None
    assert all(f["encode_energy_j"] is None for f in run.frames)
    assert any("encoding energy" in row and "unknown" in row for row in said.out.splitlines())
    assert "energy to encode unknown" in (out / "report.html").read_text()


def test_bytes_in_the_summary_are_those_of_the_events(flown: Flown) -> None:
    for block, names in blocks(flown):
        events = [e for e in flown.events if e["satellite"] in names]
        frames = [f for f in flown.frames if f["satellite"] in names]

        def total(kind: str, key: str = "bytes", events: list[Any] = events) -> int:
            return sum(e[key] for e in events if e["event"] == kind)

        said = block["bytes"]
        assert said["captured"] == total("capture") == sum(f["raw_bytes"] for f in frames)
        assert said["encoded"] == total("encode-end")
        assert said["encoded"] == sum(f["encoded_bytes"] or 0 for f in frames)
        assert said["sent"] == total("send")
        assert said["received"] == total("receive") == sum(f["received_bytes"] for f in frames)
        assert said["duplicate"] == total("duplicate")
        assert said["duplicate"] == sum(f["duplicate_bytes"] for f in frames)
        lost: Counter[str] = Counter()
        for event in events:
            if event["event"] == "lose":
                lost[event["cause"]] += event["bytes"]
        assert said["lost"] == lost
        assert said["sent"] == said["received"] + said["duplicate"] + sum(lost.values())
        delivered = [f for f in frames if f["state"] == "delivered"]
        assert said["delivered"] == sum(f["received_bytes"] for f in delivered)
        dropped: Counter[str] = Counter()
        for event in events:
            if event["event"] == "drop" and event["cause"] != "working memory full":
                dropped[event["cause"]] += event["bytes"]
        assert said["dropped"] == dropped
        freed = total("free")
        assert said["encoded"] == said["stored"] + sum(dropped.values()) + freed
        last = {e["satellite"]: e for e in events}
        assert said["stored"] == sum(e["backlog_bytes"] for e in last.values())
        assert said["queued"] == sum(e["queued_bytes"] for e in last.values())
        assert said["delivered"] == sum(e["delivered_bytes"] for e in last.values())


def test_backlog_latency_and_pass_time_are_those_of_the_tables(flown: Flown) -> None:
    duration = flown.summary["duration_s"]
    for block, names in blocks(flown):
        # The backlog after every event, as a staircase; micro-bytes-seconds, so that it is exact.
        held, now, area, peak = dict.fromkeys(names, 0), 0, 0, 0
        for event in flown.events:
            if event["satellite"] in names:
                tick = round(event["time_s"] * 1e6)
                area += sum(held.values()) * (tick - now)
                now = tick
                held[event["satellite"]] = event["backlog_bytes"]
                peak = max(peak, sum(held.values()))
        area += sum(held.values()) * (round(duration * 1e6) - now)
        assert block["backlog_bytes"] == {"peak": peak, "mean": area // round(duration * 1e6)}
        frames = [f for f in flown.frames if f["satellite"] in names]
        found = dict(block["latency_s"])
        for kind, chosen in (
            ("whole", ["whole"]),
            ("damaged", ["damaged"]),
            ("", ["whole", "damaged"]),
        ):
            late = sorted(f["latency_s"] for f in frames if f["delivery"] in chosen)
            assert (found.pop(kind) if kind else found) == {
                "median": late[math.ceil(len(late) / 2) - 1] if late else None,
                "p95": late[math.ceil(0.95 * len(late)) - 1] if late else None,
                "max": late[-1] if late else None,
            }
        for frame in frames:
            if frame["state"] == "delivered":
                waited = frame["delivered_s"] - frame["capture_s"]
                assert frame["latency_s"] == pytest.approx(waited, abs=1e-6)
        passes = [p for p in flown.passes if p["satellite"] in names]
        used = sum(p["used_s"] for p in passes)
        open_s = sum(p["los_s"] - p["aos_s"] for p in passes)
        assert block["pass_time_used"] == pytest.approx(used / open_s, rel=1e-6)
        assert sum(p["sent_bytes"] for p in passes) == block["bytes"]["sent"]
        assert sum(p["received_bytes"] for p in passes) == block["bytes"]["received"]
        assert sum(p["lost_bytes"] for p in passes) == sum(block["bytes"]["lost"].values())
        for row in passes:
            parts = [key for key in row if key.startswith("lost_") and key != "lost_bytes"]
            assert row["lost_bytes"] == sum(row[key] for key in parts)
            assert row["sent_bytes"] <= row["capacity_bytes"]
            assert row["used_s"] <= row["los_s"] - row["aos_s"] + 1e-6
            assert (row["cause_unused"] is None) == (row["sent_bytes"] > 0)


def test_quality_area_and_energy_are_those_of_the_tables(flown: Flown) -> None:
    for block, names in blocks(flown):
        frames = [f for f in flown.frames if f["satellite"] in names]
        seen = [f for f in frames if f["state"] == "delivered"]
        known = sorted(f["psnr_db"] for f in seen if not math.isnan(f["psnr_db"]))
        # Frames of one size: the pooled error is the mean of the frames' errors.
        error = fmean(10 ** (-value / 10) for value in known)
        low = known[math.ceil(0.05 * len(known)) - 1]
        without_loss = [
            f["psnr_db"] for f in seen if not f["lost_tiles"] and not math.isnan(f["psnr_db"])
        ]
        codecs_error = fmean(10 ** (-value / 10) for value in without_loss)
        assert block["psnr_db"] == {
            "pooled": pytest.approx(-10 * math.log10(error), abs=1e-4) if error else None,
            "undamaged": (
                pytest.approx(-10 * math.log10(codecs_error), abs=1e-4) if codecs_error else None
            ),
            "p5": low if math.isfinite(low) else None,
            "exact": sum(map(math.isinf, known)),
            "left_out": len(seen) - len(known),
        }
        readable = [f["ms_ssim"] for f in seen if not math.isnan(f["ms_ssim"])]
        assert block["ms_ssim"]["mean"] == pytest.approx(fmean(readable), abs=1e-6)
        assert block["ms_ssim"]["left_out"] == len(seen) - len(readable)
        assert block["graded"] == {
            "frames": len(seen),
            "undecodable": sum(not f["decoded"] for f in seen),
            "tiles": sum(f["tiles"] for f in seen),
            "lost_tiles": sum(f["lost_tiles"] for f in seen),
            "undecodable_tiles": sum(f["undecodable_tiles"] for f in seen),
        }
        shown = [f for f in seen if not math.isnan(f["psnr_db"])]
        assert block["delivered_px"] == sum(f["width"] * f["height"] for f in shown)
        assert block["delivered_km2"] == pytest.approx(block["delivered_px"] * 0.0004)
        energy = math.fsum(f["encode_energy_j"] or 0 for f in frames)
        assert block["encode_energy_j"] == pytest.approx(energy, abs=1e-9)
        assert energy > 0
    assert flown.summary["total"]["encode_time_kind"] == "modelled"
    lossless = flown.summary["satellites"]["second"]
    assert lossless["graded"]["frames"] == lossless["psnr_db"]["exact"] > 0
    assert lossless["psnr_db"]["pooled"] is None, "an exact frame's PSNR is infinite"


def test_events_go_forward_and_frames_in_their_one_way(flown: Flown) -> None:
    times = [e["time_s"] for e in flown.events]
    assert times == sorted(times)
    for event in flown.events:
        if event["satellite"] == "sat":  # without a power budget nobody knows its charge
            assert event["charge"] is None
        else:
            assert 0 <= event["charge"] <= 1
    for frame in flown.frames:
        way = [
            frame[f"{step}_s"]
            for step in ("capture", "encode_start", "encode_end", "stored", "first_sent")
        ]
        way.append(frame["delivered_s"])
        came = [moment for moment in way if moment is not None]
        assert came == sorted(came)
        assert None not in way[: len(came)]
    taken = Counter((f["satellite"], f["target"]) for f in flown.frames)
    planned: Counter[tuple[str, str]] = Counter()
    for access in flown.accesses:
        assert (access["frames"] > 0) == (access["cause_skipped"] is None)
        planned[access["satellite"], access["target"]] += access["frames"]
    assert taken == +planned


# What the ground has


def shown(frame: dict[str, Any]) -> Frame:
    """What the imager saw, cut out of the pixels that the scene was written from."""
    row, column = frame["window_row"], frame["window_col"]
    cut = pixels()[[0, 2], row : row + frame["height"], column : column + frame["width"]]
    return Frame(np.ascontiguousarray(np.moveaxis(cut, 0, 2)), 12, NODATA)


def test_delivered_pictures_are_what_the_decoder_gives_in_their_place_on_earth(
    flown: Flown,
) -> None:
    flying = {"sat": encoder("jpeg2000", 32), "second": encoder("jpegls", 32)}
    settings = {"sat": Setting(bpp=4.0), "second": Setting(quality=100)}
    written = {p.name for p in (flown.out / "delivered").iterdir()}
    whole = lossy_ones = 0
    for frame in flown.frames:
        name = f"{frame['frame']:06d}-{frame['satellite']}-{frame['target']}.tif"
        readable = frame["state"] == "delivered" and not math.isnan(frame["psnr_db"])
        assert (name in written) == readable
        if not readable:
            continue
        original = shown(frame)
        bitstream = flying[frame["satellite"]].encode(original, settings[frame["satellite"]])
        assert len(bitstream) == frame["encoded_bytes"]
        with rasterio.open(flown.out / "delivered" / name) as picture:
            assert picture.crs == "EPSG:32629"
            place = TRANSFORM @ TRANSFORM.translation(frame["window_col"], frame["window_row"])
            assert picture.transform == place
            assert picture.nodata == NODATA
            assert picture.tags()["DOWNPASS_SCENE"] == "scene.tif"
            lost = picture.tags()["DOWNPASS_LOST_TILES"].replace("none", "").split()
            assert picture.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            found = np.moveaxis(picture.read(), 0, 2)
        assert len(lost) == frame["lost_tiles"]
        arrived = without(bitstream, [int(tile) for tile in lost])
        decoded = decode(arrived).frame
        assert np.array_equal(found, decoded.pixels)
        graded = quality(original, decoded)
        assert frame["psnr_db"] == pytest.approx(graded.psnr_db, abs=6e-4)
        assert frame["ms_ssim"] == pytest.approx(graded.ms_ssim, abs=6e-6)
        whole += not lost
        lossy_ones += bool(lost)
    assert whole
    assert lossy_ones


@pytest.fixture(scope="module")
def in_hand(flown: Flown) -> Results:
    return run_scenario(load_scenario(flown.file), cache=ContentCache(flown.cache), tradeoff=False)


def test_a_tile_is_lost_where_a_packet_of_it_is_and_a_frame_where_its_header_is(
    flown: Flown, in_hand: Results
) -> None:
    flying, undecodable = encoder("jpeg2000", 32), 0
    for frame in flown.frames:
        if frame["satellite"] != "sat" or frame["state"] != "delivered":
            continue
        missing = in_hand.outcome.received.missing(frame["frame"], frame["encoded_bytes"])
        gone = {b for start, end in missing for b in range(start, end)}
        assert len(gone) == frame["encoded_bytes"] - frame["received_bytes"]
        tiles = tile_spans(flying.encode(shown(frame), Setting(bpp=4.0)))
        assert frame["tiles"] == len(tiles) == 4
        header = range(min(offset for _, offset, _ in tiles))
        if gone & set(header):
            undecodable += 1
            assert math.isnan(frame["psnr_db"])
            assert frame["lost_tiles"] == 4
        else:
            hit = [n for n, at, length in tiles if gone & set(range(at, at + length))]
            assert frame["lost_tiles"] == len(hit)
    assert undecodable == flown.summary["satellites"]["sat"]["graded"]["undecodable"]
    assert all(
        math.isnan(f["ms_ssim"]) == math.isnan(f["psnr_db"]) for f in flown.frames if f["tiles"]
    )


def test_frames_that_lost_their_header_are_counted_and_have_no_picture(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    satellites = [satellite(transmitter=lossy(1.0))]
    file = write(tmp_path, scenario(satellites=satellites, duration="8 h"))
    out = tmp_path / "out"
    command = ("run", file, "--quiet", "--no-tradeoff", "--cache", tmp_path / "c", "--out", out)
    assert downpass(*command) == Said(0, "", "")
    run = Flown(file, out, tmp_path / "c")
    total, sent = run.summary["total"], [f for f in run.frames if f["first_sent_s"] is not None]
    assert total["graded"]["undecodable"] == total["graded"]["frames"] == len(sent) > 0
    assert total["graded"]["lost_tiles"] == total["graded"]["tiles"] == 4 * len(sent)
    assert total["psnr_db"]["pooled"] is None
    assert total["psnr_db"]["exact"] == 0
    assert total["frames"]["delivered_whole"] == 0
    assert total["frames"]["delivered_damaged"] == len(sent)
    assert total["bytes"]["received"] == 0
    assert list((out / "delivered").iterdir()) == []


def test_tables_in_memory_are_those_on_disk(flown: Flown, in_hand: Results) -> None:
    assert in_hand.accesses.equals(pq.read_table(flown.out / "accesses.parquet"))
    assert in_hand.events.equals(pq.read_table(flown.out / "events.parquet"))
    assert isinstance(in_hand.passes, pa.Table)


def test_frames_without_scenes_have_a_size_and_no_quality(tmp_path: Path) -> None:
    file = write(tmp_path, scenario(None, duration="6 h"))
    out = tmp_path / "out"
    assert downpass("run", file, "--out", out, "--quiet", "--cache", tmp_path / "c").status == 0
    run = Flown(file, out, tmp_path / "c")
    nothing = {"pooled": None, "undamaged": None, "p5": None, "exact": 0, "left_out": 0}
    assert run.summary["total"]["psnr_db"] == nothing
    assert run.summary["total"]["graded"]["frames"] == 0
    assert run.frames
    for frame in run.frames:
        assert frame["psnr_db"] is frame["ms_ssim"] is frame["scene"] is frame["tiles"] is None
        assert frame["encoded_bytes"] == 64 * 64 * 4 // 8
    assert list((out / "delivered").iterdir()) == []


def test_times_measured_on_the_host_say_so(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    file = write(tmp_path, scenario(duration="3 h"))
    out = tmp_path / "out"
    said = downpass(
        *("run", file, "--out", out, "--quiet", "--no-tradeoff", "--cache", tmp_path / "c"),
        *("--set", "satellites.0.processor.encode_time=host"),
    )
    assert (said.status, said.err) == (0, "")
    run = Flown(file, out, tmp_path / "c")
    assert run.summary["total"]["encode_time_kind"] == "measured on host"
    assert {f["encode_time_kind"] for f in run.frames} == {"measured on host"}
    for frame in run.frames:
        assert frame["encode_end_s"] > frame["encode_start_s"]


def test_a_shipped_scene_goes_all_the_way(tmp_path: Path) -> None:
    scene = REPOSITORY / "scenarios/scenes/s2_l1c_coast_20m_4b_u16.tif"
    targets = [{"name": "alert", "at": [82.5, -62.3], "scenes": [str(scene)]}]
    file = write(tmp_path, scenario(targets=targets, duration="4 h"))
    out = tmp_path / "out"
    said = downpass(
        "run", file, "--out", out, "--quiet", "--no-tradeoff", "--cache", tmp_path / "c"
    )
    assert (said.status, said.err) == (0, "")
    run = Flown(file, out, tmp_path / "c")
    assert run.summary["total"]["psnr_db"]["pooled"] > 30
    with rasterio.open(scene) as original:
        for path in (out / "delivered").iterdir():
            with rasterio.open(path) as picture:
                assert picture.crs == original.crs
                left, top = picture.transform @ (0, 0)
                column, row = ~original.transform @ (left, top)
                frame = run.frames[int(path.name[:6])]
                assert (round(column), round(row)) == (frame["window_col"], frame["window_row"])
    assert any((out / "delivered").iterdir())


# Killed, and run again


def test_a_killed_run_leaves_the_earlier_results_and_no_final_name(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    file = write(tmp_path, scenario(duration="30 min"))
    out = tmp_path / "out"
    common = ("--cache", str(tmp_path / "cache"), "--quiet")
    assert downpass("run", file, "--out", out, *common, "--no-tradeoff").status == 0
    before = results(out)
    longer = write(tmp_path, scenario(duration="20 d"), "longer.yaml")
    for target in (out, tmp_path / "new"):
        command = [sys.executable, "-m", "downpass.sim.cli", "run", str(longer)]
        child = subprocess.Popen([*command, "--out", str(target), *common])
        try:
            deadline = time.monotonic() + 60
            while not any(tmp_path.glob(f".{target.name}-*.partial")):
                assert child.poll() is None, "it ended before it could be killed"
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(0.5)  # well into it
            assert child.poll() is None, "it ended before it could be killed"
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
    assert results(out) == before
    assert not (tmp_path / "new").exists()
    # The leavings are in nobody's way, and the next run of the same output sweeps them.
    assert any(tmp_path.glob(".new-*.partial"))
    assert downpass("run", file, "--out", tmp_path / "new", *common, "--no-tradeoff").status == 0
    assert not any(tmp_path.glob(".new-*"))
    assert any(tmp_path.glob(".out-*.partial"))


def test_a_rerun_replaces_and_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    file = write(tmp_path, scenario(duration="2 h"))
    command = ("run", file, "--quiet", "--no-tradeoff", "--cache", tmp_path / "c", "--out")
    out = tmp_path / "out"
    assert downpass(*command, out).status == 0
    first = results(out)
    assert downpass(*command, out, "--set", "seed=7").status == 0
    assert json.loads((out / "summary.json").read_text())["seed"] == 7
    assert results(out) != first
    (out / "mine.txt").write_text("mine")
    said = downpass(*command, out)
    assert said.status == 2
    assert said.err == (f"{out}: holds mine.txt, which no run has written; choose another --out\n")
    assert (out / "mine.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".out-*"))


def test_an_interrupted_run_says_so_and_cleans_up(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    file = write(tmp_path, scenario(duration="20 d"))
    command = [sys.executable, "-m", "downpass.sim.cli", "run", str(file), "--quiet"]
    for attempt in range(5):
        child = subprocess.Popen(
            [
                *command,
                "--out",
                str(tmp_path / "out"),
                "--cache",
                str(tmp_path / f"cache{attempt}"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not any(tmp_path.glob(".out-*.partial")):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
        if child.returncode:
            break
        shutil.rmtree(tmp_path / "out")  # it was done before the signal came: once more
    assert (child.returncode, said) == (130, "interrupted\n")
    assert not list(tmp_path.glob("*out*"))
