"""Write figures, names and short phrases for people: units, rounding, plurals, dates.

A no-break space stands between a number and its unit. Sizes are decimal (1 kB = 1000 B), because
link rates are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from ...link.plurals import noun_of
from ...link.text import printable

NBSP = "\u00a0"
DASH = "–"
"""Shown instead of a figure that does not exist, such as a latency when nothing was delivered."""
UNKNOWN = "unknown"
"""Shown instead of a figure that exists but is not known."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMERALS = (
    "",
    *("One", "Two", "Three", "Four", "Five", "Six"),
    *("Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"),
)
_LONGEST = 20_000
_SMALLEST = 0.001
_SHORTEST = 0.5e-6
_ABOUT_CODECS = {
    "student": "the learned codec: a small network encodes on board, and a larger one, which was "
    "trained for it, decodes on the ground",
    "jpeg2000": "the wavelet codec of ISO/IEC 15444-1",
    "jpegxl": "the block-transform codec of ISO/IEC 18181",
    "jpegls": "the low-complexity predictive codec of ISO/IEC 14495-1",
    "ccsds121": "the lossless Rice coder of CCSDS 121.0-B",
    "avif": "still pictures of the AV1 video codec",
    "command": "an encoder and a decoder from outside, two programs that the scenario names",
    "onnx": "an encoder and a decoder from outside, two ONNX graphs that the scenario names",
}
_CODECS = {
    "jpeg2000": "JPEG 2000",
    "jpegxl": "JPEG XL",
    "jpegls": "JPEG-LS",
    "ccsds121": "CCSDS 121",
    "avif": "AVIF",
    "command": "an encoder program",
    "onnx": "an encoder graph",
}


def plain(text: str) -> str:
    """Return text from a scenario on one line, without characters that would act on the page."""
    return printable(text, _LONGEST).strip() or "(unnamed)"


def short(text: str, limit: int) -> str:
    """Return the text in at most `limit` characters, with an ellipsis for what its middle lacks."""
    text = plain(text)
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head].rstrip()}…{text[len(text) - (limit - 1 - head) :].lstrip()}"


def codec_name(name: str) -> str:
    """Return the codec's name as its standard writes it, if it has one.

    What follows after a space tells one codec from others of the name: "encoder program 2".
    """
    kind, space, which = name.partition(" ")
    if space and kind in _CODECS:
        return f"{_CODECS[kind].removeprefix('an ')} {plain(which)}"
    return _CODECS.get(name, plain(name))


def about_codec(label: str) -> str:
    """Return what a codec is, given its name or a label that begins with it: "the learned …".

    It is empty for a codec that is not known.
    """
    name = re.split(r"[:\s]", label.strip(), maxsplit=1)[0]
    return _ABOUT_CODECS.get(name, "")


def explained(labels: Iterable[str]) -> str:
    """Return a sentence on each codec whose name does not say what it is; empty if there is none.

    Only the learned codec's name is this project's own. All others are names of standards.
    """
    if any(re.match(r"student(?![\w-])", label.strip()) for label in labels):
        return f"Student is {_ABOUT_CODECS['student']}."
    return ""


def codec_label(label: str) -> str:
    """Format a label such as "jpeg2000:0.5bpp" or "jpeg2000 at 0.5 bpp" for people."""
    head, separator, rest = plain(label).partition(":")
    if separator:
        return choice(head, rest)
    word, space, tail = head.partition(" ")
    return f"{codec_name(word)}{space}{tail}"


def choice(codec: str, text: str) -> str:
    """Format a codec and its setting: "JPEG 2000 at 0.5 bpp", "CCSDS 121, lossless"."""
    words = setting(text)
    # "at" needs an amount after it.
    joint = " at" if any(letter.isdigit() for letter in words) else ","
    return f"{codec_name(codec)}{joint} {words}"


def setting(text: str) -> str:
    """Format a codec's setting ("0.5bpp", "q80", "20kB") with a space before its unit."""
    text = plain(text)
    quality = re.fullmatch(r"q(\d+(?:\.\d+)?)", text)
    if quality:
        return f"quality{NBSP}{quality[1]}"
    value = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(bpp|[kMG]?B)(?: (backlog|lookahead))?", text)
    if value is None:
        return text
    amount = f"{value[1]}{NBSP}{value[2]}"
    return f"up to {amount} ({value[3]})" if value[3] else amount


def cause(name: str) -> str:
    """Format a cause from the ledger ("recorder-full") as words."""
    return plain(re.sub(r"[-_]+", " ", name)) if name.strip() else "no cause given"


