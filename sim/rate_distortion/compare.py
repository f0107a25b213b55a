"""Codecs against one another on pictures: rate and distortion in real bytes, and speed.

The procedure, for every picture: code it at a ladder of rates, decode it, measure it. BD-rate
against JPEG 2000 (`ground.bdrate`), over the quality that JPEG 2000 reaches between two rates.
Then the mean over the pictures of a group: all of them, those of one source (the picture's name
up to its first underscore), and those of one band.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

from ...ground.bdrate import BdRate, bd_rate
from ...ground.decoders import decode
from ...ground.quality import quality
from ...link.errors import InputError
from ...payload.encoders.base import Encoder, Frame, Prepared, RateError, Setting
from ...payload.encoders.registry import encoder
from ...payload.imager.scenes import Scene

ANCHOR: Final = "jpeg2000"
ALL: Final = "all"
ONE_BAND: Final = "one band"
_ENDINGS: Final = frozenset((".png", ".tif", ".tiff", ".jp2", ".jpg", ".jpeg", ".webp", ".bmp"))
_POINTS: Final = 9
_SPEED_QUALITY: Final = 50.0


@dataclass(frozen=True, slots=True)
class Point:
    """One bitstream of one picture."""

    bytes: int
    bpp: float
    psnr_db: float
    ms_ssim: float


def compare_codecs(
    images: Sequence[Path],
    codecs: Sequence[str],
    rates: tuple[float, float] = (0.1, 1.5),
    tile: int = 0,
    progress: bool = False,
) -> dict[str, Any]:
    """Compare codecs on pictures.

    Args:
        images: Rasters, or folders of them.
        codecs: Names; JPEG 2000 is added where it is missing.
        rates: Bits a pixel between which JPEG 2000 sets the range of quality.
        tile: Side of a tile, 0 for one tile a picture.
        progress: Show a bar on the terminal.

    Returns:
        What `compare.json` holds: `settings`, `images` with their points, `codecs` with the
        means of each group. Numbers that do not exist are None.

    Raises:
        InputError: A picture or a codec cannot be used.
    """
    if not 0 < rates[0] < rates[1]:
        raise InputError(f"rates {rates[0]:g} {rates[1]:g}: allowed are 0 < LOW < HIGH")
    names = list(dict.fromkeys((ANCHOR, *codecs)))
    encoders = {name: encoder(name, tile) for name in names}
    paths = pictures(images)
    found: dict[str, dict[str, Any]] = {}
    with _bar(len(paths) * len(names), progress) as advance:
        for path in paths:
            with Scene(path) as scene:
                frame = scene.read()
            measured = {}
            for name, codec in encoders.items():
                measured[name] = _measure(codec, frame, rates, name == ANCHOR)
                advance(f"{path.name} {name}")
            found[_unique(path, found)] = _judge(frame, measured, rates)
    return {
        "settings": {
            "anchor": ANCHOR,
            "rates_bpp": list(rates),
            "tile": tile,
            "versions": {name: codec.version for name, codec in encoders.items()},
        },
        "images": found,
        "codecs": {name: _means(name, found) for name in names},
    }


def pictures(paths: Sequence[Path]) -> list[Path]:
    """Return the rasters among paths and in folders, in order of their names.

    Raises:
        InputError: A folder without rasters.
    """
    out: list[Path] = []
    for path in paths:
        if not path.is_dir():
            out.append(path)
            continue
        inside = sorted(one for one in path.iterdir() if one.suffix.lower() in _ENDINGS)
        if not inside:
            raise InputError(f"{path}: no pictures; looked for {', '.join(sorted(_ENDINGS))}")
        out += inside
    return out


def ladder(rates: tuple[float, float], anchor: bool) -> list[float]:
    """Return the bits a pixel to code at, evenly spaced in their logarithm.

    The anchor's reach a little beyond the two rates, so that these are interpolated; those of
    the others reach to half and to 1.7 times, because a better codec needs fewer bytes for the
    same quality, and a worse one more.
    """
    low, high = (rates[0] * 0.95, rates[1] * 1.05) if anchor else (rates[0] / 2, rates[1] * 1.7)
    count = _POINTS if anchor else _POINTS + 3
    return [low * (high / low) ** (index / (count - 1)) for index in range(count)]


def _measure(
    codec: Encoder, frame: Frame, rates: tuple[float, float], anchor: bool
) -> dict[str, Any]:
    """Return a codec's points on a picture, and its speed."""
    prepared = codec.prepare(frame)
    points: dict[int, Point] = {}
    for bpp in ladder(rates, anchor):
        for bitstream in _code(prepared, Setting(bpp=bpp)):
            if len(bitstream) not in points:
                found = quality(frame, decode(bitstream).frame)
                points[len(bitstream)] = Point(
                    len(bitstream),
                    len(bitstream) * 8 / (frame.width * frame.height),
                    found.psnr_db,
                    found.ms_ssim,
                )
    return {"points": [points[size] for size in sorted(points)], **_speed(codec, frame)}


def _code(prepared: Prepared, setting: Setting) -> list[bytes]:
    """Return the bitstream at a rate, or the nearest that the codec can make."""
    try:
        return [prepared.encode(setting)]
    except RateError as error:
        return [prepared.encode(Setting(bytes=error.smallest))]
    except InputError:
        return [prepared.encode(Setting(quality=100))]  # a codec that is lossless and nothing else


