"""The trade-off: every report has the student's curve and JPEG 2000's, worked out anew here."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from downpass.ground.decoders import decode
from downpass.ground.quality import quality
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.encoders.base import Encoder, RateError, Setting
from downpass.payload.encoders.registry import encoder
from downpass.sim.frames.content_cache import ContentCache
from downpass.sim.frames.scenes import Scenes
from downpass.sim.mission.flight import fly
from downpass.sim.mission.preparation import prepare
from downpass.sim.rate_distortion.tradeoff import sample
from downpass.sim.rate_distortion.tried_codecs import RATES_BPP
from downpass.sim.report import tradeoff
from downpass.sim.report.from_results import report_data
from downpass.sim.results.write import write as write_results
from downpass.sim.run import run as run_scenario
from downpass.sim.scenario import load_scenario
from downpass.sim.scenario.substitute import with_codec
from small_scenarios import satellite, scenario, write, write_scene


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_scene(tmp_path / "scene.tif")
    codec = {"name": "jpeg2000", "bpp": 4.0, "tile": 40}  # no multiple of 16
    return write(tmp_path, scenario(duration="9 h", satellites=[satellite(codec=codec)]))


def weighted(values: list[float], weights: list[int]) -> float:
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def at_all_rates(codec: Encoder, frame: Frame) -> list[bytes | None]:
    """A frame's bitstreams in the order of the rates: a search begins where the last one ended."""
    prepared = codec.prepare(frame)
    streams: list[bytes | None] = []
    for bpp in RATES_BPP:
        try:
            streams.append(prepared.encode(Setting(bpp=bpp)))
        except RateError:
            streams.append(None)
    return streams


def test_both_curves_with_the_rates_and_qualities_of_real_bitstreams(
    file: Path, tmp_path: Path
) -> None:
    loaded = load_scenario(file)
    cache = ContentCache(tmp_path / "cache")
    results = run_scenario(loaded, cache=cache)
    points = report_data(results, "").tradeoff
    assert {point.codec for point in points} == {"jpeg2000", "student"}
    assert [p.codec for p in points if p.is_this_run] == ["jpeg2000"]

    scenes = Scenes(loaded)
    chosen = sample(prepare(fly(loaded), scenes))
    assert len(chosen) > 1
    frames = [scenes.frame(one.content.satellite, one.content.view) for one in chosen]
    weights = [one.weight for one in chosen]
    for name, tile in (("jpeg2000", 40), ("student", 48)):
        ratings = {r.setting: r for r in results.ratings if r.codec == name}
        assert {s.bpp for s in ratings} <= set(RATES_BPP)
        by_frame = [at_all_rates(encoder(name, tile), frame) for frame in frames]
        for bpp, coded in zip(RATES_BPP, zip(*by_frame, strict=True), strict=True):
            streams = [stream for stream in coded if stream is not None]
            if len(streams) < len(frames):
                assert Setting(bpp=bpp) not in ratings
                continue
            found = ratings[Setting(bpp=bpp)]
            sizes = [8 * len(s) / (64 * 64) for s in streams]
            assert found.bpp == pytest.approx(weighted(sizes, weights))
            assert found.bpp <= bpp
            each = [
                quality(frame, decode(stream).frame).psnr_db
                for frame, stream in zip(frames, streams, strict=True)
            ]
            error = weighted([10 ** (-psnr / 10) for psnr in each], weights)
            assert found.psnr_db == pytest.approx(-10 * math.log10(error))
            # Nothing is lost on this link, and all frames are of one size.
            assert found.delivered_damaged == 0
            assert found.delivered_px == found.delivered_whole * 64 * 64
        assert len(ratings) >= 3
    write_results(results, tmp_path)
    with (tmp_path / "tradeoff.csv").open() as rows:
        table = list(csv.DictReader(rows))
    listed = [(row["codec"], row["setting"], row["psnr_db"]) for row in table]
    assert {"delivered_whole", "delivered_damaged", "in_part"} <= set(table[0])
    assert listed == [(p.codec, p.setting, f"{p.psnr_db}") for p in points]

    # Once more, from the cache: the same, and nothing is coded again.
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache" / "rated-2").rglob("*")}
    assert before
    again = run_scenario(loaded, cache=cache)
    assert again.ratings == results.ratings
    assert set(before) == set((tmp_path / "cache" / "rated-2").rglob("*"))


