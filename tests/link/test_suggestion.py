"""Suggestions for misspelt names."""

from __future__ import annotations

import difflib

import pytest
from downpass.link.suggestion import LONGEST, MOST, closest, did_you_mean
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("found", "allowed", "name"),
    [
        pytest.param("jpegx", ("jpeg2000", "jpegxl", "avif"), "jpegxl", id="misspelt"),
        pytest.param("SVALBART", ("awarua", "svalbard"), "svalbard", id="capitals found"),
        pytest.param("lisbn", ("Lisbon", "Porto"), "Lisbon", id="capitals allowed"),
        pytest.param("qqq", ("jpeg2000", "jpegxl"), None, id="nothing close"),
        pytest.param(1234, ("12345", "x"), "12345", id="a number"),
        pytest.param("a", (), None, id="nothing allowed"),
        pytest.param("a" * 10**7, ("a" * 100,), "a" * 100, id="long names by their beginning"),
        pytest.param("b" * LONGEST + "aa", ("aa",), None, id="the rest does not count"),
    ],
)
def test_closest(found: object, allowed: tuple[str, ...], name: str | None) -> None:
    assert closest(found, allowed) == name
    assert did_you_mean(found, allowed) == ("" if name is None else f"; did you mean {name}?")


def test_only_so_many_names_are_looked_at() -> None:
    def names() -> object:
        yield from (f"{number:x<9}" for number in range(MOST))
        pytest.fail("more names were asked for")

    assert closest("target", names()) is None


@given(
    st.text("abcde", min_size=1, max_size=8),
    st.lists(st.text("abcde", min_size=1, max_size=8), max_size=8, unique=True),
)
def test_what_is_suggested_is_as_close_as_any(found: str, allowed: list[str]) -> None:
    def likeness(name: str) -> float:
        matcher = difflib.SequenceMatcher()
        matcher.set_seq2(found)
        matcher.set_seq1(name)
        return matcher.ratio()

    name = closest(found, allowed)
    best = max(map(likeness, allowed), default=0.0)
    assert (name is not None) == (best >= 0.6)
    assert name is None or likeness(name) == best