def present(value: Any) -> TypeGuard[float]:
    """Return whether the value is a finite number."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def fixed(value: float, decimals: int) -> str:
    """Format a number with some decimals: 1400; a small one in two digits: 0.046."""
    if 0 < value < 10 ** (1 - decimals):
        return f"{value:.2g}"
    return f"{value:.{decimals}f}"


def _digits(value: float) -> str:
    """Format two or three digits below 100, without trailing zeros; whole numbers above.

    Below a thousandth the result is 0.
    """
    if value >= 100:
        return f"{value:,.0f}"
    if _SMALLEST <= value < 0.1:
        return f"{value:.2g}"
    text = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return text.rstrip("0").rstrip(".")


def _some(value: float) -> str:
    """Format as `_digits`, but only 0 itself as 0, which says that there is nothing."""
    return f"<{NBSP}{_SMALLEST:g}" if 0 < value < _SMALLEST else _digits(value)


def _scaled(value: float, steps: Sequence[str]) -> str:
    for index, unit in enumerate(steps):
        # 999.5 would be rounded to 1000, so it takes the next unit.
        if value < 999.5 or index == len(steps) - 1:
            return f"{_digits(value)}{NBSP}{unit}"
        value /= 1000
    raise AssertionError


def known(value: Any, write: Callable[[Any], str]) -> str:
    """Format a figure that always exists; "unknown" if it is not given."""
    return write(value) if present(value) else UNKNOWN


def size(count: float | None) -> str:
    """Format bytes: 0 B, 512 B, 1.2 kB, 112 MB, 1.24 GB."""
    if count is None or not present(count):
        return DASH
    return _scaled(count, ("B", "kB", "MB", "GB", "TB", "PB"))


def pixels(value: float | None) -> str:
    """Format pixels: 900 px, 12.3 Mpx, 1.2 Gpx."""
    if value is None or not present(value):
        return DASH
    return _scaled(value, ("px", "kpx", "Mpx", "Gpx", "Tpx"))


def energy(joules: float | None) -> str:
    """Format an energy: 12 J, 3.4 kJ; "unknown" if the power is not known."""
    if joules is None or not present(joules):
        return UNKNOWN
    if joules < 1:
        return f"{_some(joules)}{NBSP}J"
    return _scaled(joules, ("J", "kJ", "MJ"))


def length(metres: float | None) -> str:
    """Format a length: 20 m, 10.2 km, 36,000 km; "unknown" if it is."""
    if metres is None or not present(metres):
        return UNKNOWN
    if abs(metres) < 1000:
        return f"{metres:.4g}{NBSP}m"
    if abs(metres) >= 100_000:
        return f"{metres / 1000:,.0f}{NBSP}km"
    return f"{metres / 1000:.2f}".rstrip("0").rstrip(".") + f"{NBSP}km"


def area(square_km: float | None) -> str:
    """Format an area: 1.23 km², 34,500 km²; "unknown" if it is."""
    if square_km is None or not present(square_km):
        return UNKNOWN
    return f"{_some(square_km)}{NBSP}km²"


def ratio(of: float, to: float) -> str:
    """Format a ratio of two sizes, the smaller of which is 1: 5.5 : 1, 1 : 43.0."""
    if not of or not to:
        return DASH
    one, other = (of / to, 1.0) if of >= to else (1.0, to / of)
    return f"{_tenths(one)} : {_tenths(other)}"


def _tenths(value: float) -> str:
    return f"{value:,.1f}" if value != 1 else "1"


def bit_rate(bits_per_second: float | None) -> str:
    """Format an information rate: 9.6 kbit/s, 150 Mbit/s; "unknown" if it is."""
    if bits_per_second is None or not present(bits_per_second):
        return UNKNOWN
    return _scaled(bits_per_second, ("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"))


def frequency(hertz: float | None) -> str:
    """Format a frequency: 8.2 GHz; "unknown" if it is."""
    if hertz is None or not present(hertz):
        return UNKNOWN
    return _scaled(hertz, ("Hz", "kHz", "MHz", "GHz"))


def power(watts: float | None) -> str:
    """Format a power: 40 W, 1.2 kW; "unknown" if it is."""
    if watts is None or not present(watts):
        return UNKNOWN
    return f"{_some(watts)}{NBSP}W" if watts < 1000 else _scaled(watts, ("W", "kW", "MW"))


def watt_hours(joules: float | None) -> str:
    """Format a battery's energy: 80 Wh, 1.2 kWh; "unknown" if it is."""
    if joules is None or not present(joules):
        return UNKNOWN
    return _scaled(joules / 3600, ("Wh", "kWh", "MWh"))


def count(value: float | None) -> str:
    """Format a whole number with commas: 1,834."""
    return f"{int(value):,}" if value is not None and present(value) else DASH


def duration(seconds: float | None) -> str:
    """Format a length of time in its two largest units: 45 s, 3 h 12 min, 2 d 4 h.

    Below 0.1 s it is in ms or µs; below half a microsecond it is 0 s.
    """
    if seconds is None or not present(seconds):
        return DASH
    if seconds < 0:
        return f"−{duration(-seconds)}"
    if seconds < _SHORTEST:
        return f"0{NBSP}s"
    if seconds < 0.1:
        return _short_time(seconds)
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


def seconds(value: float | None) -> str:
    """Format a short time by three digits: 36 µs, 24.5 ms, 1.25 s; a longer one as `duration`."""
    if value is None or not present(value):
        return DASH
    # What would be rounded to 1000 takes the next unit.
    return _short_time(value) if 0 < value < 0.9995 else duration(value)


