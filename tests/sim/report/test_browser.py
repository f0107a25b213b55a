"""The pages in headless Chromium: as a reader on a phone and at a desk meets them."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from downpass.sim.report import render, render_comparison
from downpass.sim.report.sweep import render_sweep
from report_browser import Browser, Page, executable, launched
from report_synthetic import comparison, empty, links, results
from sweep_synthetic import sweep

FOUND = executable()
pytestmark = pytest.mark.skipif(
    FOUND is None, reason="no Chromium on the PATH (Debian: apt-get install chromium)"
)

# What an image is to a reader: its words, and whether anything is there to see.
IMAGES = """
[...document.querySelectorAll('img, [role=img]')].map(image => {
  const shown = image.tagName === 'IMG' ? image
    : [...image.querySelectorAll('svg')].find(svg => svg.getClientRects().length) || image;
  const box = shown.getBoundingClientRect();
  return {
    words: image.alt || image.getAttribute('aria-label') || '',
    width: image.tagName === 'IMG' ? image.naturalWidth : box.width,
    height: image.tagName === 'IMG' ? image.naturalHeight : box.height,
    drawn: image.tagName === 'IMG' ? 1 : shown.querySelectorAll('path, text').length,
  };
})
"""
# The contrast of each text with what lies behind it, by the formula of WCAG 2.2.
CONTRAST = """
(() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  // A mixed colour is "color(srgb 0.1 0.2 0.3)", in shares.
  const parse = text => text.match(/[\\d.]+/g).map(Number)
    .map((v, n) => text.startsWith("color(") && n < 3 ? v * 255 : v);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0.7) return c;
    }
    return [255, 255, 255];
  };
  const worst = [];
  const texts = document.querySelectorAll(
    'h1,h2,h3,p,dt,dd,dd *,a,summary,th,td,caption,figcaption,code,.tag,svg text');
  for (const e of texts) {
    if (!e.getClientRects().length || !e.textContent.trim()) continue;
    const style = getComputedStyle(e);
    const colour = parse(e.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(colour), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) worst.push([e.textContent.slice(0, 40), ratio]);
  }
  return worst;
})()
"""
# The smallest letters of the pictures, in CSS pixels as they are shown.
SMALLEST = """
Math.min(...[...document.querySelectorAll('.plot svg')]
  .filter(svg => svg.getClientRects().length)
  .flatMap(svg => [...svg.querySelectorAll('text')].map(text =>
    parseFloat(getComputedStyle(text).fontSize)
      * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)))
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched(str(FOUND)) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    fleet = results(
        ("sat-a", "a-satellite-with-a-name-that-goes-on-and-on<b>", "sat-c"), frames_an_access=9
    )
    long = "a-scenario-name-without-any-place-to-break-it-" * 3
    fleet = replace(fleet, scenario_name=long, command=f"downpass run {long}.yaml")
    texts = {
        "report": render(results()),
        "fleet": render(fleet),
        "empty": render(empty()),
        "linked": render(replace(results(), links=links())),
        "comparison": render_comparison(*comparison()),
        "sweep": render_sweep(sweep()),
        "sweeps": render_sweep(sweep(40, 30, tuple(f"[station-{n}]" for n in range(4)))),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    return browser.page()


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        *product(["report", "fleet", "comparison", "sweep"], [390, 1440], ["light", "dark"]),
        ("sweeps", 390, "dark"),
        ("sweeps", 1440, "light"),
        ("sweep", 320, "light"),
        *product(["report", "fleet", "comparison"], [320, 800], ["light"]),
        *product(["linked"], [390, 1440], ["light", "dark"]),
        ("empty", 390, "light"),
        ("empty", 1440, "dark"),
    ],
)
def test_a_page_is_whole(
    page: Page, pages: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    page.show(pages[name], width, 900, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert page.complaints == []
    outside = [url for url in page.requests if not url.startswith(("data:", "file:"))]
    assert outside == []
    assert len([url for url in page.requests if url.startswith("file:")]) == 1
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    # Nothing that cannot be seen makes the page longer.
    assert (
        page.evaluate(
            "document.scrollingElement.scrollHeight"
            " - document.querySelector('footer').getBoundingClientRect().bottom - scrollY"
        )
        < 5
    )
    for image in page.evaluate(IMAGES):
        assert len(image["words"]) > 20
        assert min(image["width"], image["height"], image["drawn"]) > 0, image["words"]
    assert page.evaluate(CONTRAST) == []
    if name != "empty":
        assert page.evaluate(SMALLEST) >= (8 if width < 390 else 9.4)


def test_the_points_of_a_sweep_are_links_to_their_rows(page: Page, pages: dict[str, Path]) -> None:
    for width in (390, 1440):
        page.show(pages["sweep"], width, 900, "light")
        spots = page.evaluate(
            "[...document.querySelectorAll('.spot')].filter(a => a.getClientRects().length)"
            ".map(a => { const b = a.getBoundingClientRect();"
            "const p = a.parentElement.querySelector('svg').getBoundingClientRect();"
            "return [a.hash, (b.left + b.right) / 2 - p.left, (b.top + b.bottom) / 2 - p.top,"
            "p.width, p.height, Boolean(document.querySelector(a.hash))]; })"
        )
        assert len(spots) == 33
        assert all(there for *_, there in spots)
        assert all(0 < x < wide and 0 < y < tall for _, x, y, wide, tall, _ in spots)
        page.evaluate("document.querySelectorAll('.spot:last-child').forEach(a => a.click())")
        assert page.evaluate("document.querySelector('tr:target') !== null")


def test_the_schemes_differ(page: Page, pages: dict[str, Path]) -> None:
    seen = set()
    for scheme in ("light", "dark"):
        page.show(pages["report"], 1440, 900, scheme)
        seen.add(
            page.evaluate(
                "getComputedStyle(document.body).backgroundColor + "
                "getComputedStyle(document.querySelector('.plot text')).fill"
            )
        )
    assert len(seen) == 2


def test_the_slider_moves_with_the_keyboard(page: Page, pages: dict[str, Path]) -> None:
    page.show(pages["report"], 390, 900, "light")
    page.evaluate("document.querySelector('.stack input').focus()")
    before = page.evaluate("document.querySelector('.stack').style.getPropertyValue('--at')")
    for kind in ("rawKeyDown", "keyUp"):
        page.do(
            "Input.dispatchKeyEvent",
            type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39,
        )  # fmt: skip
    after = page.evaluate("document.querySelector('.stack').style.getPropertyValue('--at')")
    assert (before, after) == ("50%", "51%")
    label = "document.querySelector('.stack input').getAttribute('aria-label')"
    assert "lisbon" in page.evaluate(label)
    said = "document.querySelector('.stack input').getAttribute('aria-valuetext')"
    assert page.evaluate(said) == "51 % original"


def test_the_slider_moves_by_touch(page: Page, pages: dict[str, Path]) -> None:
    page.show(pages["report"], 390, 900, "light")
    box = page.evaluate(
        "(() => { const stack = document.querySelector('.stack');"
        "stack.scrollIntoView({behavior: 'instant'});"
        "const b = stack.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
    )
    x, y = box[0] + box[2] * 0.8, box[1] + box[3] * 0.5
    page.do("Emulation.setTouchEmulationEnabled", enabled=True)
    page.do("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    page.do("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    moved = page.evaluate(
        "new Promise(done => setTimeout(() => "
        "done(parseFloat(document.querySelector('.stack').style.getPropertyValue('--at'))), 300))"
    )
    page.do("Emulation.setTouchEmulationEnabled", enabled=False)
    assert 75 <= moved <= 85


def test_without_script_both_pictures_stand_side_by_side(
    page: Page, pages: dict[str, Path]
) -> None:
    page.show(pages["report"], 1440, 900, "light", script=False)
    boxes = page.evaluate(
        "[...document.querySelectorAll('.stack')].map(stack => "
        "[...stack.querySelectorAll('img')].map(i => i.getBoundingClientRect().left))"
    )
    page.show(pages["empty"], 1440, 900, "light")
    assert len(boxes) == 4
    assert all(left < right for left, right in boxes)


def test_a_broken_page_is_found_out(page: Page, tmp_path: Path) -> None:
    # What the tests above look for would be seen if it were there.
    broken = tmp_path / "broken.html"
    broken.write_text(
        "<!doctype html><meta name=viewport content='width=device-width'>"
        "<body style='background:#fff'><p style='color:#aaa;width:900px'>pale and wide</p>"
        "<img src='data:image/png;base64,AAAA' alt='an image that cannot be decoded'>"
        "<img src='http://localhost:9/x.png' alt='an image that comes from elsewhere'>"
        "<script>console.error('wrong'); missing();</script>",
        encoding="utf-8",
    )
    page.show(broken, 390, 900, "light")
    assert any("wrong" in text for text in page.complaints)
    assert any("missing" in text for text in page.complaints)
    assert any("localhost" in url for url in page.requests)
    assert page.evaluate("document.documentElement.scrollWidth") > 390
    assert page.evaluate(CONTRAST)
    assert 0 in [image["width"] for image in page.evaluate(IMAGES)]


def test_a_pointer_shows_time_and_values_and_a_button_enlarges(
    page: Page, pages: dict[str, Path]
) -> None:
    page.show(pages["report"], 1440, 900, "light")
    shown = page.evaluate("""(() => {
      const found = {};
      for (const key of ["backlog", "timeline"]) {
        const plot = document.querySelector(".plot." + key);
        const frame = plot.querySelector(".wide"), svg = frame.querySelector("svg");
        const box = svg.getBoundingClientRect();
        const [left, right] = JSON.parse(plot.dataset.hover).wide;
        const at = box.left + box.width * (left + (right - left) / 2);
        frame.dispatchEvent(new PointerEvent("pointermove", {clientX: at}));
        found[key] = plot.previousElementSibling.querySelector(".read").textContent;
        plot.previousElementSibling.querySelector("button:last-child").click();
        found[key + "-zoom"] = svg.getBoundingClientRect().width / box.width;
        found[key + "-tall"] = svg.getBoundingClientRect().height / box.height;
        found[key + "-page"] = document.documentElement.scrollWidth - innerWidth;
      }
      return found;
    })()""")
    assert page.complaints == []
    assert shown["backlog"].startswith("2024-12-02 12:00:00 UTC: sat-a ")
    assert shown["timeline"].startswith("2024-12-02 12:00:00 UTC")
    assert shown["backlog-zoom"] == shown["timeline-zoom"] == pytest.approx(2)
    assert shown["backlog-tall"] == shown["timeline-tall"] == pytest.approx(1, abs=0.01)
    assert max(shown["backlog-page"], shown["timeline-page"]) <= 0


def test_without_script_pictures_have_no_controls(page: Page, pages: dict[str, Path]) -> None:
    page.show(pages["report"], 390, 900, "light", script=False)
    page.do("Emulation.setScriptExecutionDisabled", value=False)
    assert page.evaluate("document.querySelectorAll('.zoombar, .cursor').length") == 0
    assert page.evaluate("document.querySelectorAll('.plot svg').length") > 8
