"""The pages as text: complete, escaped, the same every time, of bounded size."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import pytest
from downpass.link.errors import InputError
from downpass.sim.report import (
    ReportData,
    StationSite,
    TargetSite,
    TradeoffPoint,
    render,
    render_comparison,
    write_report,
)
from report_synthetic import comparison, empty, results

# The words of a table cannot hold a lone surrogate; those of the scenario's own fields could.
LONE = "\ud800"
NASTY = "<script>alert('x')</script> & \"q\" $a$ {{ 7*7 }} \x00 衛星 " + "long-" * 40


class Outline(HTMLParser):
    """Headings, ids, references and images of a page, and whether its tags are balanced."""

    VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.images: list[str | None] = []
        self.scripts = 0
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in values:
            self.ids.append(str(values["id"]))
        for name in ("href", "aria-labelledby"):
            value = values.get(name) or ""
            if value.startswith("#") or (name == "aria-labelledby" and value):
                self.references.append(value.lstrip("#"))
        self.references += re.findall(r"url\(#([^)]+)\)", " ".join(str(v) for _, v in attrs))
        if tag == "img":
            self.images.append(values.get("alt"))
        if values.get("role") == "img":
            self.images.append(values.get("aria-label"))
        self.scripts += tag == "script"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(html: str) -> Outline:
    outline = Outline(html)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(outline.headings))
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.references) <= set(outline.ids)
    assert all(outline.images), "an image has no words"
    assert outline.scripts == 1
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert "nan" not in re.sub(r"base64,[^\"]*", "", html).lower().split()
    html.encode("utf-8")
    return outline


@pytest.fixture(scope="module")
def day() -> ReportData:
    return results()


@pytest.fixture(scope="module")
def html(day: ReportData) -> str:
    return render(day)


def test_a_day_is_complete_and_small(html: str) -> None:
    outline = check(html)
    assert len(html) < 2_000_000
    # Six pictures, and four pairs of crops.
    assert len(outline.images) == 6 + 8
    for text in ("quickstart", "downpass run scenarios/quickstart.yaml", "seed 1", "modelled"):
        assert text in html


def test_the_same_data_gives_the_same_bytes_whatever_the_user_s_matplotlib(html: str) -> None:
    with mpl.rc_context({"font.size": 40.0, "axes.grid": True, "svg.fonttype": "path"}):
        assert render(results()) == html
        assert mpl.rcParams["font.size"] == 40.0


@pytest.mark.parametrize(
    "make",
    [
        empty,
        lambda: results(stations=()),
        lambda: results(targets=()),
        lambda: results(pixels=False),
        lambda: results(satellites=()),
        lambda: replace(results(), tracks={}, eclipses={}, targets=(), stations=(), crops=()),
    ],
    ids=["nothing", "no passes", "no frames", "no pixels", "no satellites", "no places"],
)
def test_what_is_not_there_is_said(make: Callable[[], ReportData]) -> None:
    html = render(make())
    check(html)
    assert "absent" in html


def test_frames_without_pixels_say_so() -> None:
    html = render(results(pixels=False))
    assert "no pixels and no PSNR" in html
    assert "No setting has a PSNR" in html


def test_a_lossless_run_is_called_exact(day: ReportData) -> None:
    frames = day.total["frames"]["delivered"]
    quality = {
        "psnr_db": {"mean": None, "p5": None},
        "ms_ssim": {"mean": 1.0, "p5": 1.0},
        "graded": {"frames": frames, "lossless": frames, "undecodable": 0},
    }
    summary = {**day.summary, "total": {**day.total, **quality}}
    html = render(replace(day, summary=summary, tradeoff=()))
    check(html)
    assert "The delivered frames are exact" in html
    assert "no pixels to measure" not in html


def test_what_went_wrong_is_said(day: ReportData) -> None:
    graded = {"frames": 125, "lossless": 2, "undecodable": 1, "tiles": 500, "lost_tiles": 38}
    frames = {**day.total["frames"], "missed": {"duty-cycle": 7}}
    total = {**day.total, "graded": graded, "frames": frames}
    page = render(replace(day, summary={**day.summary, "total": total})).replace("\u00a0", " ")
    assert "2 are exact and not in that mean." in page
    assert "38 of their 500 tiles were lost on the way and are concealed." in page
    assert "1 frame could not be decoded." in page
    assert "7 frames could not be taken: duty cycle." in page


def test_thirty_days_of_ten_satellites_stay_small() -> None:
    month = results(satellites=tuple(f"sat-{n}" for n in range(10)), days=30, frames_an_access=1)
    assert month.events.num_rows > 1_000
    html = render(month)
    check(html)
    assert len(html) < 2_000_000


def test_names_are_text_and_never_markup() -> None:
    site = TargetSite(NASTY, 10.0, 20.0)
    data = results((NASTY,), stations=(StationSite(NASTY, 78.0, 15.0),), targets=(site,))
    point = TradeoffPoint(NASTY, NASTY, 0.5, 40.0, 0.9, 1e6, 4, True)
    data = replace(
        data,
        scenario_name=NASTY + LONE,
        description=NASTY + LONE,
        command=NASTY + LONE,
        version=NASTY,
        codecs={NASTY: NASTY},
        tradeoff=(point,),
        crops=tuple(replace(crop, target=NASTY, note=NASTY) for crop in data.crops),
    )
    for html in (render(data), render_comparison([data, data], [NASTY, NASTY])):
        check(html)
        assert "<script>alert" not in html
        assert "{{ 7*7 }}" in html
        assert "\x00" not in html
        assert "衛星" in html


def test_a_comparison_holds_every_choice() -> None:
    runs, labels = comparison()
    html = render_comparison(runs, labels)
    outline = check(html)
    assert len(html) < 2_000_000
    assert len(outline.images) == 2 + 3 * (1 + len(runs))
    for text in ("JPEG 2000 at 0.5\u00a0bpp", "JPEG XL at 1.5\u00a0bpp", "highest mean PSNR"):
        assert text in html
    assert render_comparison(runs, labels) == html


@pytest.mark.parametrize("number", [1, 2])
def test_a_comparison_of_nothing_delivered(number: int) -> None:
    check(render_comparison([empty()] * number))


def test_a_comparison_needs_runs_and_their_labels() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        render_comparison([])
    with pytest.raises(ValueError, match="1 runs but 2 labels"):
        render_comparison([empty()], ["a", "b"])


def test_a_report_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, "old")
    write_report(path, "new €")
    assert path.read_text(encoding="utf-8") == "new €"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"report\.html: cannot write the report: "):
        write_report(tmp_path / "missing" / "report.html", "text")
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match="cannot write the report"):
        write_report(tmp_path / "report.html", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
