"""The style of all pictures: matplotlib draws them, and the page's CSS variables colour them.

matplotlib draws with placeholder colours. Each is replaced by a CSS variable in the SVG, so that
one drawing is readable in the light theme, in the dark theme and in print. Each picture is drawn
twice, wide and narrow, because letters that are legible on a screen of 1440 px are not if the same
drawing is shrunk to 390 px. The page shows one of the two.

The same data gives the same bytes: matplotlib's defaults are used whatever the user's
matplotlibrc says, and there are no dates, random ids or fitted positions.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

# Each drawing colour and the CSS variable that replaces it.
INK, MUTED, FAINT, PAPER = "#1000a1", "#1000a2", "#1000a3", "#1000a4"
SHADE, NIGHT, LAND, SEA = "#1000a5", "#1000a6", "#1000a7", "#1000a8"
SERIES = ("#1000b1", "#1000b2", "#1000b3", "#1000b4", "#1000b5", "#1000b6")
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    FAINT: "faint",
    PAPER: "paper",
    SHADE: "shade",
    NIGHT: "night",
    LAND: "land",
    SEA: "sea",
    **{colour: f"s{number}" for number, colour in enumerate(SERIES, 1)},
}
# Lines differ by dashes as well as by colour, points by shape.
DASHES: tuple[tuple[float, tuple[float, ...]] | str, ...] = (
    "solid",
    (0, (5, 2)),
    (0, (1.2, 1.6)),
    (0, (7, 2, 1.4, 2)),
    (0, (3, 1.5)),
    (0, (7, 2, 1.4, 2, 1.4, 2)),
)
MARKERS = ("o", "s", "^", "D", "v", "P")

# A text with this gid gets an outline in the background's colour.
HALO = "halo"

WIDE, NARROW = 860.0, 358.0
_RC: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 1.0,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 12.0,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 1.2,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 2.0,
    "patch.linewidth": 0.0,
    "path.simplify": False,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "downpass",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.bottom": False,
    "xtick.color": MUTED,
    "xtick.major.pad": 6.0,
    "ytick.color": MUTED,
    "ytick.left": False,
    "ytick.major.pad": 6.0,
}


@dataclass(frozen=True, slots=True)
class Download:
    """A file that a page offers: inside the page, or beside it.

    Attributes:
        name: The file's name.
        uri: A data URI, or the name of a file in the page's folder.
        words: The link's text.
    """

    name: str
    uri: str
    words: str


@dataclass(frozen=True, slots=True)
class DataTable:
    """The figures behind a picture, or a table of its own.

    Attributes:
        caption: What the table lists.
        columns: (heading, whether its cells are numbers and so right-aligned).
        rows: Cells as text.
        note: A sentence below the table, for example on what was left out; may be empty.
    """

    caption: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with its texts, for the page and for screen readers.

    Attributes:
        key: A word for ids, unique in the page.
        alt: The picture in words, with its figures.
        caption: How to read it.
        wide: SVG for screens from 760 px.
        narrow: SVG for smaller ones.
        table: The figures behind it.
        hover: What a pointer shows at a time, as JSON (`hover.py`); empty for nothing.
    """

    key: str
    alt: str
    caption: str
    wide: Markup
    narrow: Markup
    table: DataTable | None = None
    hover: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A drawing surface, measured in CSS pixels from its top left corner."""

    figure: Figure
    width: float
    height: float
    narrow: bool

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes whose data area is the given rectangle."""
        rectangle = (
            left / self.width,
            1 - (top + height) / self.height,
            width / self.width,
            height / self.height,
        )
        return self.figure.add_axes(rectangle)

    def text(self, left: float, top: float, words: str, **how: Any) -> None:
        """Write words that start at `left` and are vertically centred at `top`."""
        style: dict[str, Any] = {"va": "center", "ha": "left", "fontsize": 12, **how}
        self.figure.text(left / self.width, 1 - top / self.height, words, **style)


