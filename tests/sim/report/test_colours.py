"""The palette against the contrast that WCAG 2.2 asks for, in both themes and in print."""

import re
from importlib import resources

import pytest

CSS = resources.files("downpass.sim.report").joinpath("page.css").read_text(encoding="utf-8")
THEMES = [
    dict(re.findall(r"--([a-z]+\d?): (#[0-9a-f]{3,6})\b", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, flags=re.S)
]


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_reckoned_right() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    # A figure that WebAIM's contrast checker and others give.
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_there_are_three_themes_of_the_same_colours() -> None:
    assert len(THEMES) == 3
    assert {frozenset(theme) for theme in THEMES} == {frozenset(THEMES[0])}


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark", "print"])
def test_the_palette_can_be_told_from_the_page(theme: dict[str, str]) -> None:
    for name in ("ink", "muted", "link"):
        assert contrast(theme[name], theme["page"]) >= 4.5, name
    for name in ("ink", "muted"):
        assert contrast(theme[name], theme["sea"]) >= 4.5, name
        assert contrast(theme[name], theme["land"]) >= 4.3, name
        assert contrast(theme[name], theme["shade"]) >= 4.5, name
    for name in ("s1", "s2", "s3", "s4", "s5", "s6", "night"):
        assert contrast(theme[name], theme["page"]) >= 3, name
