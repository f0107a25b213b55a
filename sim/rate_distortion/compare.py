"""Compare codecs on pictures: rate and distortion in real bytes, and speed.

Every picture is coded at qualities across the rates, decoded and measured. The BD-rate against JPEG
2000 (`ground.bd_rate`) covers the quality range that JPEG 2000 reaches between two rates. It is
averaged over the pictures of each group (see `groups`) and over all pictures.

Only the middle of a picture larger than the crop is coded, which bounds the time and memory of a
comparison. The result states which pixels were coded.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

from ...ground.bd_rate import BdRate, bd_rate
from ...link.container.frame import Frame
from ...link.errors import InputError
from ...link.text import printable
from ...payload.encoders.base import HIGHEST_BPP, Encoder, Setting
from ...payload.encoders.registry import encoder
from ...payload.imager.scenes import FrameWindow, Scene
from ..console.streams import as_it_is
from ..frames.content_cache import ContentCache
from .groups import groups_of, sources
from .measure import RateDistortionCurve, Speed, curve, reach, speed

ANCHOR: Final = "jpeg2000"
ALL: Final = "all"
CROP: Final = 512
_ENDINGS: Final = frozenset((".png", ".tif", ".tiff", ".jp2", ".jpg", ".jpeg", ".webp", ".bmp"))
_FIGURES: Final = (
    "bd_rate_psnr_percent",
    "coverage_psnr",
    "bd_rate_ms_ssim_percent",
    "coverage_ms_ssim",
)

Heard = Callable[[str, dict[str, Any]], None]
"""Is called with a picture's name and its results."""


def compare_codecs(
    images: Sequence[Path],
    codecs: Sequence[str] | Mapping[str, Encoder],
    rates: tuple[float, float] = (0.1, 1.5),
    tile: int = 0,
    crop: int = CROP,
    cached: ContentCache | None = None,
    progress: bool = False,
    on_picture: Heard | None = None,
    decoder: str = "fast",
) -> dict[str, Any]:
    """Compare codecs on pictures.

    Args:
        images: Raster files, or folders of them.
        codecs: Names of codecs, or encoders by name; JPEG 2000 is added if it is missing.
        rates: Rates in bits per pixel between which JPEG 2000 sets the quality range.
        tile: Side of a tile in pixels; 0 for one tile per picture.
        crop: Longest side in pixels; only the middle of a larger picture is coded. 0 for whole
            pictures.
        cached: Cache that keeps curves from one comparison to the next.
        progress: Whether to show a progress bar on the terminal.
        on_picture: Called for every picture as soon as it is done.
        decoder: Which of its networks a learned codec decodes with.

    Returns:
        The content of `compare.json`: `settings`, `images` with their points, and `codecs` with
        the means of each group. Numbers that do not exist are None.

    Raises:
        InputError: A picture or a codec cannot be used.
    """
    if not 0 < rates[0] < rates[1] <= HIGHEST_BPP:
        raise InputError(
            f"rates {rates[0]:g} {rates[1]:g}: allowed are 0 < LOW < HIGH <= {HIGHEST_BPP}"
        )
    if crop < 0:
        raise InputError(f"crop {crop}: allowed is a number of pixels, or 0 (whole pictures)")
    names = list(dict.fromkeys((ANCHOR, *codecs)))
    given = codecs if isinstance(codecs, Mapping) else {}
    encoders = {name: given.get(name) or encoder(name, tile) for name in names}
    paths, known = pictures(images), cache(sources)
    _check_pictures(paths, crop, encoders)
    kept = cached or ContentCache(None)
    middle = math.sqrt(rates[0] * rates[1])
    found: dict[str, dict[str, Any]] = {}
    with _bar(len(paths) * len(names), progress) as advance:
        for path in paths:
            window, frame = _read(path, crop)
            measured = {}
            for name, codec in encoders.items():
                points = curve(codec, frame, reach(rates, name == ANCHOR), middle, kept, decoder)
                measured[name] = points, speed(codec, frame, points.quality, decoder)
                advance(f"{path.name} {name}")
            name = _unique(path, found)
            found[name] = {
                **_of_picture(frame, window),
                "groups": groups_of(path, frame.bands, known(path.parent)),
                "codecs": _judge(measured, rates),
            }
            if on_picture is not None:
                on_picture(name, found[name])
    return {
        "settings": {
            "anchor": ANCHOR,
            "rates_bpp": list(rates),
            "speed_bpp": round(middle, 3),
            "tile": tile,
            "crop": crop,
            "decoder": decoder,
            "versions": {name: codec.version for name, codec in encoders.items()},
        },
        "images": found,
        "codecs": {name: _means(name, found) | _model(encoders[name]) for name in names},
    }


def pictures(paths: Sequence[Path]) -> list[Path]:
    """Return the given files, and the raster files of given folders in order of their names.

    Hidden files of a folder are left out. A file that is given more than once, or by links, is
    returned once, because it would count more than others in a mean.

    Raises:
        InputError: A folder has no raster files, or cannot be read.
    """
    found: dict[str, Path] = {}
    for path in paths:
        for one in _in_folder(path) if _is_folder(path) else (path,):
            found.setdefault(os.path.realpath(one), one)
    return list(found.values())


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, for example; opening it says why
        return False