def _short_time(seconds: float) -> str:
    if seconds < 1e-3 * 0.9995:
        return f"{_digits(seconds / 1e-6)}{NBSP}µs"
    return f"{_digits(seconds / 1e-3)}{NBSP}ms"


def times(number: int) -> str:
    """Format how often something happened: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(number, f"{count(number)}{NBSP}times")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    head = f"{large}{NBSP}{large_unit}"
    return f"{head}{NBSP}{small}{NBSP}{small_unit}" if small else head


def share(part: float | None, whole: float | None = 1.0) -> str:
    """Format a share in percent; 0 % and 100 % are shown only if they are exact."""
    if part is None or whole is None or not present(part) or not present(whole) or whole == 0:
        return DASH
    percent = 100 * part / whole
    if 0 < percent < 1:
        return f"<{NBSP}1{NBSP}%"
    if 99 < percent < 100:
        return f">{NBSP}99{NBSP}%"
    return f"{percent:.0f}{NBSP}%"


def decibels(value: float | None) -> str:
    """Format a PSNR: 41.2 dB; "exact" if it is infinite."""
    if value is not None and isinstance(value, float) and math.isinf(value):
        return "exact"
    return f"{_tenth(value)}{NBSP}dB" if value is not None and present(value) else DASH


def similarity(value: float | None) -> str:
    """Format an MS-SSIM: 0.987."""
    return f"{value:.3f}" if value is not None and present(value) else DASH


def bits_per_pixel(value: float | None) -> str:
    """Format a rate: 0.5 bpp."""
    return f"{_some(value)}{NBSP}bpp" if value is not None and present(value) else DASH


def degrees(value: float | None) -> str:
    """Format an angle: 34.2°."""
    return f"{_tenth(value)}°" if value is not None and present(value) else DASH


def _tenth(value: float) -> str:
    """Format with one decimal; 0.0 has no minus sign."""
    return f"{round(value, 1) + 0.0:.1f}".replace("-", "−")


def plural(number: float, noun: str) -> str:
    """Format a count with its noun: 1 frame, 2 passes, 3 opportunities."""
    return f"{count(number)}{NBSP}{noun_of(number, noun)}"


def counted(number: int, noun: str) -> str:
    """Format a count and noun at the start of a sentence: "Five choices", "31 choices"."""
    words = plural(number, noun)
    if 0 < number < len(_NUMERALS):
        return words.replace(f"{number}{NBSP}", f"{_NUMERALS[number]} ", 1)
    return words


def listing(parts: Iterable[str]) -> str:
    """Join words: "a, b and c"."""
    items = list(parts)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def some(parts: Sequence[str], limit: int) -> str:
    """Join words, at most `limit` of them: "a, b and 8 more"."""
    if len(parts) <= limit:
        return listing(parts)
    return f"{', '.join(parts[:limit])} and {len(parts) - limit}{NBSP}more"


def date(moment: datetime) -> str:
    """Format a date: 2 Dec 2024."""
    return f"{moment.day}{NBSP}{_MONTHS[moment.month - 1]}{NBSP}{moment.year}"


def short_date(moment: datetime) -> str:
    """Format a date without its year: 2 Dec."""
    return f"{moment.day}{NBSP}{_MONTHS[moment.month - 1]}"


def instant(start: datetime, seconds: float | None) -> str:
    """Format a time of the run to the nearest second: 2 Dec 05:12:33."""
    if seconds is None or not present(seconds):
        return DASH
    moment = start + timedelta(seconds=seconds + 0.5)
    return f"{short_date(moment)}{NBSP}{moment:%H:%M:%S}"


def tally(causes: Mapping[str, Any], write: Any = count) -> str:
    """Join counts by cause, the largest first: "8 recorder full and 4 power".

    A single cause is given without its count.
    """
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    ranked = [(name, number) for name, number in ranked if number]
    if len(ranked) == 1:
        return cause(ranked[0][0])
    return listing(f"{write(number)} {cause(name)}" for name, number in ranked)


def sizes(causes: Mapping[str, Any]) -> str:
    """Join bytes by cause, the largest first: "12 MB rain and 1.3 kB cut off"; empty if none."""
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    return listing(f"{size(number)} {cause(name)}" for name, number in ranked if number)


def encode_time(kind: str | None) -> str:
    """Return one sentence on how encoding times were obtained."""
    return {
        "modelled": "Encoding times are modelled: samples divided by the rate that the "
        "processor's profile cites for the codec.",
        "measured on host": "Encoding times were measured on the computer that ran the "
        "simulation, not on a flight computer, when each frame was first encoded; they are kept "
        "with the cached frames.",
        "measured on board": "Encoding times were measured by the board's own clock.",
        "modelled on board": "Encoding times are modelled by the board: an emulator counts "
        "instructions, at the clock that it declares.",
    }.get(kind or "", f"Encoding times: {plain(kind)}." if kind else "Nothing was encoded.")
