"""Sentences and number formats: how a figure is written for people.

Every unit follows its number after a no-break space. Sizes are decimal (1 kB = 1000 B), because
link rates are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from ...link.text import printable

NBSP = "\u00a0"
DASH = "–"
"""Stands where there is nothing to have a figure: no frame was delivered, no pass came."""
UNKNOWN = "unknown"
"""Stands where there is a figure and nobody knows it."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMERALS = (
    "",
    *("One", "Two", "Three", "Four", "Five", "Six"),
    *("Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"),
)
_LONGEST = 20_000
_CODECS = {
    "jpeg2000": "JPEG 2000",
    "jpegxl": "JPEG XL",
    "jpegls": "JPEG-LS",
    "ccsds121": "CCSDS 121",
    "avif": "AVIF",
}


def plain(text: str) -> str:
    """A name from a scenario, on one line and with nothing that acts on the page."""
    return printable(text, _LONGEST).strip() or "(unnamed)"


def short(text: str, limit: int) -> str:
    """The text cut to `limit` characters, with an ellipsis in its middle where it was cut."""
    text = plain(text)
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head].rstrip()}…{text[len(text) - (limit - 1 - head) :].lstrip()}"


def codec_name(name: str) -> str:
    """The codec's name as its standard writes it, where it has one."""
    return _CODECS.get(name, plain(name))


def codec_label(label: str) -> str:
    """A codec with its setting ("jpeg2000:0.5bpp", "jpeg2000 at 0.5 bpp") as people read it."""
    head, separator, rest = plain(label).partition(":")
    if separator:
        return choice(head, rest)
    word, space, tail = head.partition(" ")
    return f"{codec_name(word)}{space}{tail}"


def choice(codec: str, text: str) -> str:
    """A codec with its setting, as people say it: "JPEG 2000 at 0.5 bpp", "CCSDS 121, lossless"."""
    words = setting(text)
    # "At" goes with an amount.
    joint = " at" if any(letter.isdigit() for letter in words) else ","
    return f"{codec_name(codec)}{joint} {words}"


def setting(text: str) -> str:
    """A codec's setting ("0.5bpp", "q80", "20kB") with its unit set apart."""
    text = plain(text)
    quality = re.fullmatch(r"q(\d+(?:\.\d+)?)", text)
    if quality:
        return f"quality{NBSP}{quality[1]}"
    value = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(bpp|[kMG]?B)", text)
    return f"{value[1]}{NBSP}{value[2]}" if value else text


def cause(name: str) -> str:
    """A cause from the ledger ("recorder-full") as words."""
    return plain(re.sub(r"[-_]+", " ", name)) if name.strip() else "no cause given"


