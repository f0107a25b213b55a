"""Number formats and phrases, each against what a person would write."""

import math
from datetime import UTC, datetime

import pytest
from downpass.sim.report import wording as w
from downpass.sim.report.backlog import even_times
from hypothesis import example, given
from hypothesis import strategies as st


def spaced(text: str) -> str:
    return text.replace(w.NBSP, " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (999.6, "1 kB"),
        (1000, "1 kB"),
        (1234, "1.23 kB"),
        (112_000_000, "112 MB"),
        (999_600_000, "1 GB"),
        (1.2e9, "1.2 GB"),
        (3e18, "3,000 PB"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_size(value: float | None, text: str) -> None:
    assert spaced(w.size(value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (1e-12, "0 s"),
        (7e-5, "70 µs"),
        (0.0004567, "457 µs"),
        (0.04, "40 ms"),
        (0.25, "0.25 s"),
        (9.9, "9.9 s"),
        (45.4, "45 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3599.6, "1 h"),
        (11_520, "3 h 12 min"),
        (86_400, "24 h"),
        (172_799, "2 d"),
        (187_200, "2 d 4 h"),
        (-200, "−3 min 20 s"),
        (None, "–"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert spaced(w.duration(seconds)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (w.area(0), "0 km²"),
        (w.area(0.0003), "< 0.001 km²"),
        (w.area(1.2288), "1.23 km²"),
        (w.area(34_500), "34,500 km²"),
        (w.area(None), "unknown"),
        (w.energy(0), "0 J"),
        (w.energy(0.0001), "< 0.001 J"),
        (w.energy(0.007245), "0.0072 J"),
        (w.energy(3400), "3.4 kJ"),
        (w.bits_per_pixel(0.0042), "0.0042 bpp"),
        (w.bits_per_pixel(0.0004), "< 0.001 bpp"),
        (w.power(0), "0 W"),
        (w.power(0.0004), "< 0.001 W"),
        (w.ratio(36_864, 6729), "5.5 : 1"),
        (w.ratio(3, 129), "1 : 43.0"),
        (w.ratio(7, 7), "1 : 1"),
        (w.ratio(0, 7), "–"),
    ],
)
def test_a_small_figure_is_not_nothing(text: str, expected: str) -> None:
    assert spaced(text) == expected


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 1000, "< 1 %"),
        (999, 1000, "> 99 %"),
        (1, 3, "33 %"),
        (1, 0, "–"),
    ],
)
def test_share(part: float, whole: float, text: str) -> None:
    assert spaced(w.share(part, whole)) == text


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_of_0_or_100_percent_is_exact(part: int, extra: int) -> None:
    whole = part + extra
    assert (spaced(w.share(part, whole)) == "0 %") == (part == 0)
    assert spaced(w.share(part, whole)) != "100 %"


@example(0.875)
@given(st.floats(0, 1e17))
def test_a_size_is_within_half_a_percent(value: float) -> None:
    number, unit = spaced(w.size(value)).split(" ")
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}[unit]
    # 0.875 is written 0.88, which is off by half a hundredth and a rounding of binary numbers.
    within = pytest.approx(value, rel=0.005, abs=0.005 + 1e-9)
    assert float(number.replace(",", "")) * factor == within


@given(st.text(), st.integers(3, 40))
def test_names_are_one_line_and_no_longer_than_allowed(text: str, limit: int) -> None:
    words = w.short(text, limit)
    assert 1 <= len(words) <= max(limit, len("(unnamed)"))
    assert words.isprintable() or not any(ord(letter) < 32 for letter in words)
    words.encode("utf-8")


def test_phrases() -> None:
    assert spaced(w.plural(1, "frame")) == "1 frame"
    assert spaced(w.plural(2, "pass")) == "2 passes"
    assert spaced(w.plural(1834, "imaging opportunity")) == "1,834 imaging opportunities"
    assert spaced(w.counted(5, "choice")) == "Five choices"
    assert spaced(w.counted(31, "choice")) == "31 choices"
    assert w.listing(["a"]) == "a"
    assert w.listing(["a", "b", "c"]) == "a, b and c"
    assert spaced(w.some(["a", "b", "c", "d"], 2)) == "a, b and 2 more"
    assert w.tally({"power": 4, "recorder-full": 8, "none": 0}) == "8 recorder full and 4 power"
    assert w.tally({"power": 4, "none": 0}) == "power"
    assert spaced(w.codec_label("jpeg2000:0.5bpp")) == "JPEG 2000 at 0.5 bpp"
    assert spaced(w.codec_label("jpegxl:q80")) == "JPEG XL at quality 80"
    assert spaced(w.codec_label("jpegls:20kB")) == "JPEG-LS at 20 kB"
    assert spaced(w.codec_label("student:2bpp lookahead")) == "student at up to 2 bpp (lookahead)"
    assert w.codec_label("student") == "student"
    assert w.codec_label("ccsds121:lossless") == "CCSDS 121, lossless"
    assert w.codec_label("jpegxl:own setting") == "JPEG XL, own setting"
    assert w.energy(None) == "unknown"
    assert spaced(w.instant(datetime(2024, 12, 31, 23, tzinfo=UTC), 3600)) == "1 Jan 00:00:00"
    assert w.decibels(math.inf) == "exact"
    assert spaced(w.decibels(41.23)) == "41.2 dB"
    assert spaced(w.decibels(-3.21)) == "−3.2 dB"
    assert (w.degrees(-0.04), w.degrees(-0.06)) == ("0.0°", "−0.1°")


def test_a_time_is_that_of_the_nearest_second() -> None:
    start = datetime(2024, 12, 2, 0, 0, 0, 900_000, tzinfo=UTC)
    texts = [spaced(w.instant(start, seconds)) for seconds in (0, 0.5, 0.7)]
    assert texts == ["2 Dec 00:00:01", "2 Dec 00:00:01", "2 Dec 00:00:02"]


@pytest.mark.parametrize(("duration", "rows"), [(0.5, 2), (1, 2), (7.5, 8), (24, 25), (86_400, 25)])
def test_a_table_of_even_times_has_no_second_twice(duration: float, rows: int) -> None:
    times = even_times(duration)
    assert (len(times), times[0], times[-1]) == (rows, 0, duration)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.000_002, "2 µs"),
        (0.000_036_4, "36.4 µs"),
        (0.0245, "24.5 ms"),
        (0.712, "712 ms"),
        (0.999_51, "1 s"),
        (1.254, "1.25 s"),
        (200, "3 min 20 s"),
        (None, "–"),
    ],
)
def test_seconds(seconds: float | None, text: str) -> None:
    assert spaced(w.seconds(seconds)) == text


@pytest.mark.parametrize(
    ("bpp", "text"),
    [
        (0, "0 bpp"),
        (0.004, "0.004 bpp"),
        (0.0625, "0.062 bpp"),
        (0.5, "0.5 bpp"),
        (12.34, "12.3 bpp"),
    ],
)
def test_a_small_rate_is_not_zero(bpp: float, text: str) -> None:
    assert spaced(w.bits_per_pixel(bpp)) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, 0, "0"), (0.0004, 0, "0.0004"), (1.6384, 0, "1.6"), (10.4, 0, "10"), (1400, 0, "1400"),
        (0, 1, "0.0"), (0.0456, 1, "0.046"), (4.44, 1, "4.4"), (100, 1, "100.0"),
    ],
)  # fmt: skip
def test_a_small_number_is_not_zero(value: float, decimals: int, text: str) -> None:
    assert w.fixed(value, decimals) == text
