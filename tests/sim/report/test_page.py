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
    files = r"(?:summary\.json|tradeoff\.csv|(?:events|frames|passes|accesses)\.parquet)\""
    assert not re.search(rf'(?:src|href)="(?!data:|#|{files})', html)
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
    # Seven pictures, and four pairs of crops.
    assert len(outline.images) == 7 + 8
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
    assert "No setting has a finite PSNR" in html


def test_a_lossless_run_is_called_exact(day: ReportData) -> None:
    frames = day.total["frames"]["delivered"]
    quality = {
        "psnr_db": {"pooled": None, "p5": None, "exact": frames, "left_out": 0},
        "ms_ssim": {"mean": 1.0, "p5": 1.0, "left_out": 0},
        "graded": {"frames": frames, "undecodable": 0},
    }
    summary = {**day.summary, "total": {**day.total, **quality}}
    html = render(replace(day, summary=summary, tradeoff=()))
    check(html)
    assert "The delivered frames are exact" in html
    assert "no pixels to measure" not in html


def test_what_went_wrong_is_said(day: ReportData) -> None:
    graded = {"frames": 125, "undecodable": 1, "tiles": 500, "lost_tiles": 38}
    graded["undecodable_tiles"] = 2
    frames = {**day.total["frames"], "missed": {"duty-cycle": 7}}
    total = {**day.total, "graded": graded, "frames": frames, "encode_energy_j": None}
    total["psnr_db"] = {**day.total["psnr_db"], "exact": 2}
    total["ms_ssim"] = {**day.total["ms_ssim"], "left_out": 3}
    total["repeated"] = {"frames": 9, "scenes": {"small.tif": 9}}
    page = render(replace(day, summary={**day.summary, "total": total})).replace("\u00a0", " ")
    assert "2 frames are exact." in page
    assert "(3 left out)" in page
    assert "9 frames are larger than the scene" in page
    assert "small.tif" in page
    assert "energy to encode unknown" in page
    assert (
        "38 of their 500 tiles were lost on the way; where the header arrived, they are concealed."
    ) in page
    assert "2 of their 500 tiles arrived whole, cannot be decoded and are concealed." in page
    assert "1 frame could not be decoded, because the header was lost on the way." in page
    assert "7 frames could not be taken: duty cycle." in page
    total["graded"] = {**graded, "undecodable": 0}
    page = render(replace(day, summary={**day.summary, "total": total})).replace("\u00a0", " ")
    assert "38 of their 500 tiles were lost on the way and are concealed." in page


def test_thirty_days_of_ten_satellites_stay_small() -> None:
    month = results(satellites=tuple(f"sat-{n}" for n in range(10)), days=30, frames_an_access=1)
    assert month.events.num_rows > 1_000
    html = render(month)
    check(html)
    assert len(html) < 2_000_000


def test_names_are_text_and_never_markup() -> None:
    site = TargetSite(NASTY, 10.0, 20.0)
    data = results((NASTY,), stations=(StationSite(NASTY, 78.0, 15.0),), targets=(site,))
    point = TradeoffPoint(NASTY, NASTY, 0.5, 40.0, 0.9, 1e6, 4, 0, 0, True)
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
    for text in ("JPEG 2000 at 0.5\u00a0bpp", "JPEG XL at 1.5\u00a0bpp", "highest PSNR"):
        assert text in html
    assert render_comparison(runs, labels) == html


def test_an_exact_codec_has_the_highest_psnr_of_a_comparison() -> None:
    runs, labels = comparison()
    frames = runs[1].total["frames"]["delivered"]
    psnr = {"pooled": None, "p5": None, "exact": frames, "left_out": 0}
    total = {**runs[1].total, "psnr_db": psnr}
    runs[1] = replace(runs[1], summary={**runs[1].summary, "total": total})
    page = render_comparison(runs, [labels[0], "ccsds121:lossless", labels[2]])
    page = page.replace("\u00a0", " ")
    check(page)
    merits = re.search(r"CCSDS 121, lossless has [^.]*the highest PSNR, exact", page)
    assert merits, "an infinite PSNR is the highest one"
    assert "CCSDS 121 at lossless" not in page


def test_the_three_figures_of_delivery_stand_on_both_pages(html: str, day: ReportData) -> None:
    frames = day.total["frames"]
    assert min(frames[key] for key in ("delivered_whole", "delivered_damaged")) > 0
    page = html.replace("\u00a0", " ")
    assert f"reached the ground whole, {frames['delivered_damaged']} damaged" in page
    for text in ("Delivered whole", "Delivered damaged", "Sent in part", "its transfer has ended"):
        assert text in page
    compared = render_comparison(*comparison())
    for text in ("Delivered whole", "Damaged", "In part", "its transfer has ended"):
        assert text in compared


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
    with pytest.raises(InputError, match=r"report\.html: cannot be written \("):
        write_report(tmp_path / "missing" / "report.html", "text")
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match=r"cannot be written \(it is no regular file"):
        write_report(tmp_path / "report.html", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