def present(value: Any) -> TypeGuard[float]:
    """Whether the value is a finite number."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def _digits(value: float) -> str:
    """Three significant digits below 1000, without trailing zeros; whole numbers above."""
    if value >= 100:
        return f"{value:,.0f}"
    text = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return text.rstrip("0").rstrip(".")


def _scaled(value: float, steps: Sequence[str]) -> str:
    for index, unit in enumerate(steps):
        # 999.5 would be written "1000": it belongs to the next unit.
        if value < 999.5 or index == len(steps) - 1:
            return f"{_digits(value)}{NBSP}{unit}"
        value /= 1000
    raise AssertionError


def size(count: float | None) -> str:
    """Bytes: 0 B, 512 B, 1.2 kB, 112 MB, 1.24 GB."""
    if count is None or not present(count):
        return DASH
    return _scaled(count, ("B", "kB", "MB", "GB", "TB", "PB"))


def pixels(value: float | None) -> str:
    """Pixels: 900 px, 12.3 Mpx, 1.2 Gpx."""
    if value is None or not present(value):
        return DASH
    return _scaled(value, ("px", "kpx", "Mpx", "Gpx", "Tpx"))


def energy(joules: float | None) -> str:
    """Energy: 12 J, 3.4 kJ; unknown where nobody says what power is drawn."""
    if joules is None or not present(joules):
        return UNKNOWN
    return _scaled(joules, ("J", "kJ", "MJ"))


def count(value: float | None) -> str:
    """A whole number with commas: 1,834."""
    return f"{int(value):,}" if value is not None and present(value) else DASH


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units: 45 s, 3 h 12 min, 2 d 4 h."""
    if seconds is None or not present(seconds):
        return DASH
    if seconds < 0:
        return f"−{duration(-seconds)}"
    if seconds < 10 and seconds != round(seconds):
        return f"{_digits(seconds)}{NBSP}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{NBSP}s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    minutes = round(seconds / 60)
    # A day is easier to compare as 24 h than as 1 d; from two days on it is not.
    if minutes < 48 * 60:
        return _two(minutes // 60, "h", minutes % 60, "min")
    hours = round(seconds / 3600)
    return _two(hours // 24, "d", hours % 24, "h")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    head = f"{large}{NBSP}{large_unit}"
    return f"{head}{NBSP}{small}{NBSP}{small_unit}" if small else head


def share(part: float | None, whole: float | None = 1.0) -> str:
    """A share as a percentage that says 0 % or 100 % only where that is exact."""
    if part is None or whole is None or not present(part) or not present(whole) or whole == 0:
        return DASH
    percent = 100 * part / whole
    if 0 < percent < 1:
        return f"<{NBSP}1{NBSP}%"
    if 99 < percent < 100:
        return f">{NBSP}99{NBSP}%"
    return f"{percent:.0f}{NBSP}%"


def decibels(value: float | None) -> str:
    """A PSNR: 41.2 dB; infinite where the copy is exact."""
    if value is not None and isinstance(value, float) and math.isinf(value):
        return "exact"
    return f"{value:.1f}{NBSP}dB" if value is not None and present(value) else DASH


def similarity(value: float | None) -> str:
    """An MS-SSIM: 0.987."""
    return f"{value:.3f}" if value is not None and present(value) else DASH


def bits_per_pixel(value: float | None) -> str:
    """A rate: 0.5 bpp."""
    return f"{_digits(value)}{NBSP}bpp" if value is not None and present(value) else DASH


def degrees(value: float | None) -> str:
    """An angle: 34.2°."""
    return f"{value:.1f}°".replace("-", "−") if value is not None and present(value) else DASH


def plural(number: float, noun: str) -> str:
    """A count with its noun: 1 frame, 2 passes, 3 opportunities."""
    if number != 1:
        if noun.endswith("y"):
            noun = f"{noun[:-1]}ies"
        else:
            noun += "es" if noun.endswith(("s", "x", "ch")) else "s"
    return f"{count(number)}{NBSP}{noun}"


def counted(number: int, noun: str) -> str:
    """A count with its noun to begin a sentence with: "Five choices", "31 choices"."""
    words = plural(number, noun)
    if 0 < number < len(_NUMERALS):
        return words.replace(f"{number}{NBSP}", f"{_NUMERALS[number]} ", 1)
    return words


def listing(parts: Iterable[str]) -> str:
    """Words in a row: "a, b and c"."""
    items = list(parts)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def some(parts: Sequence[str], limit: int) -> str:
    """Words in a row, of which at most `limit` are written out: "a, b and 8 more"."""
    if len(parts) <= limit:
        return listing(parts)
    return f"{', '.join(parts[:limit])} and {len(parts) - limit}{NBSP}more"


def date(moment: datetime) -> str:
    """2 Dec 2024."""
    return f"{moment.day}{NBSP}{_MONTHS[moment.month - 1]}{NBSP}{moment.year}"


def short_date(moment: datetime) -> str:
    """2 Dec."""
    return f"{moment.day}{NBSP}{_MONTHS[moment.month - 1]}"


def instant(start: datetime, seconds: float | None) -> str:
    """A time of the run as 2 Dec 05:12:33."""
    if seconds is None or not present(seconds):
        return DASH
    moment = start + timedelta(seconds=round(seconds))
    return f"{short_date(moment)}{NBSP}{moment:%H:%M:%S}"


def tally(causes: Mapping[str, Any], write: Any = count) -> str:
    """Counts by cause, the largest first: "8 recorder full and 4 power"; one cause uncounted."""
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    ranked = [(name, number) for name, number in ranked if number]
    if len(ranked) == 1:
        return cause(ranked[0][0])
    return listing(f"{write(number)} {cause(name)}" for name, number in ranked)


def encode_time(kind: str | None) -> str:
    """How encoding times were obtained, as one sentence."""
    return {
        "modelled": "Encoding times are modelled: samples divided by the rate that the "
        "processor's profile cites for the codec.",
        "measured on host": "Encoding times were measured on the computer that ran the "
        "simulation, not on a flight computer, so a second run differs.",
        "measured on board": "Encoding times were measured by the board's own clock, so a second "
        "run differs.",
        "modelled on board": "Encoding times are modelled by the emulated board: instructions "
        "counted, at the clock that it declares.",
    }.get(kind or "", f"Encoding times: {plain(kind)}." if kind else "Nothing was encoded.")
