"""What varies: lists and ranges, from the command line and from the file."""

from __future__ import annotations

from typing import Any

import pytest
from downpass.link.errors import InputError
from downpass.sim.scenario.sweep import SweepRange
from downpass.sim.scenario.yamltree import parse
from downpass.sim.sweep.axes import axis, override, parse_axis, written
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("satellites.0.codec.bpp=0.5,1,2", "satellites.0.codec.bpp", (0.5, 1, 2)),
        ("a=4 MB , 8 MB", "a", ("4 MB", "8 MB")),
        ("a=student", "a", ("student",)),
        ("stations=[svalbard],[svalbard, awarua]", "stations",
         (["svalbard"], ["svalbard", "awarua"])),
        ("c={name: student, bpp: 1},{name: avif, bpp: 2}", "c",
         ({"name": "student", "bpp": 1}, {"name": "avif", "bpp": 2})),
        ("a='x, y',z", "a", ("x, y", "z")),
        ("a=true,null,10:30", "a", (True, None, "10:30")),
        ("a=1..3:3", "a", (1, 2, 3)),
        ("a=0.5..2:4", "a", (0.5, 1.0, 1.5, 2.0)),
        ("a=1 MB..16 MB:5:log", "a", ("1 MB", "2 MB", "4 MB", "8 MB", "16 MB")),
        ("a=64..512:4:log", "a", (64, 128, 256, 512)),
        ("a={from: 0, to: 1, step: 0.1}", "a",
         (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
        ("a={from: 5 deg, to: 12 deg, step: 3 deg}", "a", ("5 deg", "8 deg", "11 deg")),
        ("a=9.6 kbit/s..38.4 kbit/s:3:log", "a", ("9.6 kbit/s", "19.2 kbit/s", "38.4 kbit/s")),
        ("a=1..100:3:log", "a", (1, 10, 100)),
        ("a=-5 deg..5 deg:2", "a", ("-5 deg", "5 deg")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_an_axis_of_the_command_line(text: str, field: str, values: tuple[Any, ...]) -> None:
    found = parse_axis(text)
    assert (found.field, found.values) == (field, values)
    assert list(map(type, found.values)) == list(map(type, values))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bpp", "allowed: FIELD=VALUE"),
        ("=1", "allowed: FIELD=VALUE"),
        ("a=", "allowed: FIELD=VALUE"),
        ("a=1,1", "found 1 twice"),
        ("a=1,1.0", "found 1 twice"),
        ("a=1,1e0", "found 1 twice"),
        ("a=0.3,0.30000000000000004", "found 0.3 twice"),
        ("a=1,'1'", "found 1 twice"),
        ("a=[1, 2],[1.0, 2]", "found [1, 2] twice"),
        ("a=[1", "not YAML"),
        ("a={b: 1, b: 2},{b: 3}", "b: given twice"),
        ("a=2..1:3", "allowed: from below to"),
        ("a=1 MB..2 GB:3", "in the same unit"),
        ("a=0..2:3:log", "allowed: above 0"),
        ("a=1..2:1", "a whole number from 2"),
        ("a=1..2:90000", "some of them equal"),
        ("a={from: 1, to: 2, step: 1, count: 3}", "count and step"),
        ("a={from: 1, to: 2, step: 0}", "above 0"),
        ("a={from: 0, to: 1, step: 1e-9}", "at most 100000"),
        ("a={from: x, to: 2, count: 3}", "allowed: numbers"),
        ("a={from: 1, to: 2, cuont: 3}", "cuont"),
        ("a=" + "1," * 60_000, "characters; allowed: at most 100000"),
        ("a=\x1b[31m,,\x00", "not YAML"),
    ],
    ids=lambda text: text[:30],
)
def test_a_bad_axis_is_one_clean_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_axis(text)
    line = str(caught.value)
    assert message in line
    assert line.isprintable()
    assert len(line) < 400


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcz_", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_an_override_carries_any_value(value: Any) -> None:
    """The loader reads the text as YAML: it must be the same value, of the same type."""
    found = parse(override("a", value).partition("=")[2]).value
    assert found == value
    assert type(found) is type(value)
    assert written(value).isprintable()


@given(
    st.integers(1, 10**6), st.integers(1, 10**6), st.integers(2, 40),
    st.sampled_from(["linear", "log"]), st.sampled_from(["", " MB"]),
)  # fmt: skip
def test_a_range_rises_from_its_first_to_its_last_value(
    low: int, more: int, count: int, scale: str, unit: str
) -> None:
    given_range = SweepRange.model_validate(
        {"from": f"{low}{unit}", "to": f"{low + more}{unit}", "count": count, "scale": scale}
    )
    try:
        values = axis("a", given_range).values
    except InputError as error:
        assert "equal after rounding" in str(error)
        return
    numbers = [float(str(value).split()[0]) for value in values]
    assert len(values) == count
    assert (numbers[0], numbers[-1]) == (low, low + more)
    assert numbers == sorted(numbers)
    for place, number in enumerate(numbers):
        share = place / (count - 1)
        exact = low * ((low + more) / low) ** share if scale == "log" else low + share * more
        assert number == pytest.approx(exact, rel=6e-4)