def _in_folder(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from None
    inside = [
        one
        for one in entries
        if one.suffix.lower() in _ENDINGS and not one.name.startswith(".") and not one.is_dir()
    ]
    if not inside:
        raise InputError(f"{folder}: no pictures; looked for {', '.join(sorted(_ENDINGS))}")
    return inside


def _check_pictures(paths: Sequence[Path], crop: int, encoders: Mapping[str, Encoder]) -> None:
    """Refuse a picture that cannot be coded before others are measured, which may take hours."""
    for path in paths:
        _, frame = _read(path, crop)
        for codec in encoders.values():
            try:
                codec.check(frame, Setting(quality=100))
            except InputError as error:
                raise InputError(f"{path}: {error}") from None


def middle_of(width: int, height: int, crop: int) -> FrameWindow:
    """Return the middle of a picture with no side longer than the crop; 0 for all of it."""
    wide, high = (min(side, crop) if crop else side for side in (width, height))
    return FrameWindow((width - wide) // 2, (height - high) // 2, wide, high)


def group_means(
    images: dict[str, dict[str, Any]], codec: str
) -> dict[str, dict[str, float | int | None]]:
    """Return the means of a codec over each group of pictures; the group of all is first.

    A mean covers the pictures that have the figure; `judged` counts those with a BD-rate (PSNR).
    """
    groups: dict[str, list[str]] = {ALL: list(images)}
    for name, image in images.items():
        for group in image["groups"]:
            if group != ALL:  # a table may call a group so, too
                groups.setdefault(group, []).append(name)
    return {
        group: {
            "images": len(members),
            "judged": sum(
                images[member]["codecs"][codec]["bd_rate_psnr_percent"] is not None
                for member in members
            ),
            **{
                key: _mean([images[member]["codecs"][codec][key] for member in members])
                for key in _FIGURES
            },
        }
        for group, members in groups.items()
    }


def worst_group(groups: dict[str, dict[str, Any]]) -> str | None:
    """Return the group with the highest BD-rate (PSNR); None if no group has a BD-rate."""
    there = [
        name
        for name, row in groups.items()
        if name != ALL and row["bd_rate_psnr_percent"] is not None
    ]
    return max(there, key=lambda name: groups[name]["bd_rate_psnr_percent"], default=None)


def _read(path: Path, crop: int) -> tuple[FrameWindow | None, Frame]:
    """Return the window of the pixels to code (None for all of them), and the pixels."""
    with Scene(path) as scene:
        window = middle_of(scene.width, scene.height, crop)
        whole = (window.width, window.height) == (scene.width, scene.height)
        return None if whole else window, scene.read(window)


def _of_picture(frame: Frame, window: FrameWindow | None) -> dict[str, Any]:
    return {
        "width": frame.width,
        "height": frame.height,
        "crop": None if window is None else asdict(window),
        "bands": frame.bands,
        "bit_depth": frame.bit_depth,
    }


def _judge(
    measured: dict[str, tuple[RateDistortionCurve, Speed]], rates: tuple[float, float]
) -> dict[str, dict[str, Any]]:
    out = {}
    anchor = measured[ANCHOR][0].points
    for name, (found, fast) in measured.items():
        by_psnr = bd_rate(
            [(p.bpp, p.psnr_db) for p in anchor], [(p.bpp, p.psnr_db) for p in found.points], rates
        )
        by_ssim = bd_rate(
            [(p.bpp, p.ms_ssim_db) for p in anchor],
            [(p.bpp, p.ms_ssim_db) for p in found.points],
            rates,
        )
        out[name] = {
            "bd_rate_psnr_percent": _finite(by_psnr.percent),
            "coverage_psnr": _share(by_psnr),
            "bd_rate_ms_ssim_percent": _finite(by_ssim.percent),
            "coverage_ms_ssim": _share(by_ssim),
            "encode_mpx_s": _four_digits(fast.encode_mpx_s),
            "decode_mpx_s": _four_digits(fast.decode_mpx_s),
            "points": [
                {key: _finite(value, 6) for key, value in asdict(point).items()}
                for point in found.points
            ],
        }
    return out


def _means(codec: str, images: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a codec's median speed and its means over each group of pictures."""
    speeds = {
        key: median(image["codecs"][codec][key] for image in images.values())
        for key in ("encode_mpx_s", "decode_mpx_s")
    }
    ratios = [
        image["codecs"][codec]["encode_mpx_s"] / image["codecs"][ANCHOR]["encode_mpx_s"]
        for image in images.values()
    ]
    groups = group_means(images, codec)
    return {
        **speeds,
        "encode_speed_ratio": round(median(ratios), 2),
        "groups": groups,
        "worst_group": worst_group(groups),
    }


def _model(codec: Encoder) -> dict[str, Any]:
    """Return the cost from a learned codec's model card; empty for other codecs."""
    card = getattr(getattr(codec, "model", None), "card", None)
    return {} if card is None else {"kmac_per_pixel": card["kmac_per_pixel"]}


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return round(fmean(there), 3) if there else None


def _finite(value: float, digits: int = 3) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def _four_digits(speed: float) -> float:
    """Return a speed in four significant digits: for a picture of a few pixels it is not 0."""
    return float(f"{speed:.4g}")


def _share(found: BdRate) -> float:
    return round(found.coverage, 4)


def _unique(path: Path, taken: dict[str, Any]) -> str:
    name, number = path.stem, 2
    while name in taken:
        name, number = f"{path.stem}-{number}", number + 1
    return name


class _bar:  # noqa: N801  (used like a function)
    """A progress line on standard error, or nothing if it is not shown."""

    def __init__(self, total: int, shown: bool) -> None:
        self._total, self._shown, self._done = total, shown, 0

    def __enter__(self) -> Callable[[str], None]:
        return self._advance

    def _advance(self, what: str) -> None:
        self._done += 1
        if self._shown:
            line = f"{self._done}/{self._total} {printable(what, 200)}"
            as_it_is(sys.stderr).write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._shown:
            as_it_is(sys.stderr).write("\r\x1b[K")
