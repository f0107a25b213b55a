"""Advice: its answers are checked by runs at and beside them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from downpass.sim.commands.advise import print_advice
from downpass.sim.evaluate import evaluate
from downpass.sim.scenario import load_scenario
from downpass.sim.sweep import changes
from downpass.sim.sweep.advice import Advice, Answer, Change
from downpass.sim.sweep.intervals import Interval
from small_scenarios import Said, downpass, satellite, scenario, write, write_scene


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorder that is too small, a slow and lossy link, and one station."""
    folder = tmp_path_factory.mktemp("advise")
    write_scene(folder / "scene.tif")
    lossy = {"rate": "1200 bit/s", "packet": "64 B", "packet_loss": 0.02}
    one = satellite(transmitter=lossy, recorder={"capacity": "4 kB"})
    return write(folder, scenario(duration="24 h", satellites=[one], stations=["awarua"], seed=3))


@pytest.fixture(scope="module")
def advice(file: Path) -> dict[str, Any]:
    said = advise(file, "--json", "--seeds", "2")
    assert (said.status, said.err) == (0, "")
    found: dict[str, Any] = json.loads(said.out)
    return found


def advise(file: Path, *arguments: str) -> Said:
    return downpass("advise", file, "--cache", file.parent / "cache", "--workers", "1", *arguments)


def dropped(file: Path, *overrides: str) -> list[int]:
    found = []
    for seed in (3, 4):
        row = evaluate(
            load_scenario(file, [*overrides, f"seed={seed}"]),
            file.parent / "cache",
            measured=False,
        )
        found.append(
            sum(
                value
                for name, value in row.items()
                if name.startswith("total.frames.dropped.") and isinstance(value, int)
            )
        )
    return found


def test_the_smallest_recorder_is_the_smallest(file: Path, advice: dict[str, Any]) -> None:
    assert min(dropped(file)) > 0
    size = int(advice["smallest_recorder_bytes"]["for_every_seed"])
    assert advice["smallest_recorder_bytes"]["monotone"]
    assert dropped(file, f"satellites.0.recorder.capacity={size} B") == [0, 0]
    assert max(dropped(file, f"satellites.0.recorder.capacity={size - 1} B")) > 0


def test_the_lowest_rate_drops_nothing_if_there_is_one(file: Path, advice: dict[str, Any]) -> None:
    answer = advice["lowest_rate_factor"]
    loaded = load_scenario(file)
    if answer["for_every_seed"] is None:
        assert max(dropped(file, *changes.rate_times(loaded, 64_000))) > 0
        assert answer["why_not"] == "frames are dropped even at 64 times the rate"
    else:
        thousandths = round(1000 * answer["for_every_seed"])
        assert dropped(file, *changes.rate_times(loaded, thousandths)) == [0, 0]


def test_changes_of_satellites_whose_names_are_numbers(tmp_path: Path) -> None:
    pair = [satellite(name="1"), satellite(name="0", recorder={"capacity": "2 MB"})]
    file = write(tmp_path, scenario(None, satellites=pair))
    twice = changes.recorder_times(load_scenario(file), 2000)
    changed = load_scenario(file, twice).satellites
    assert [one.recorder.capacity for one in changed] == [2_000_000, 4_000_000]


def test_changes_are_what_runs_with_their_options_give(file: Path, advice: dict[str, Any]) -> None:
    names = [change["name"] for change in advice["changes"]]
    assert names[:5] == ["base", "station", "rate", "memory", "bits"]
    assert "codec" in names
    base = [evaluate(load_scenario(file, [f"seed={s}"]), file.parent / "cache") for s in (3, 4)]
    for change in advice["changes"]:
        assert not change["error"], change
        options = change["options"]
        found = [
            evaluate(load_scenario(file, [*options, f"seed={seed}"]), file.parent / "cache")
            for seed in (3, 4)
        ]
        pixels = sorted(int(row["total.delivered_px"] or 0) for row in found)
        assert [change["figures"]["delivered_px"][key] for key in ("low", "high")] == pixels
        gains = sorted(
            int(row["total.delivered_px"] or 0) / int(before["total.delivered_px"] or 0)
            for row, before in zip(found, base, strict=True)
        )
        assert [change["gain"][key] for key in ("low", "high")] == pytest.approx(gains)
    memory = next(change for change in advice["changes"] if change["name"] == "memory")
    assert memory["options"] == ['satellites.0.recorder.capacity="8000 B"']
    assert memory["gain"]["median"] > 1


def test_ten_percent_more_pixels(file: Path, advice: dict[str, Any]) -> None:
    loaded = load_scenario(file)
    times = advice["ten_percent_more_pixels"]["memory"]["for_every_seed"]
    assert times is not None
    for seed in (3, 4):
        rows = [
            # As the searches do it: without decoding.
            evaluate(
                load_scenario(file, [*change, f"seed={seed}"]),
                file.parent / "cache",
                measured=False,
            )
            for change in ((), changes.recorder_times(loaded, round(1000 * times)))
        ]
        before, after = (int(row["total.delivered_px"] or 0) for row in rows)
        assert after >= 1.1 * before


