"""Text from outside: nothing of it acts, and every script's letters stay."""

# ruff: noqa: RUF001  (letters of other scripts are what is tested)

from __future__ import annotations

import json
import unicodedata

import pytest
from downpass.link.text import LONGEST, defused, json_text, printable
from hypothesis import given
from hypothesis import strategies as st

# Any code point there is, lone surrogates included, and mostly the harmful ones.
ANY = st.text(st.characters(codec=None))
HARMFUL = st.text(
    st.sampled_from("\x1b\x07\x00\x9b\x7f\r\n\t\u202a\u202e\u2066\u2069\u200b\u200e\u200f\ufeff")
    | st.sampled_from("ab[31m]\u05d0\u0627\u200c\u200d\ud800\U000e0041")
)
ACTS = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def acting(text: str) -> set[str]:
    """Characters that do something other than to be seen; joiners in their place are seen."""
    return {c for c in text if unicodedata.category(c) in ACTS} - set("\u200c\u200d")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("scene.tif", "scene.tif"),
        ("Übersee – Ærø, 20 °C", "Übersee – Ærø, 20 °C"),
        ("a\u00a0b", "a\u00a0b"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("one\ntwo\r\nthree\tfour", "one two three four"),
        ("one\u2028two\x85three", "one two three"),
        ("evil\u202efit.elif", r"evil\u202efit.elif"),
        ("\u2066a\u2069\u200e\u200f\u061c", r"\u2066a\u2069\u200e\u200f\u061c"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\ud83d", r"\ud83d"),
        ("\U000e0041", r"\U000e0041"),
        ("שדה בוקר", "שדה בוקר"),
        ("مطار القاهرة", "مطار القاهرة"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("a\u200db", r"a\u200db"),
        ("\u200cمی", r"\u200cمی"),
        ("東京 🛰", "東京 🛰"),
        ("hangul\u3164filler", r"hangul\u3164filler"),
    ],
)
def test_what_acts_is_escaped_and_letters_stay(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(ANY | HARMFUL)
def test_nothing_that_is_shown_acts(text: str) -> None:
    shown = printable(text)
    assert not acting(shown)
    assert len(shown) <= LONGEST
    shown.encode()
    assert printable(shown) == shown
    several = defused(text)
    assert acting(several) <= set("\n\t")
    assert several.count("\n") == text.count("\n")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=50))
def test_letters_digits_and_signs_stay_as_they_are(text: str) -> None:
    unseen = set("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
    if not unseen & set(text):
        assert printable(text) == text


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 100])
def test_long_text_loses_its_middle(limit: int) -> None:
    for length in (limit - 1, limit, limit + 1, 10 * limit, 1_000_000):
        text = "ab" * length
        shown = printable(text[:length], limit)
        assert len(shown) == min(length, limit)
        assert ("…" in shown) == (length > limit)
    assert printable("a" * 50 + "z" * 50, 9) == "aaaa…zzzz"


@given(st.recursive(ANY | HARMFUL | st.integers(), lambda x: st.lists(x) | st.dictionaries(ANY, x)))
def test_json_reads_as_what_was_written_and_does_not_act(value: object) -> None:
    for indent in (None, 2):
        text = json_text(value, indent)
        assert json.loads(text) == value
        assert acting(text) <= {"\n"}
        assert "\u200d" not in text
        text.encode()


def test_json_has_no_number_that_is_none() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"psnr": float("inf")})
