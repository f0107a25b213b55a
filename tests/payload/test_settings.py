from __future__ import annotations

import pytest
from downpass.link.errors import InputError
from downpass.payload.encoders.base import Setting, parse_choice


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


@pytest.mark.parametrize(
    "text", ["", "80", "q101", "-1bpp", "0bpp", "0B", "q", "bpp", "1TB", "1ib"]
)
def test_what_is_no_setting_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        Setting.parse(text)
    assert "\n" not in str(error.value)


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
    assert Setting(bytes=123).budget(100, 80) == 123
    assert Setting(quality=3).budget(100, 80) is None