def _speed(codec: Encoder, frame: Frame) -> dict[str, float]:
    """Return encoded and decoded megapixels a second of processor time, at one fixed quality."""
    megapixels = frame.width * frame.height / 1e6
    start = time.process_time()
    try:
        bitstream = codec.encode(frame, Setting(quality=_SPEED_QUALITY))
    except InputError:
        start = time.process_time()
        bitstream = codec.encode(frame, Setting(quality=100))
    coded = time.process_time()
    decode(bitstream)
    end = time.process_time()
    return {
        "encode_mpx_s": megapixels / max(coded - start, 1e-9),
        "decode_mpx_s": megapixels / max(end - coded, 1e-9),
    }


def _judge(
    frame: Frame, measured: dict[str, dict[str, Any]], rates: tuple[float, float]
) -> dict[str, Any]:
    out: dict[str, Any] = {
        "width": frame.width,
        "height": frame.height,
        "bands": frame.bands,
        "bit_depth": frame.bit_depth,
        "codecs": {},
    }
    anchor = measured[ANCHOR]["points"]
    for name, of_codec in measured.items():
        points = of_codec["points"]
        by_psnr = bd_rate(_curve(anchor, _psnr), _curve(points, _psnr), rates)
        by_ssim = bd_rate(_curve(anchor, _ssim_db), _curve(points, _ssim_db), rates)
        out["codecs"][name] = {
            "bd_rate_psnr_percent": _finite(by_psnr.percent),
            "coverage_psnr": _share(by_psnr),
            "bd_rate_ms_ssim_percent": _finite(by_ssim.percent),
            "coverage_ms_ssim": _share(by_ssim),
            "encode_mpx_s": round(of_codec["encode_mpx_s"], 3),
            "decode_mpx_s": round(of_codec["decode_mpx_s"], 3),
            "points": [
                {key: _finite(value, 6) for key, value in asdict(point).items()} for point in points
            ],
        }
    return out


def _psnr(point: Point) -> float:
    return point.psnr_db


def _ssim_db(point: Point) -> float:
    """MS-SSIM on a scale on which it can be interpolated: dB below 1."""
    return -10 * math.log10(1 - point.ms_ssim) if point.ms_ssim < 1 else math.inf


def _curve(points: Sequence[Point], value: Callable[[Point], float]) -> list[tuple[float, float]]:
    return [(point.bpp, value(point)) for point in points]


def _means(codec: str, images: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the means of a codec over each group of pictures."""
    groups: dict[str, list[str]] = {ALL: list(images)}
    for name, image in images.items():
        groups.setdefault(name.split("_")[0], []).append(name)
        if image["bands"] == 1:
            groups.setdefault(ONE_BAND, []).append(name)
    speeds = {
        key: median(image["codecs"][codec][key] for image in images.values())
        for key in ("encode_mpx_s", "decode_mpx_s")
    }
    anchor_speed = median(image["codecs"][ANCHOR]["encode_mpx_s"] for image in images.values())
    return {
        **speeds,
        "encode_speed_ratio": round(speeds["encode_mpx_s"] / anchor_speed, 2),
        "groups": {
            group: {
                "images": len(members),
                **{
                    key: _mean([images[member]["codecs"][codec][key] for member in members])
                    for key in (
                        "bd_rate_psnr_percent",
                        "coverage_psnr",
                        "bd_rate_ms_ssim_percent",
                        "coverage_ms_ssim",
                    )
                },
            }
            for group, members in groups.items()
        },
    }


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return round(fmean(there), 3) if there else None


def _finite(value: float, digits: int = 3) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def _share(found: BdRate) -> float:
    return round(found.coverage, 4)


def _unique(path: Path, taken: dict[str, Any]) -> str:
    name, number = path.stem, 2
    while name in taken:
        name, number = f"{path.stem}-{number}", number + 1
    return name


class _bar:  # noqa: N801  (used like a function)
    """A progress bar on standard error, or nothing."""

    def __init__(self, total: int, shown: bool) -> None:
        self._total, self._shown, self._done = total, shown, 0

    def __enter__(self) -> Callable[[str], None]:
        return self._advance

    def _advance(self, what: str) -> None:
        self._done += 1
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{self._done}/{self._total} {what}")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")


def print_table(found: dict[str, Any]) -> None:
    """Print the means of each codec, all pictures together and each group alone."""
    from rich.console import Console
    from rich.table import Table

    low, high = found["settings"]["rates_bpp"]
    table = Table(
        title=f"BD-rate against {ANCHOR}, over what it reaches from {low:g} to {high:g} bpp",
        title_justify="left",
    )
    table.add_column("codec")
    table.add_column("pictures")
    for name in ("BD-rate PSNR %", "covered", "BD-rate MS-SSIM %", "encode Mpx/s", "× JPEG 2000"):
        table.add_column(name, justify="right")
    table.add_column("decode Mpx/s", justify="right")
    for codec, means in found["codecs"].items():
        for group, row in means["groups"].items():
            first = group == ALL
            table.add_row(
                codec if first else "",
                f"{group} ({row['images']})",
                _signed(row["bd_rate_psnr_percent"]),
                f"{row['coverage_psnr']:.0%}" if row["coverage_psnr"] is not None else "–",
                _signed(row["bd_rate_ms_ssim_percent"]),
                f"{means['encode_mpx_s']:.1f}" if first else "",
                f"{means['encode_speed_ratio']:.1f}" if first else "",
                f"{means['decode_mpx_s']:.1f}" if first else "",
            )
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _signed(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:+.1f}"


def write_out(folder: Path, found: dict[str, Any]) -> None:
    """Write compare.json, one picture of each image's curves, and one of their mean.

    Raises:
        InputError: The folder cannot be written.
    """
    from .figure import mean_figure, picture_figure

    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, indent=2) + "\n"
        _replace(folder / "compare.json", text.encode())
        _replace(folder / "rd.png", mean_figure(found))
        for name, image in found["images"].items():
            _replace(folder / f"rd-{name}.png", picture_figure(name, image))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from None


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
