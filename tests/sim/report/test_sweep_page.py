"""The page of a sweep: what it says, that its links lead somewhere, and that it stays small."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from downpass.sim.commands.sweep_table import points_json, print_points
from downpass.sim.report.sweep import render_sweep, sentences
from downpass.sim.report.sweep_data import (
    DROPPED,
    FIGURES,
    LATENCY,
    PIXELS,
    PSNR,
    SweepAxis,
    SweepData,
    SweepPoint,
)
from downpass.sim.report.sweep_front import fronts, panels, picture
from downpass.sim.report.sweep_heat import heat_maps
from downpass.sim.sweep.intervals import Interval
from sweep_synthetic import CAPACITY, sweep

MANY = tuple(f"[station-{n}]" for n in range(30))


@pytest.mark.parametrize(
    "data",
    [sweep(), sweep(1, 1), sweep(40, 30, MANY[:4]), sweep(2, 2, pixels=False), sweep(12, 1, MANY)],
    ids=["grid", "one", "thousands", "no pixels", "names"],
)
def test_every_link_leads_to_a_row(data: SweepData) -> None:
    page = render_sweep(data)
    ids = set(re.findall(r' id="([^"]+)"', page))
    links = set(re.findall(r'href="#([^"]+)"', page)) - {"content"}
    shown = {link for link in links if re.fullmatch(r"p\d+", link)}
    assert shown <= ids
    assert len(ids) == len(re.findall(r' id="([^"]+)"', page))
    assert page == render_sweep(data)
    assert len(page.encode()) < 1_500_000


def test_hostile_names_are_text() -> None:
    page = render_sweep(sweep())
    assert "<b>" not in page
    assert page.count("<script>") == 1  # the page's own
    assert "\u202e" not in page
    assert "One point could not be run" in page.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("dropped", "failed", "seeds", "sampled", "words"),
    [
        ((0, 0, 0), 0, 1, False,
         "3 points, every combination of the values. No point drops a frame."),
        ((0,), 0, 5, False, "1 point, with 5 seeds. No point drops a frame."),
        ((0, 4), 0, 1, True, "2 drawn points. 1 of 2 drops nothing."),
        ((0, 0, 4), 1, 1, True,
         "3 drawn points. One point could not be run. 1 of 2 drops nothing."),
        ((0, 4), 2, 1, True, "2 drawn points. Two points could not be run."),
        ((0, 4), 0, 20, True,
         "2 drawn points, each with 20 seeds. 1 of 2 drops nothing in at least 95 % of its runs."),
    ],
)  # fmt: skip
def test_what_points_drop(
    dropped: tuple[int, ...], failed: int, seeds: int, sampled: bool, words: str
) -> None:
    points = [
        SweepPoint(n, ("1", "1 MB"), seeds, seeds if n < failed else 0, "", dict.fromkeys(
            figure.key for figure in FIGURES) | {
                DROPPED.key: None if n < failed else Interval(0, 0, count, seeds)})
        for n, count in enumerate(dropped)
    ]  # fmt: skip
    data = replace(sweep(), points=tuple(points), seeds=seeds, sampled=sampled)
    assert " ".join(sentences(data)).replace("\u00a0", " ") == words
    page = render_sweep(data).replace("\u00a0", " ")
    assert f"a sweep of {'1 point' if len(dropped) == 1 else f'{len(dropped)} points'}<" in page


def test_exact_points_are_the_best_and_are_not_drawn() -> None:
    data = sweep()
    exact = Interval(math.inf, math.inf, math.inf, 3)
    points = list(data.points)
    points[5] = replace(points[5], figures={**points[5].figures, PSNR.key: exact})
    data = replace(data, points=tuple(points))
    page = render_sweep(data).replace("\u00a0", " ")
    assert "PSNR: exact, with codec.bpp 1.25, recorder.capacity 3 MB" in page
    assert not re.search(r"\b(nan|inf)\b", page.partition("<script>")[0].lower())
    heat = next(one for one in heat_maps(data, range(12)) if one.key == "psnr")
    cells = [cell for _, cells in heat.rows for cell in cells]
    assert [cell.text for cell in cells if cell.best] == ["exact"]
    assert all(0 <= cell.share <= 1 for cell in cells if cell.share is not None)
    assert all(points[5] in front for front in fronts(data))
    found = points_json(data)["points"][5]
    assert found["front"]
    assert found["figures"][PSNR.column] is None
    assert found["figures"][PIXELS.column] is not None


def test_fronts_of_a_sweep() -> None:
    data = sweep()
    assert panels(data) == [(LATENCY, PSNR), (DROPPED, PSNR), (PIXELS, PSNR)]
    for (across, up), front in zip(panels(data), fronts(data), strict=True):
        for point in front:
            for other in data.points:
                if other.median(across) is None:
                    continue
                x, y = other.median(across) or 0.0, other.median(up) or 0.0
                a, b = point.median(across) or 0.0, point.median(up) or 0.0
                better = (x < a if across.less else x > a) and y > b
                assert not better
    drawn = picture(data, range(12))
    assert drawn is not None
    assert "on the front" in drawn.alt
    assert len(drawn.wide_links) == 3 * 11  # all points but the failed one, in each panel
    assert all(0 < link.left < 1 and 0 < link.top < 1 for link in drawn.wide_links)


def test_without_a_finite_psnr_the_fronts_are_of_throughput() -> None:
    assert panels(sweep(pixels=False)) == [(LATENCY, PIXELS), (DROPPED, PIXELS)]
    exact = Interval(math.inf, math.inf, math.inf, 3)
    data = sweep(2, 2)
    points = tuple(replace(p, figures={**p.figures, PSNR.key: exact}) for p in data.points)
    data = replace(data, points=points)
    assert panels(data) == [(LATENCY, PIXELS), (DROPPED, PIXELS)]
    assert "PSNR: exact, with" in render_sweep(data)


def test_a_heat_map_has_every_point_of_a_small_grid() -> None:
    data = sweep()
    maps = {heat.key: heat for heat in heat_maps(data, range(12))}
    dropped = maps["dropped"]
    assert (dropped.rows_label, dropped.columns_label) == ("codec.bpp", "recorder.capacity")
    assert dropped.columns == ("1 MB", "2 MB", "3 MB")
    assert [label for label, _ in dropped.rows] == ["1", "1.25", "1.5", "1.75"]
    texts = [cell.text for _, cells in dropped.rows for cell in cells]
    expected = [data.points[n].median(DROPPED) for n in range(12)]
    assert texts == ["failed", *(f"{value:.0f}" for value in expected[1:])]
    assert all(cell.best == (cell.text == "0") for _, cells in dropped.rows for cell in cells)


def test_many_values_are_joined_to_levels() -> None:
    data = sweep(40, 30, MANY[:4])
    for heat in heat_maps(data, range(12)):
        assert len(heat.rows) <= 16
        assert len(heat.columns) <= 8
        assert all(len(cells) == len(heat.columns) for _, cells in heat.rows)


def test_long_fields_and_a_single_point() -> None:
    data = replace(sweep(1, 1), axes=(SweepAxis("x" * 400, ("1",)), SweepAxis(CAPACITY, ("1 MB",))))
    assert "could not be run" in render_sweep(data)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((0.5, 0.001, 1e-05), ("1e-05", "0.001", "0.5")),
        ((2.5e16, 1e5, 3), ("3", "100000", "2.5e+16")),
        (("2e3 B", "64 B"), ("64 B", "2e3 B")),
        (("16 MB", "2 MB"), ("2 MB", "16 MB")),
        (("2 MB", "500 kB"), ("2 MB", "500 kB")),
        (("b", "a"), ("b", "a")),
    ],
    ids=str,
)
def test_an_axis_shows_numbers_of_one_unit_by_size(
    values: tuple[object, ...], shown: tuple[str, ...]
) -> None:
    assert SweepAxis.of("a", values).values == shown


def test_the_terminal_tells_the_same_field_of_many_satellites_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    data = sweep(rates=2, capacities=2)
    fields = ("satellites.10.recorder.capacity", "satellites.11.recorder.capacity")
    axes = tuple(SweepAxis(f, a.values) for f, a in zip(fields, data.axes, strict=True))
    print_points(replace(data, axes=axes))
    words = capsys.readouterr().out
    assert "10.recorder.capacity" in words
    assert "11.recorder.capacity" in words


def test_the_terminal_tells_how_many_of_many_points_it_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    data = sweep(5, 5)
    number = len({point.number for front in fronts(data) for point in front})
    print_points(data)
    title, _, *lines = capsys.readouterr().out.splitlines()[1:]
    expected = f"25 points, of which {number} on a Pareto front; medians over 3 seeds"
    assert title == f"{data.scenario_name}: {expected}"  # in one line
    assert sum(bool(re.match(r" +\d+ ", line)) for line in lines) == number
    failed = [
        replace(p, failed=3, error="why", figures=dict.fromkeys(p.figures)) for p in data.points
    ]
    print_points(replace(data, points=tuple(failed)))
    out = capsys.readouterr().out
    assert "25 points; the first 20; medians" in out
    assert len(re.findall(r"^ +\d+ ", out, re.M)) == 20
