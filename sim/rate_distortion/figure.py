"""Draw rate-distortion curves as PNG figures."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...ground.bd_rate import pchip_slopes
from ...link.text import printable

# Okabe and Ito's colours are distinct for colour-blind people too; lines also differ by marker.
_COLOURS: Final = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_LINES: Final = ("-", "--", ":", "-.")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
_LONGEST_NAME: Final = 80
_DECADES: Final = tuple(10.0**power for power in range(-9, 7))
_TICKS: Final = tuple(digit * decade for decade in _DECADES for digit in (1, 2, 5))
_MOST_TICKS: Final = 12
_NOTHING: Final = "no points of finite quality"


def picture_figure(name: str, image: dict[str, Any]) -> bytes:
    """Return a PNG of PSNR and MS-SSIM over rate for one picture, with one curve per codec."""
    curves = {codec: result["points"] for codec, result in image["codecs"].items()}
    size = f"{image['width']} × {image['height']}, {image['bands']} × {image['bit_depth']} bit"
    title = f"{printable(name, _LONGEST_NAME)}: {size}"
    return _draw(title, curves, markers=True)


def mean_figure(found: dict[str, Any]) -> bytes:
    """Return a PNG of the mean curves over the pictures, at rates that each of them has.

    A codec that has a curve of no picture is left out, such as one that is lossless only, and so
    are pictures of which one of the other codecs has no curve, such as constant ones. All means
    are over the same pictures.
    """
    images = [image["codecs"] for image in found["images"].values()]
    codecs = [codec for codec in found["codecs"] if any(_is_curve(one[codec]) for one in images)]
    kept = [one for one in images if codecs and all(_is_curve(one[codec]) for codec in codecs)]
    low, high = found["settings"]["rates_bpp"]
    rates = np.geomspace(low, high, 25)
    curves: dict[str, list[dict[str, float | None]]] = {}
    for codec in found["codecs"]:
        rows = [one[codec]["points"] for one in kept if codec in codecs]
        curves[codec] = [
            {"bpp": float(rate), "psnr_db": psnr, "ms_ssim": ssim}
            for rate, psnr, ssim in zip(
                rates, _mean(rows, rates, "psnr_db"), _mean(rows, rates, "ms_ssim"), strict=True
            )
        ]
    count = f"{len(images)} picture{'s' if len(images) > 1 else ''}"
    share = "" if len(kept) == len(images) else f"{len(kept)} of "
    return _draw(f"mean of {share}{count}", curves, markers=False)


def _is_curve(measured: dict[str, Any]) -> bool:
    return sum(point["psnr_db"] is not None for point in measured["points"]) >= 2


def _mean(rows: list[list[dict[str, Any]]], rates: Any, key: str) -> list[float | None]:
    """Return the mean of the curves at each rate; None if a curve does not reach the rate."""
    columns = []
    for points in rows:
        kept = [(math.log(point["bpp"]), point[key]) for point in points if point[key] is not None]
        if len(kept) < 2:
            return [None] * len(rates)
        x, y = (np.array(values) for values in zip(*kept, strict=True))
        inside = (np.log(rates) >= x[0] - 0.02) & (np.log(rates) <= x[-1] + 0.02)
        columns.append(np.where(inside, _interpolate(x, y, np.log(rates)), np.nan))
    if not columns:
        return [None] * len(rates)
    mean = np.mean(columns, axis=0)
    return [None if math.isnan(value) else float(value) for value in mean]


def _interpolate(x: Any, y: Any, at: Any) -> Any:
    piece = np.clip(np.searchsorted(x, at, "right") - 1, 0, len(x) - 2)
    step = x[piece + 1] - x[piece]
    share = (at - x[piece]) / step
    slopes = pchip_slopes(x, y) * 1.0
    a, b = slopes[piece] * step, slopes[piece + 1] * step
    rise = y[piece + 1] - y[piece]
    return y[piece] + share * (a + share * (3 * rise - 2 * a - b + share * (a + b - 2 * rise)))


def _draw(title: str, curves: dict[str, list[dict[str, Any]]], markers: bool) -> bytes:
    # Names of pictures and codecs may contain dollar signs: they are no formulas.
    with mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        return _painted(title, curves, markers)


def _painted(title: str, curves: dict[str, list[dict[str, Any]]], markers: bool) -> bytes:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for axes, key, label in ((left, "psnr_db", "PSNR (dB)"), (right, "ms_ssim", "MS-SSIM (dB)")):
        drawn = 0
        for number, (codec, points) in enumerate(curves.items()):
            kept = [(point["bpp"], point[key]) for point in points if point[key] is not None]
            if key == "ms_ssim":
                kept = [(bpp, -10 * math.log10(1 - value)) for bpp, value in kept if value < 1]
            drawn += len(kept)
            axes.plot(
                [bpp for bpp, _ in kept],
                [value for _, value in kept],
                color=_COLOURS[number % len(_COLOURS)],
                # So that no two of many curves look the same.
                linestyle=_LINES[number // len(_COLOURS) % len(_LINES)],
                marker=_MARKERS[number % len(_MARKERS)] if markers else None,
                markersize=4,
                label=printable(codec, _LONGEST_NAME),
            )
        _dress(axes, label)
        if not drawn:
            axes.set_xticks([])
            axes.set_yticks([])
            axes.text(0.5, 0.5, _NOTHING, transform=axes.transAxes, ha="center", va="center")
    left.legend(frameon=False)
    figure.suptitle(title)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=150, metadata={"Software": None})
    return out.getvalue()


def _dress(axes: Axes, label: str) -> None:
    axes.set_xscale("log")
    axes.minorticks_off()
    low, high = axes.get_xlim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    if len(ticks) > _MOST_TICKS:
        ticks = [tick for tick in ticks if tick in _DECADES]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlabel("bits a pixel, container included")
    axes.set_ylabel(label)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