def test_stations_are_ranked_and_none_is_in_use(file: Path, advice: dict[str, Any]) -> None:
    ranked = advice["stations"]
    assert "awarua" not in {one["name"] for one in ranked}
    assert len(ranked) == len(changes.station_candidates(load_scenario(file))) > 20
    pixels = [one["delivered_px"] for one in ranked]
    assert pixels == sorted(pixels, reverse=True)
    best = next(change for change in advice["changes"] if change["name"] == "station")
    assert best["what"] == f"one more station: {ranked[0]['name']}"
    assert best["options"] == [f'stations=["awarua", "{ranked[0]["name"]}"]']


def test_it_prints_within_eighty_columns(file: Path) -> None:
    said = advise(file, "--seeds", "1")
    assert said.status == 0
    assert "smallest recorder that drops nothing" in said.out
    assert "one more station" in said.out.replace("\n", " ") or "one more" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("thousandths", "times", "share"),
    # 300 kB times 1.042 hold a fifth frame of 62,500 B, times 1.04 they do not; and of 4 bpp,
    # 0.957 are tried where 1.044 are saved, and not 0.958.
    [(1042, "1.05", "0.959"), (1044, "1.05", "0.957"), (1000, "1", "1"), (1500, "1.5", "0.666"),
     (64_000, "64", "0.015"), (12_340, "12.4", "0.081")],
)  # fmt: skip
def test_printed_factors_are_enough(
    file: Path, capsys: pytest.CaptureFixture[str], thousandths: int, times: str, share: str
) -> None:
    one = Interval(thousandths, thousandths, thousandths, 1)
    answer = Answer(one, thousandths, monotone=True, runs=1)
    base = Change("base", "as it is", (), dict.fromkeys(
        ("delivered_px", "dropped", "psnr_undamaged_db", "latency_s")), None)  # fmt: skip
    wanted = {"memory": answer, "rate": answer, "bits": answer}
    print_advice(Advice(base, (), answer, answer, wanted, (), (1,)), load_scenario(file))
    assert re.findall(r"^(?:lowest|10 %).* x ([0-9.]+)$", capsys.readouterr().out, re.M) == [
        times, times, times, share
    ]  # fmt: skip


def test_intervals_rise_and_nothing_is_no_loss(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = dict.fromkeys(("delivered_px", "dropped", "psnr_undamaged_db", "latency_s"))
    saved = Answer(Interval(1128, 1126, 1131, 5), 1131, monotone=True, runs=9)
    least = Answer(Interval(15, 15, 15, 5), 15, monotone=True, runs=9)
    base = Change("base", "as it is", (), figures, None)
    alike = Change("codec", "another", (), figures, Interval(0.999, 0.999, 1.001, 5))
    print_advice(
        Advice(base, (alike,), saved, least, {"bits": saved}, (), (1, 2, 3, 4, 5)),
        load_scenario(file),
    )
    words = " ".join(capsys.readouterr().out.split())
    assert "bits a pixel x 0.884; over the seeds from x 0.884 to x 0.888" in words
    assert "lowest rate that drops nothing x 0.015 or less" in words
    assert "−0 %" not in words
    assert "another – 0 %" in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seeds", "0"), "--seeds: found 0; allowed: 1 to 100"),
        (("--set", "satellites.0.codec.bbp=1"), "no such key"),
        (("--set", "satellites.0.codec.bpp=0.0001"), "codec"),
    ],
)
def test_bad_input_is_one_line(file: Path, arguments: tuple[str, ...], message: str) -> None:
    said = advise(file, *arguments)
    assert (said.status, said.err.count("\n"), said.out) == (2, 1, "")
    assert message in said.err


def test_without_pixels_a_quality_or_a_rate_for_another_codec(tmp_path: Path) -> None:
    plain = load_scenario(write(tmp_path, scenario(None)))
    assert changes.bits_times(plain, 500) == ("satellites.0.codec.bpp=2.0",)
    sized = load_scenario(write(tmp_path, scenario(None)), ["satellites.0.codec.bytes=900 B"])
    assert changes.bits_times(sized, 500) == ('satellites.0.codec.bytes="450 B"',)
    write_scene(tmp_path / "scene.tif")
    file = write(tmp_path, scenario())
    fixed = load_scenario(file, ["satellites.0.codec.quality=40"])
    assert changes.bits_times(fixed, 500) is None
    assert changes.other_codec(fixed) is None
    assert changes.other_codec(load_scenario(file)) == (
        "student",
        ('satellites.*.codec.name="student"',),
    )


def test_a_station_near_one_in_use_is_no_candidate(tmp_path: Path) -> None:
    # Esrange and Kiruna's ESTRACK station are some twenty kilometres from each other.
    loaded = load_scenario(write(tmp_path, scenario(None, stations=["esrange"])))
    names = changes.station_candidates(loaded)
    assert "esrange" not in names
    assert "kiruna" not in names
    assert "svalbard" in names
