"""Quantities: what may be written, what it means, what is refused."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Annotated

import pint
import pytest
from downpass.sim.scenario import units
from downpass.sim.scenario.codec import CodecChoice, EncoderChoice
from downpass.sim.scenario.describe import keys, number_of
from downpass.sim.scenario.ground import StationSpec
from downpass.sim.scenario.imager import ImagerSpec
from downpass.sim.scenario.link import LinkSpec, ModeSpec, ReceiverSpec
from downpass.sim.scenario.orbit import KeplerOrbit, SunSynchronousOrbit
from downpass.sim.scenario.plain_numbers import Number, Whole
from downpass.sim.scenario.processor import ProcessorSpec
from downpass.sim.scenario.rate import RateStep
from downpass.sim.scenario.satellite import SatelliteSpec
from downpass.sim.scenario.scenario import Scenario
from downpass.sim.scenario.spacecraft import Loads, Power, RecorderSpec, TransmitterSpec
from downpass.sim.scenario.spellings import meant
from downpass.sim.scenario.unit_registry import factor
from downpass.sim.scenario.units import Quantity
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

KINDS = (
    units.Seconds,
    units.Metres,
    units.Bytes,
    units.BitsPerSecond,
    units.Watts,
    units.Joules,
    units.Degrees,
    units.DegreesPerSecond,
    units.SamplesPerSecond,
    units.Hertz,
    units.SymbolsPerSecond,
    units.Kelvins,
    units.Decibels,
    units.DecibelsIsotropic,
    units.DecibelWatts,
    units.DecibelsPerKelvin,
)


class Example(BaseModel):
    length: Annotated[float, units.Metres(above="0 m", most="5000 km")] = 1.0
    gsd: Annotated[float, units.Metres(least="1 cm", most="100 km", usual="20 m")] = 1.0
    mask: Annotated[float, units.Degrees(least="0 deg", most="89 deg")] = 0.0
    size: Annotated[int, units.Bytes(least="1 B", most="1 TB")] = 1
    share: Annotated[float, Number(0, 1)] = 0.5
    count: Annotated[int, Whole(1, 9)] = 1


def message(**fields: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Example.model_validate(fields, context={"file": True})
    (error,) = caught.value.errors()
    assert error["type"] == "downpass"
    return str(error["msg"])


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (units.Metres, "500 km", 500_000),
        (units.Metres, "10.24km", 10_240),
        (units.Metres, "-1e3 mm", -1),
        (units.BitsPerSecond, "150 Mbit/s", 150_000_000),
        (units.BitsPerSecond, "150 Mbit / s", 150_000_000),
        (units.BitsPerSecond, "2 Mbps", 2_000_000),
        (units.BitsPerSecond, "1 MB/s", 8_000_000),
        (units.Bytes, "2 GB", 2_000_000_000),
        (units.Bytes, "2 GiB", 2_147_483_648),
        (units.Bytes, "2360 Gbit", 295_000_000_000),
        (units.Seconds, "24 h", 86_400),
        (units.Seconds, ".5 s", Decimal("0.5")),
        (units.Joules, "80 Wh", 288_000),
        (units.SamplesPerSecond, "2 Mpx/s", 2_000_000),
        (units.SamplesPerSecond, "2 Msample/s", 2_000_000),
        (units.DegreesPerSecond, "90 deg/min", Decimal("1.5")),
        (units.Watts, "0", 0),
        (units.Hertz, "8.2 GHz", 8_200_000_000),
        (units.SymbolsPerSecond, "50 Msymbol/s", 50_000_000),
        (units.SymbolsPerSecond, "50 MBd", 50_000_000),
        (units.Kelvins, "150 K", 150),
        (units.Decibels, "-0.5 dB", Decimal("-0.5")),
        (units.DecibelsIsotropic, "12 dBi", 12),
        (units.DecibelWatts, "-3 dBW", -3),
        (units.DecibelsPerKelvin, "27.1 dB / K", Decimal("27.1")),
    ],
)
def test_what_is_written_is_what_is_meant(
    kind: type[Quantity], text: str, value: Decimal | int
) -> None:
    assert kind.si_value(text) == value


# Pint's own registry, which shares no definition with ours, knows these units too.
_PINT_NAMES = {"px": "count", "sample": "count"}


@pytest.mark.parametrize("kind", KINDS)
def test_units_agree_with_pints_own_registry(kind: type[Quantity]) -> None:
    reference = pint.UnitRegistry()
    for unit in kind.units:
        if any(word in unit for word in ("px", "sample", "symbol", "Bd", "dBi", "dBW")):
            continue  # pint's px is a printer's, its baud is a bit, and it has no symbol and dBi
        theirs = reference.Quantity(1, unit).to(kind.si).magnitude
        assert float(factor(unit, kind.si)) == pytest.approx(theirs, rel=1e-14), unit


@given(
    st.sampled_from(KINDS).flatmap(lambda k: st.tuples(st.just(k), st.sampled_from(k.units))),
    st.decimals(-(10**12), 10**12, allow_nan=False, places=6),
    st.sampled_from(["", " ", "   "]),
)
def test_round_trip(chosen: tuple[type[Quantity], str], number: Decimal, gap: str) -> None:
    kind, unit = chosen
    text = f"{number:f}{gap}{unit}"
    assert re.fullmatch(kind.pattern(), text)
    exact = kind.si_value(text)
    assert exact == number * factor(unit, kind.si)
    assert float(kind.si_value(kind.written(float(exact)))) == pytest.approx(float(exact))


@given(st.text(max_size=30))
def test_pattern_and_parser_accept_the_same(text: str) -> None:
    for kind in KINDS:
        try:
            kind.si_value(text)
        except ValueError:
            assert not re.fullmatch(kind.pattern(), text, re.ASCII)
        else:
            assert re.fullmatch(kind.pattern(), text) or float(text) == 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"length": 500}, ("found 500; it has no unit (in m it would be 0.5 km); "
         "allowed: a number and a unit, such as 500 km")),
        ({"length": 10000}, ("found 10000; it has no unit (in m it would be 10 km); "
         "allowed: a number and a unit, such as 500 km")),
        ({"gsd": 20}, ("found 20; it has no unit; "
         "allowed: a number and a unit, such as 20 m")),
        ({"length": "500"}, ("found 500; it has no unit (in m it would be 0.5 km); "
         "allowed units: mm, cm, m, km")),
        ({"length": float("nan")}, ("found nan; it has no unit; "
         "allowed: a number and a unit, such as 500 km")),
        ({"length": float("inf")}, ("found inf; it has no unit; "
         "allowed: a number and a unit, such as 500 km")),
        ({"length": "inf km"}, ("found inf km; a number and a unit are wanted, such as 500 km; "
         "allowed units: mm, cm, m, km")),
        ({"length": "1,5 km"}, ("found 1,5 km; unit ,5km does not fit here (did you mean 1.5 km?); "
         "allowed units: mm, cm, m, km")),
        ({"length": "5 KM"}, ("found 5 KM; unit KM does not fit here (did you mean km?); "
         "allowed units: mm, cm, m, km")),
        ({"length": "5 GB"}, ("found 5 GB; unit GB does not fit here; "
         "allowed units: mm, cm, m, km")),
        ({"length": "-5 km"}, "found -5 km; allowed: above 0 m, up to 5000 km"),
        ({"length": "0 m"}, "found 0 m; allowed: above 0 m, up to 5000 km"),
        ({"length": 0}, "found 0; allowed: above 0 m, up to 5000 km"),
        ({"length": "1e-400 m"}, "found 1e-400 m; allowed: above 0 m, up to 5000 km"),
        ({"length": "1e999 km"}, "found 1e999 km; allowed: above 0 m, up to 5000 km"),
        ({"length": True}, "found true; allowed: a number and a unit, such as 500 km"),
        ({"length": None}, "found nothing; allowed: a number and a unit, such as 500 km"),
        ({"length": []}, "found an empty list; allowed: a number and a unit, such as 500 km"),
        ({"length": {"a": 1}}, "found a mapping; allowed: a number and a unit, such as 500 km"),
        ({"mask": "90 deg"}, "found 90 deg; allowed: 0 deg to 89 deg"),
        ({"size": "0.3 B"}, "found 0.3 B; allowed: 1 B to 1 TB"),
        ({"size": "1.5 B"}, "found 1.5 B; allowed: a whole number of bytes"),
        ({"share": 1.5}, "found 1.5; allowed: a number from 0 to 1"),
        ({"share": float("nan")}, "found nan; allowed: a number from 0 to 1"),
        ({"share": "30 %"}, "found 30 %, which is text; allowed: a number from 0 to 1"),
        ({"share": False}, "found false; allowed: a number from 0 to 1"),
        ({"share": 10**5000}, ("found a number of thousands of digits; "
         "allowed: a number from 0 to 1")),
        ({"count": 2.5}, "found 2.5; allowed: a whole number from 1 to 9"),
        ({"count": 10}, "found 10; allowed: a whole number from 1 to 9"),
    ],
)  # fmt: skip
def test_refusals(fields: dict[str, object], expected: str) -> None:
    assert message(**fields) == expected


def test_zero_needs_no_unit() -> None:
    assert Example.model_validate({"mask": 0}, context={"file": True}).mask == 0.0


def test_python_may_give_si_numbers() -> None:
    example = Example(length=500e3, size=2048)
    assert (example.length, example.size) == (500_000.0, 2048)
    with pytest.raises(ValidationError, match="found nan"):
        Example(length=float("nan"))


def test_whole_floats_are_whole() -> None:
    assert Example(count=3.0).count == 3  # type: ignore[arg-type]
    assert isinstance(Example.model_validate({"size": "1.5 kB"}).size, int)


def test_messages_stay_on_one_short_line() -> None:
    found = message(length="a\nb\x1b[31m" + "x" * 500)
    assert "\n" not in found
    assert "\x1b" not in found
    assert len(found) < 300


@pytest.mark.parametrize(
    ("kind", "unit", "close"),
    [
        (units.BitsPerSecond, "Mb/s", ["Mbit/s"]),
        (units.BitsPerSecond, "MBps", ["MB/s"]),
        (units.BitsPerSecond, "Mbyte/s", ["MB/s"]),
        (units.BitsPerSecond, "Mbit/sec", ["Mbit/s"]),
        (units.BitsPerSecond, "megabits/s", ["Mbit/s"]),
        (units.BitsPerSecond, "megabitspersecond", ["Mbit/s"]),
        (units.BitsPerSecond, "mbps", ["Mbit/s"]),
        (units.BitsPerSecond, "Gb", ["Gbit/s"]),
        (units.BitsPerSecond, "PB/s", []),
        (units.Bytes, "Gb", ["Gbit", "GB"]),
        (units.Bytes, "gb", ["GB", "Gbit"]),
        (units.Bytes, "GBytes", ["GB"]),
        (units.Bytes, "gigabytes", ["GB"]),
        (units.Seconds, "hours", ["h"]),
        (units.Seconds, "Hrs", ["h"]),
        (units.Seconds, "minutes", ["min"]),
        (units.Seconds, "m", ["min"]),
        (units.Seconds, "Days", ["d"]),
        (units.Seconds, "weeks", []),
        (units.Metres, "KM", ["km"]),
        (units.Metres, "kilometers", ["km"]),
        (units.Metres, "Mm", []),
        (units.Watts, "MW", []),
        (units.Watts, "watts", ["W"]),
        (units.Joules, "kWH", ["kWh"]),
        (units.Degrees, "degrees", ["deg"]),
        (units.Degrees, "rad", []),
        (units.DegreesPerSecond, "deg/sec", ["deg/s"]),
        (units.SamplesPerSecond, "Mpixels/s", ["Mpx/s"]),
    ],
)
def test_what_a_spelling_means(kind: type[Quantity], unit: str, close: list[str]) -> None:
    assert meant(unit, kind.units) == close
    with pytest.raises(ValueError, match="does not fit here") as caught:
        kind.si_value(f"1 {unit}")
    hint = f"(did you mean {' or '.join(close)}?)"
    assert (hint in str(caught.value)) == bool(close)


@settings(deadline=None)  # the first call makes pint's registry
@given(st.sampled_from(KINDS), st.sampled_from("mcCkKMGTPgt"), st.data())
def test_no_suggestion_has_another_prefix(
    kind: type[Quantity], letter: str, data: st.DataObject
) -> None:
    """Pint's own registry reads most wrong spellings; what we suggest is never another size."""
    base = data.draw(st.sampled_from(["W", "J", "m", "B/s", "byte/s", "bit/s", "s", "byte"]))
    spelling = letter + base
    close = meant(spelling, kind.units)
    if letter not in "mCKgt" and close:
        registry = _reference()
        # A rate is also suggested for an amount: `kbyte` may stand for `kB/s`.
        rate = "/s" if close[0].endswith("/s") and not spelling.endswith("/s") else ""
        want = registry.Quantity(1, spelling + rate)
        assert registry.Quantity(1, close[0]).to(want.units).magnitude == pytest.approx(1)


@cache
def _reference() -> pint.UnitRegistry:  # type: ignore[type-arg]
    return pint.UnitRegistry()


def test_usual_values_are_those_of_the_examples() -> None:
    """A field's message and its documentation show the same unit."""
    seen = 0
    for model in (
        SatelliteSpec,
        ImagerSpec,
        ProcessorSpec,
        RecorderSpec,
        TransmitterSpec,
        RateStep,
        LinkSpec,
        ModeSpec,
        ReceiverSpec,
        CodecChoice,
        EncoderChoice,
        StationSpec,
        Power,
        Loads,
        Scenario,
        KeplerOrbit,
        SunSynchronousOrbit,
    ):
        for name, field in keys(model):
            kind = number_of(field)
            if isinstance(kind, Quantity) and field.examples and name != "encode_rate":
                seen += 1
                example = next(one for one in field.examples if isinstance(one, str))
                shown = kind.usual or kind.example
                assert shown.split()[-1] == example.split()[-1], (model, name)
    assert seen > 20
