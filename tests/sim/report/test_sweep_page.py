"""The page of a sweep: what it says, that its links lead somewhere, and that it stays small."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from downpass.sim.report.sweep import render_sweep
from downpass.sim.report.sweep_data import (
    DROPPED,
    LATENCY,
    PIXELS,
    PSNR,
    SweepAxis,
    SweepData,
)
from downpass.sim.report.sweep_front import fronts, panels, picture
from downpass.sim.report.sweep_heat import heat_maps
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


def test_without_pixels_the_fronts_are_of_throughput() -> None:
    assert panels(sweep(pixels=False)) == [(LATENCY, PIXELS), (DROPPED, PIXELS)]


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
