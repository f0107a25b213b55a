from __future__ import annotations

import pytest
from downpass.link.errors import InputError
from downpass.payload.encoders.base import HIGHEST_BPP, Setting, parse_choice
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("q80", Setting(quality=80)),
        ("Q 12.5", Setting(quality=12.5)),
        ("lossless", Setting(quality=100)),
        ("0.5bpp", Setting(bpp=0.5)),
        (".5 bpp", Setting(bpp=0.5)),
        ("20kB", Setting(bytes=20_000)),
        ("1.5 MiB", Setting(bytes=1_572_864)),
        ("700B", Setting(bytes=700)),
    ],
)
def test_a_setting_as_people_write_it(text: str, setting: Setting) -> None:
    assert Setting.parse(text) == setting
    assert Setting.parse(str(setting)) == setting


@given(
    st.one_of(
        st.builds(Setting, quality=st.floats(0, 100)),
        st.builds(Setting, bpp=st.floats(0, HIGHEST_BPP, exclude_min=True)),
        st.builds(Setting, bytes=st.integers(1, 2**53)),
    )
)
def test_each_setting_has_a_text_of_its_own(setting: Setting) -> None:
    """Caches and comparisons tell settings apart by it."""
    assert Setting.parse(str(setting)) == setting


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (Setting(bpp=2.0), "2bpp"),
        (Setting(bpp=2.000004), "2.000004bpp"),
        (Setting(bpp=0.00001), "1e-05bpp"),
        (Setting(quality=99.9999999), "q99.9999999"),
    ],
)
def test_a_text_is_as_short_as_it_can_be(setting: Setting, text: str) -> None:
    assert str(setting) == text


@pytest.mark.parametrize(
    "text",
    ["", "80", "q101", "-1bpp", "0bpp", "0B", "q", "bpp", "1TB", "1ib", "1e400kB", "9" * 400 + "B"],
)
def test_what_is_no_setting_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        Setting.parse(text)
    assert "\n" not in str(error.value)


def test_a_refused_value_is_shown_with_all_its_digits() -> None:
    with pytest.raises(InputError, match=r"codec quality 100\.0000001: allowed are 0 to 100"):
        Setting(quality=100.0000001)
    with pytest.raises(InputError, match=r"codec rate 65536\.001 bpp: .* up to 65536$"):
        Setting(bpp=65536.001)


def test_a_choice_names_codec_and_setting() -> None:
    assert parse_choice("JPEGXL:q80") == ("jpegxl", Setting(quality=80))
    with pytest.raises(InputError, match="NAME:SETTING"):
        parse_choice("jpegxl")


@pytest.mark.parametrize("given", [{}, {"quality": 3.0, "bpp": 1.0}])
def test_exactly_one_of_three(given: dict[str, float]) -> None:
    with pytest.raises(InputError, match="exactly one"):
        Setting(**given)  # type: ignore[arg-type]


def test_the_budget_counts_all_bands_of_a_pixel_together() -> None:
    assert Setting(bpp=0.5).budget(100, 80) == 500
    assert Setting(bpp=0.24).budget(60, 50) == 90  # 89.99… in floats
    assert Setting(bytes=123).budget(100, 80) == 123
    assert Setting(quality=3).budget(100, 80) is None
