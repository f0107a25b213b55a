"""The report's part on links: which passes are drawn, what is said, and hostile names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from downpass.sim.mission.flight import fly
from downpass.sim.report import ReportData, render
from downpass.sim.report import link as part
from downpass.sim.report.link_views import MOST_LINKS, link_views
from downpass.sim.scenario.scenario import Scenario
from report_synthetic import links, results

LINK = {
    "frequency": "8.2 GHz",
    "eirp": "10 dBW",
    "symbol_rate": "25 Msymbol/s",
    "modes": "dvb-s2",
    "coding": "acm",
}
STATIONS = ("svalbard", "inuvik", "fairbanks", "trollsat", "mcmurdo", "awarua", "punta-arenas")


@pytest.fixture(scope="module")
def day() -> ReportData:
    return replace(results(), links=links())


def scenario(satellites: int, stations: tuple[str, ...], hours: int) -> Scenario:
    one: dict[str, Any] = {
        "imager": {"swath": "10 km", "gsd": "10 m", "frame_length": "10 km", "bands": 1},
        "processor": {"profile": "zynq-7020"},
        "recorder": {"capacity": "1 GB"},
        "codec": {"name": "jpeg2000", "bpp": 1.0},
        "transmitter": {"link": LINK},
    }
    return Scenario.model_validate(
        {
            "name": "s",
            "start": "2024-12-02T00:00:00Z",
            "duration": f"{hours} h",
            "satellites": [
                one
                | {
                    "name": f"sat-{n}",
                    "orbit": {
                        "altitude": "500 km",
                        "sun_synchronous": True,
                        "local_time": f"{6 + n:02d}:00",
                    },
                }
                for n in range(satellites)
            ],
            "targets": [{"name": "t", "at": [0, 0]}],
            "stations": [{"use": s, "receiver": {"g_over_t": "20 dB/K"}} for s in stations],
        }
    )


def test_without_links_the_report_has_no_part_on_them() -> None:
    html = render(results())
    assert 'id="link"' not in html
    assert part.picture(results()) is None


def test_the_part_says_what_is_drawn_and_what_the_weather_took(day: ReportData) -> None:
    picture = part.picture(day)
    assert picture is not None
    assert "Of 18 passes 4 are drawn" in picture.caption
    assert "QPSK 1/2 to 8PSK 3/5" in picture.alt
    table = part.rain(day)
    assert table is not None
    assert [row[-1] for row in table.rows] == ["", "", "band not received"]
    assert table.rows[2][3] == "–"
    assert [budget.caption for budget in part.budgets(day)] == [
        "sat-a to svalbard",
        "sat-a to singapore",
    ]
    html = render(day)
    assert "20 log(4π d f / c)" in html
    assert "−177.20" in html


def test_names_of_stations_are_text(day: ReportData) -> None:
    hostile = links(("<script>alert(1)</script>", "b\u202e\u0007c", "d"))
    html = render(replace(day, links=hostile))
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert "\u0007" not in html


def test_few_links_have_best_median_and_worst_pass() -> None:
    views, left_out = link_views(fly(scenario(1, ("svalbard", "awarua"), 48)))
    assert left_out == 0
    assert [view.station for view in views] == ["svalbard", "awarua"]
    for view in views:
        which = [drawn.which.partition(" of")[0] for drawn in view.drawn]
        assert which == ["best", "median", "worst"]
        sizes = [drawn.received_bytes for drawn in view.drawn]
        assert sizes == sorted(sizes, reverse=True)
        assert sum(sizes) <= view.received_bytes
        for drawn in view.drawn:
            spans = drawn.spans
            assert (spans[0].start_s, spans[-1].end_s) == (drawn.time_s[0], drawn.time_s[-1])
        assert view.budget[-1].name == "information rate"
        assert view.best.endswith("is sent")


def test_many_links_are_limited_and_counted() -> None:
    flight = fly(scenario(3, STATIONS, 12))
    views, left_out = link_views(flight)
    assert len(views) == MOST_LINKS
    assert left_out > 0
    assert all(len(view.drawn) <= 1 for view in views)
    data = replace(results(), links=views, links_left_out=left_out)
    picture, table = part.picture(data), part.rain(data)
    assert picture is not None
    assert table is not None
    assert "the median by bytes received" in picture.caption
    assert "more link" in table.note


@pytest.mark.parametrize(("availability", "faded"), [(0.99999, True), (0.5, False)])
def test_time_with_a_fade_is_part_of_the_time_of_passes(availability: float, faded: bool) -> None:
    # At 26 GHz, a fixed availability of 0.99999 fades by more than 1 dB all the time.
    given = scenario(1, ("svalbard",), 12).model_dump(by_alias=True)
    given["satellites"][0]["transmitter"]["link"]["frequency"] = 26e9
    given["weather"] = {"availability": availability}
    (view,), _ = link_views(fly(Scenario.model_validate(given)))
    assert view.time_s > 1000
    assert view.faded_s == pytest.approx(view.time_s if faded else 0.0)