def test_a_comparison_with_the_student_needs_tiles_of_whole_blocks(file: Path) -> None:
    loaded = load_scenario(file)
    with pytest.raises(InputError) as caught:
        with_codec(loaded, "student", Setting(bpp=1.0))
    assert str(caught.value) == (
        "codec student:1bpp: found a tile of 40 at sat; allowed for the student: multiples of "
        "16, for example --set 'satellites.*.codec.tile=32'"
    )
    fitting = load_scenario(file, ["satellites.*.codec.tile=32"])
    assert with_codec(fitting, "student", Setting(bpp=1.0)).satellites[0].codec.tile == 32


STUDENT = {"name": "student", "bpp": 2.0, "tile": 32}
MIXED = [
    satellite(name="a", codec=STUDENT),
    satellite(name="b", codec={"name": "jpegls", "quality": 95, "tile": 32}),
]
POLICY = "No point is this run: its rates are chosen frame by frame (policy lookahead)"


@pytest.mark.parametrize(
    ("satellites", "marked", "note"),
    [
        ([satellite(codec=STUDENT)], [("student", "2bpp")], ""),
        ([satellite(codec=STUDENT, name=name) for name in "ab"], [("student", "2bpp")], ""),
        (MIXED, [], "No point is this run: its satellites differ in codec or setting"),
        ([satellite(codec=STUDENT | {"policy": "lookahead"})], [], POLICY),
        (
            [satellite(codec=STUDENT, recorder={"capacity": "1 MB", "when_full": "shrink"})],
            [("student", "2bpp")],
            "a full recorder drops frames and requantises none",
        ),
    ],
    ids=["one", "two alike", "two that differ", "policy", "shrink"],
)
def test_a_point_is_this_run_if_all_frames_have_its_setting(
    tmp_path: Path, satellites: list[object], marked: list[tuple[str, str]], note: str
) -> None:
    write_scene(tmp_path / "scene.tif")
    file = write(tmp_path, scenario(duration="5 h", satellites=satellites))
    results = run_scenario(load_scenario(file), cache=ContentCache(tmp_path / "cache"))
    data = report_data(results, "")
    assert [(p.codec, p.setting) for p in data.tradeoff if p.is_this_run] == marked
    assert len(data.tradeoff) > 3
    assert note in data.tradeoff_note
    assert ("No point is this run" in data.tradeoff_note) == (not marked)
    picture = tradeoff.picture(data.tradeoff, data.duration_s, data.tradeoff_note)
    assert picture is not None
    assert ("This run's setting" in picture.alt) == bool(marked)


def test_the_finest_setting_of_the_student_is_not_called_lossless(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    finest = [satellite(codec={"name": "student", "quality": 100, "tile": 32})]
    file = write(tmp_path, scenario(duration="4 h", satellites=finest))
    results = run_scenario(load_scenario(file), cache=ContentCache(tmp_path / "cache"))
    points = report_data(results, "").tradeoff
    (own,) = (p for p in points if p.is_this_run)
    assert (own.codec, own.setting) == ("student", "q100")
    assert own.psnr_db is not None
    assert math.isfinite(own.psnr_db)


def test_without_other_rates_the_run_itself_is_the_point(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    ahead = [satellite(codec=STUDENT | {"policy": "lookahead"})]
    file = write(tmp_path, scenario(duration="4 h", satellites=ahead))
    cache = ContentCache(tmp_path / "cache")
    results = run_scenario(load_scenario(file), cache=cache, tradeoff=False)
    (point,) = report_data(results, "").tradeoff
    assert (point.codec, point.setting, point.is_this_run) == ("student", "2bpp lookahead", True)
    total = results.summary["total"]
    assert point.psnr_db == total["psnr_db"]["pooled"]
    assert point.bpp < 2.0


SHRINKING = satellite(codec=STUDENT, recorder={"capacity": "1 MB", "when_full": "shrink"})
ON_A_BOARD = satellite(
    codec={"name": "student", "quality": 50, "tile": 32},
    encoder={"backend": "board", "port": "loop://"},
)


@pytest.mark.parametrize(
    ("one", "name", "setting", "words"),
    [
        (SHRINKING, "jpegls", Setting(quality=95), "recorder.when_full of sat: found shrink"),
        (ON_A_BOARD, "student", Setting(bpp=1.0), "codec.bpp of sat: found bpp with encoder"),
    ],
    ids=["shrink", "board"],
)
def test_a_comparison_refuses_what_a_scenario_may_not_have(
    tmp_path: Path, one: dict[str, object], name: str, setting: Setting, words: str
) -> None:
    write_scene(tmp_path / "scene.tif")
    loaded = load_scenario(write(tmp_path, scenario(satellites=[one])))
    with pytest.raises(InputError, match=words):
        with_codec(loaded, name, setting)
    assert with_codec(loaded, "student", Setting(quality=30)).satellites[0].codec.quality == 30
