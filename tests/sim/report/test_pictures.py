"""What the pictures are drawn from: curves, tracks, stages and words, without looking at them."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from downpass.sim.report import (
    ReportData,
    backlog,
    bytes_flow,
    comparison,
    crops,
    groundtrack,
    latency,
    outcome,
    style,
    targets,
    timeline,
    tradeoff,
)
from downpass.sim.report.timeaxis import ticks
from hypothesis import given, settings
from hypothesis import strategies as st
from report_synthetic import crops as synthetic_crops
from report_synthetic import results
from report_synthetic import tradeoff as points

DAY = results()


def number_in(text: str, before: str) -> float:
    found = re.search(rf"{before}\D*?([\d.,]+)", text.replace("\u00a0", " "))
    assert found is not None, (before, text)
    return float(found[1].replace(",", "").rstrip("."))


def test_a_backlog_curve_holds_between_events_and_reaches_the_end() -> None:
    curve = backlog.curve(DAY, "sat-a")
    assert curve.time_s[0] == 0
    assert curve.level[0] == 0
    assert curve.time_s[-1] == DAY.duration_s
    assert curve.peak == max(DAY.events.column("backlog_bytes").to_pylist())
    assert curve.level[-1] == DAY.events.column("backlog_bytes").to_pylist()[-1]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10**9)), min_size=1, max_size=3000),
    st.integers(2, 40),
)
def test_thinning_keeps_peak_ends_and_order(steps: list[tuple[float, int]], bins: int) -> None:
    steps.sort()
    time, level = (np.array(values, dtype=float) for values in zip(*steps, strict=True))
    thin = backlog.decimated(backlog.BacklogCurve(time, level), bins)
    assert thin.time_s.size <= 4 * bins
    assert thin.level.max() == level.max()
    assert thin.level.min() == level.min()
    assert (thin.time_s[0], thin.time_s[-1]) == (time[0], time[-1])
    assert (np.diff(thin.time_s) >= 0).all()


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 50))), st.floats(0, 20))
def test_merged_spans_cover_what_they_covered(spans: list[tuple[float, float]], gap: float) -> None:
    given_spans = [(start, start + length) for start, length in spans]
    joined = style.merged(given_spans, gap)
    for start, end in given_spans:
        assert any(low <= start and end <= high for low, high in joined)
    assert all(b[0] - a[1] >= gap for a, b in pairwise(joined))


@given(
    st.floats(-720, 720),
    st.lists(st.floats(-100, 100), min_size=1, max_size=60),
    st.data(),
)
def test_a_track_is_cut_at_the_edge_of_the_map(
    first: float, steps: list[float], data: st.DataObject
) -> None:
    longitude = first + np.concatenate(([0], np.cumsum(steps)))
    latitude = np.array(
        data.draw(st.lists(st.floats(-90, 90), min_size=longitude.size, max_size=longitude.size))
    )
    lines = groundtrack.segments(longitude, latitude)
    for line in lines:
        assert np.abs(line[:, 0]).max() <= 180
        assert np.abs(np.diff(line[:, 0])).max() <= 180
        assert np.abs(line[:, 1]).max() <= 90
    drawn = {tuple(corner) for line in lines for corner in line.tolist()}
    assert len(drawn) >= 1


def test_a_cut_track_meets_the_edge_where_it_crosses() -> None:
    lines = groundtrack.segments(np.array([170.0, -170.0]), np.array([0.0, 10.0]))
    assert [line.tolist() for line in lines] == [
        [[170.0, 0.0], [180.0, 5.0]],
        [[-180.0, 5.0], [-170.0, 10.0]],
    ]


def test_the_land_is_the_earth_s() -> None:
    # Some places that are land, and some that are sea, among them the Caspian and the antimeridian.
    from matplotlib.path import Path

    rings = [Path(ring) for ring in groundtrack.land()]

    def inside(latitude: float, longitude: float) -> bool:
        return sum(ring.contains_point((longitude, latitude)) for ring in rings) % 2 == 1

    for latitude, longitude in ((48, 2), (-25, 134), (40, -100), (67, 179), (67, -176), (-85, 0)):
        assert inside(latitude, longitude), (latitude, longitude)
    for latitude, longitude in ((0, -30), (42, 50), (74, 165), (0, 179), (-60, 0), (30, -50)):
        assert not inside(latitude, longitude), (latitude, longitude)
    areas = sum(
        abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
        for x, y in (ring.T for ring in groundtrack.land())
    )
    # An outside figure: 29 % of the globe's area is land; in square degrees of this projection the
    # polar share is larger, so only the order is checked.
    assert 0.25 < areas / (360 * 180) < 0.45


def test_bytes_of_each_stage_add_up() -> None:
    captured, encoded, sent = bytes_flow.stages(DAY)
    sizes = DAY.total["bytes"]
    assert captured.size == sizes["captured"]
    assert encoded.size == sizes["encoded"]
    assert sent.size == sizes["sent"]
    dropped = [part for part in captured.parts if part.label.startswith("dropped")]
    assert dropped
    raw = DAY.frames.to_pylist()
    assert sum(part.size for part in dropped) == sum(
        row["raw_bytes"] for row in raw if row["state"] == "dropped"
    )


@given(st.lists(st.integers(1, 10**15), min_size=1, max_size=12))
def test_every_part_of_a_bar_can_be_seen(sizes: list[int]) -> None:
    stage = bytes_flow.FlowStage("x", tuple(bytes_flow.Part("y", size, "#000") for size in sizes))
    found = bytes_flow.lengths(stage, 356.0)
    assert sum(found) == pytest.approx(356.0)
    assert min(found) >= 2.5
    assert sizes.index(max(sizes)) in [n for n, size in enumerate(found) if size == max(found)]


def test_one_frame_is_one() -> None:
    counts = {"captured": 1, "encoded": 1, "delivered": 1, "delivered_whole": 1}
    total = {
        "frames": counts,
        "bytes": {"captured": 12_288, "encoded": 504},
        "latency_s": {"median": 5.4e-4, "p95": 5.4e-4},
        "delivered_px": 4096,
        "delivered_km2": 0.4096,
        "graded": {"frames": 1},
        "psnr_db": {"pooled": 53.7},
    }
    words = " ".join(outcome.paragraph(replace(DAY, summary={"total": total})))
    words = words.replace("\u00a0", " ")
    assert "took 1 frame (12.3 kB raw) and encoded it to 504 B with " in words
    assert "It reached the ground whole: 4.1 kpx over 0.41 km², 540 µs after its capture." in words


def test_the_words_carry_the_figures() -> None:
    paragraph = " ".join(outcome.paragraph(DAY))
    total = DAY.total
    assert number_in(paragraph, "took") == total["frames"]["captured"]
    assert number_in(paragraph, r"encoded") == total["frames"]["encoded"]
    assert number_in(paragraph, "PSNR of") == pytest.approx(total["psnr_db"]["pooled"], abs=0.05)
    assert number_in(paragraph, "MS-SSIM of") == pytest.approx(total["ms_ssim"]["mean"], abs=5e-4)
    lost = sum(total["frames"]["dropped"].values())
    assert f"{lost}\u00a0frames were dropped" in paragraph
    assert "was lost on the way: " in paragraph

    shown = backlog.picture(DAY)
    assert number_in(shown.alt, "peaks at") == pytest.approx(
        total["backlog_bytes"]["peak"] / 1000, rel=0.005
    )
    delays = latency.picture(DAY)
    assert delays is not None
    assert number_in(delays.alt, "Of") == total["frames"]["delivered"]
    chart = timeline.picture(DAY)
    assert chart is not None
    assert number_in(chart.alt, "^") == DAY.passes.num_rows
    used = sum(amount > 0 for amount in DAY.passes.column("sent_bytes").to_pylist())
    assert number_in(chart.alt, "of which") == used
    curve = tradeoff.picture(points(), DAY.duration_s)
    assert curve is not None
    assert "JPEG 2000 goes from" in curve.alt
    assert "This run's setting, JPEG 2000 at 0.5" in curve.alt


def test_targets_are_told_apart_by_what_became_of_their_frames() -> None:
    outcome = targets.outcomes(DAY)
    rows = DAY.frames.to_pylist()
    for name, (taken, delivered) in outcome.items():
        assert taken == sum(row["target"] == name for row in rows)
        assert delivered == sum(
            row["target"] == name and row["state"] == "delivered" for row in rows
        )


def test_many_stations_share_a_row() -> None:
    fleet = results(satellites=tuple(f"sat-{n}" for n in range(10)))
    charted = timeline.groups(fleet)
    assert [row.label for row in charted[0].rows] == ["imaging", "all stations", "eclipse"]
    alone = timeline.groups(DAY)
    assert {row.label for row in alone[0].rows} == {
        "imaging",
        "eclipse",
        *(station.name for station in DAY.stations),
    }


def test_ids_are_unique_and_colours_are_the_page_s() -> None:
    wide, narrow = (
        style.draw(key, lambda _narrow: 100, lambda sheet: sheet.text(5, 50, "a & <b> $x$"))
        for key in ("one", "two")
    )
    for svg in (*wide, *narrow):
        assert "#1000" not in svg
        assert "var(--ink)" in svg
        assert "&lt;b&gt;" in svg
        assert "$x$" in svg


@pytest.mark.parametrize("days", [2e-5, 5e-4, 0.01, 0.3, 1, 3, 30, 400])
@pytest.mark.parametrize("hour", [0, 7])
def test_ticks_are_round_and_few(days: float, hour: int) -> None:
    start = datetime(2024, 12, 2, hour, 30, tzinfo=UTC)
    found = ticks(start, days * 86_400, 9)
    assert 2 <= len(found) <= 10
    assert all(0 <= seconds <= days * 86_400 for seconds, _ in found)
    steps = np.diff([seconds for seconds, _ in found])
    assert np.allclose(steps, steps[0])


def test_axes_of_nothing_have_no_powers_of_ten() -> None:
    nothing = [replace(point, delivered_px=0) for point in points()]
    curve = tradeoff.picture(nothing, DAY.duration_s)
    assert curve is not None
    for svg in (curve.wide, curve.narrow):
        labels = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
        assert "10" in labels
        assert not any(re.search(r"\de", label) for label in labels)


def test_ticks_of_a_short_run_have_seconds() -> None:
    start = datetime(2024, 12, 2, 0, 0, 59, tzinfo=UTC)
    assert ticks(start, 3, 9) == [
        (0, "00:00:59"), (1, "00:01:00"), (2, "00:01:01"), (3, "00:01:02"),
    ]  # fmt: skip


def test_one_frame_is_told_in_the_singular() -> None:
    total = {
        "frames": {"captured": 1, "encoded": 1, "delivered": 1, "delivered_whole": 1},
        "psnr_db": {"pooled": 35.5, "p5": 35.5, "exact": 0},
        "ms_ssim": {"mean": 0.976, "left_out": 0},
        "graded": {"frames": 1, "tiles": 4},
        "backlog_bytes": {"peak": 4033, "mean": 0},
    }
    data = replace(DAY, summary={"total": total})
    words = " ".join(outcome.paragraph(data)).replace("\u00a0", " ")
    assert "The delivered frame has a PSNR of 35.5 dB over all its pixels, and an MS-SSIM" in words
    assert "The backlog peaked at 4.03 kB and was < 1 B on average." in words
    total["psnr_db"] = {"pooled": None, "exact": 1}
    assert "The delivered frame is exact" in " ".join(outcome.paragraph(data))


def test_a_crop_is_embedded_without_loss() -> None:
    import base64

    import imagecodecs

    crop = synthetic_crops(1)[0]
    pair = crops.pair(crop, "pair1")
    head, _, body = pair.before.uri.partition(",")
    assert head == "data:image/webp;base64"
    assert np.array_equal(imagecodecs.webp_decode(base64.b64decode(body)), crop.original)
    assert "34.2\u00a0dB" in pair.facts
    assert "lisbon" in pair.after.alt


@pytest.mark.parametrize("shape", [(400, 500, 3), (10, 1000, 3), (256, 256, 3), (1, 1, 3)])
def test_a_large_crop_is_cut_to_its_middle(shape: tuple[int, int, int]) -> None:
    pixels = np.zeros(shape, dtype=np.uint8)
    pixels[shape[0] // 2, shape[1] // 2] = 255
    part = crops.middle(pixels)
    assert part.shape == (min(shape[0], 256), min(shape[1], 256), 3)
    assert part[part.shape[0] // 2, part.shape[1] // 2, 0] == 255


def test_a_crop_of_one_pixel_is_embedded() -> None:
    pixel = np.array([7, 8, 9], np.uint8).reshape(3, 1, 1).transpose(1, 2, 0)
    assert crops.still(pixel, "", "").uri.startswith("data:image/webp;base64,")


def test_a_crop_that_is_none_is_refused() -> None:
    for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint16), np.zeros((0, 4, 3))):
        with pytest.raises(ValueError, match="a crop is uint8"):
            crops.middle(wrong)


def test_a_fleet_s_backlog_is_the_sum_of_its_satellites() -> None:
    fleet = results(satellites=("a", "b", "c"))
    together = comparison.fleet_curve(fleet)
    for moment in (0.0, 20_000.0, 50_000.0, 86_400.0):
        single = 0.0
        for name in fleet.satellites:
            curve = backlog.curve(fleet, name)
            single += curve.level[np.searchsorted(curve.time_s, moment, side="right") - 1]
        index = np.searchsorted(together.time_s, moment, side="right") - 1
        assert together.level[index] == single


def test_backlogs_share_an_axis_only_if_their_peaks_are_alike() -> None:
    full = results()
    column = full.events.schema.get_field_index("backlog_bytes")

    def scaled(factor: float) -> ReportData:
        level = pa.array([int(v * factor) for v in full.events["backlog_bytes"].to_pylist()])
        return replace(full, events=full.events.set_column(column, "backlog_bytes", level))

    alike = comparison.backlogs([full, scaled(0.5)], ["student:2bpp", "student:1bpp"])
    assert "the same axes for all" in alike.alt
    unlike = comparison.backlogs([full, scaled(0.1), scaled(0)], ["a:2bpp", "b:1bpp", "c:1bpp"])
    assert "each on its own axis" in unlike.alt
    assert "axis of its own" in unlike.caption
    assert alike.wide != unlike.wide


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1000)), min_size=1, max_size=30),
    st.integers(1, 40),
)
@settings(deadline=None)
def test_bins_keep_extremes_and_means(points: list[tuple[float, int]], bins: int) -> None:
    times = sorted(time for time, _ in points)
    level = np.array([0.0, *(float(value) for _, value in points), float(points[-1][1])])
    steps = backlog.BacklogCurve(np.array([0.0, *times, 100.0]), level)
    found = backlog.bins_of(steps, bins)
    length = np.diff(steps.time_s)
    assert (found.lowest <= found.highest).all()
    assert found.mean.mean() * 100 == pytest.approx(float((level[:-1] * length).sum()))
    # Levels that last show; one that is replaced at its own time need not.
    lasting = level[:-1][length > 0]
    assert found.highest.max() >= lasting.max()
    assert found.lowest.min() <= lasting.min()
    assert (found.mean <= found.highest + 1e-6).all()
    assert (found.mean >= found.lowest - 1e-6).all()


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30)), max_size=20), st.integers(1, 30))
def test_shares_of_bins_add_up_to_the_spans(pairs: list[tuple[float, float]], bins: int) -> None:
    spans = [(start, min(start + length, 100.0)) for start, length in pairs]
    found = timeline.shares(spans, 100.0, bins)
    assert found.sum() * 100 / bins == pytest.approx(sum(end - start for start, end in spans))


def test_a_month_is_drawn_in_bins() -> None:
    month = results(days=30, frames_an_access=1)
    shown, chart = backlog.picture(month), timeline.picture(month)
    assert chart is not None
    assert "mean over even times" in shown.caption
    assert chart.caption.startswith("Columns: share of the time")
    assert "too many eclipses" not in chart.caption
    assert len(shown.wide) + len(chart.wide) < 120_000
    assert "mean over even times" not in backlog.picture(DAY).caption