@contextmanager
def _own_defaults() -> Iterator[None]:
    with mpl.rc_context(), warnings.catch_warnings():
        # A name may contain letters that matplotlib's font lacks; the browser's fonts have them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def draw(
    key: str,
    height: Callable[[bool], float],
    paint: Callable[[Sheet], None],
) -> tuple[Markup, Markup]:
    """Draw a picture wide and narrow and return both as SVG elements for the page.

    Args:
        key: A word for ids, unique in the page.
        height: The height in CSS pixels, given whether the drawing is the narrow one.
        paint: Draws on the sheet that it is given.
    """
    drawn = []
    with _own_defaults():
        for narrow in (False, True):
            width, tall = (NARROW if narrow else WIDE), height(narrow)
            figure = Figure(figsize=(width / 72, tall / 72), dpi=72)
            FigureCanvasSVG(figure)
            paint(Sheet(figure, width, tall, narrow))
            buffer = io.StringIO()
            nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
            figure.savefig(buffer, format="svg", metadata=nothing)
            prefix = f"{key}-{'n' if narrow else 'w'}"
            drawn.append(Markup(_themed(buffer.getvalue(), prefix)))  # noqa: S704
    return drawn[0], drawn[1]


def _themed(svg: str, prefix: str) -> str:
    """The svg element alone, coloured by CSS variables, with ids that are unique in the page."""
    body = svg[svg.index("<svg") :]
    head, _, body = body.partition(">")
    viewbox = re.search(r'viewBox="([^"]+)"', head)
    if viewbox is None:
        raise ValueError("matplotlib wrote an SVG without a viewBox")
    body = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.S)
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, count=1, flags=re.S)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.S)
    used = set(re.findall(r"url\(#([^)]+)\)", body)) | set(re.findall(r'href="#([^"]+)"', body))
    fresh: dict[str, str] = {}

    def rename(match: re.Match[str]) -> str:
        if match[1] == HALO:
            return f' class="{HALO}"'
        if match[1] not in used:
            return ""
        fresh[match[1]] = f"{prefix}{len(fresh)}"
        return f' id="{fresh[match[1]]}"'

    body = re.sub(r'\s+id="([^"]*)"', rename, body)
    body = re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{fresh[m[1]]})", body)
    body = re.sub(r'xlink:href="#([^"]+)"', lambda m: f'href="#{fresh[m[1]]}"', body)
    body = re.sub(r"#1000[ab]\d", lambda m: f"var(--{_VARIABLES[m[0]]})", body)
    # Text is set in the page's own font: matplotlib's list of families is only its measure.
    body = re.sub(r"(font: [^;\"]*?)'DejaVu Sans'[^;\"]*", r"\1var(--font)", body)
    body = re.sub(r'( d=")([^"]*)(")', lambda m: m[1] + _rounded(m[2]) + m[3], body, flags=re.S)
    body = re.sub(r">\s+<", "><", body)
    return f'<svg viewBox="{viewbox[1]}" aria-hidden="true" focusable="false">{body}'.strip()


def _rounded(path: str) -> str:
    """Path data to a tenth of a pixel, which no screen can tell from more, and without padding."""
    short = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.1f}".removesuffix(".0"), path)
    short = re.sub(r"\s*([A-Za-z])\s*", r"\1", short)
    if not re.search("[CQcq]", short):
        # After a move or a line, further points are ends of lines without saying so.
        short = short.replace("L", " ")
    return re.sub(r"\s+", " ", short).strip()


def bars(
    axes: Axes, spans: Sequence[tuple[float, float]], bottom: float, top: float, **how: Any
) -> None:
    """Rectangles of one colour, (start, end) along x, as one path: small, however many."""
    if not spans:
        return
    corners: list[tuple[float, float]] = []
    codes: list[np.uint8] = []
    for start, end in spans:
        corners += [(start, bottom), (start, top), (end, top), (end, bottom), (start, bottom)]
        codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    style: dict[str, Any] = {"linewidth": 0, **how}
    axes.add_patch(PathPatch(Path(corners, codes), **style))


def merged(
    spans: Sequence[tuple[float, float]], gap: float, least: float = 0.0
) -> list[tuple[float, float]]:
    """Spans joined where less than `gap` lies between them, each widened to at least `least`."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] < gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return [
        (start, end)
        if end - start >= least
        else ((start + end - least) / 2, (start + end + least) / 2)
        for start, end in joined
    ]
