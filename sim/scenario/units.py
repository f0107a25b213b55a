"""Read numbers with units from scenario files: `500 km`, `150 Mbit/s`, `2 GB`, `80 Wh`.

A field's annotation gives the kind of number that it holds::

    swath: Annotated[float, Metres(above="0 m", most="5000 km")]

In a scenario file, such a field needs a number with a unit. A bare number is refused, because
nobody can see whether `500` means metres or kilometres. Only `0` needs no unit, since it is zero
in every unit. Python code may also pass an SI number without a unit.

Each kind has a short closed list of units. The JSON Schema's pattern, the documentation and the
parser use this list, so they cannot disagree.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from .refusal import fault, shown
from .spellings import meant
from .unit_registry import factor

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
_QUANTITY = re.compile(rf"\s*({NUMBER})\s*(\S.*?)?\s*", re.ASCII)
LONGEST_QUANTITY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with a unit, within bounds that also have units.

    Attributes:
        most: The largest allowed value.
        least: The smallest allowed value.
        above: Instead of `least`, a bound that is itself not allowed.
        usual: A usual value of the field for messages, if the kind's `example` is not usual.
    """

    most: str
    least: str | None = None
    above: str | None = None
    usual: str | None = None

    si: ClassVar[str]
    units: ClassVar[tuple[str, ...]]
    example: ClassVar[str]
    whole: ClassVar[bool] = False

    @classmethod
    def si_value(cls, text: str) -> Decimal:
        """Return the exact SI number of a text such as `500 km`.

        Raises:
            ValueError: The text is not a number with a unit of this kind.
        """
        # A longer text is not a number, and the expression would backtrack over its blanks.
        found = _QUANTITY.fullmatch(text) if len(text) <= LONGEST_QUANTITY else None
        choice = f"allowed units: {', '.join(cls.units)}"
        if found is None:
            raise ValueError(f"a number and a unit are wanted, such as {cls.example}; {choice}")
        number, unit = found.groups()
        if unit is None:
            if Decimal(number) == 0:
                return Decimal(0)
            raise ValueError(f"{cls._alone(number)}; {choice}")
        # Spaces inside a unit (`Mbit / s`) carry no meaning.
        unit = re.sub(r"\s+", "", unit)
        if unit not in cls.units:
            raise ValueError(
                f"unit {shown(unit)} does not fit here{cls._nearest(number, unit)}; {choice}"
            )
        return Decimal(number) * factor(unit, cls.si)

    @classmethod
    def _nearest(cls, number: str, unit: str) -> str:
        comma = re.fullmatch(r",(\d{1,20})(\D.*)", unit, re.ASCII)
        if comma and "." not in number and comma[2] in cls.units:
            return f" (did you mean {number}.{comma[1]} {comma[2]}?)"
        close = meant(unit, cls.units)
        return f" (did you mean {' or '.join(close)}?)" if close else ""

    @classmethod
    def _alone(cls, number: str) -> str:
        """Return a message on a missing unit, with the number read as SI in the usual unit."""
        plain = next(unit for unit in cls.units if factor(unit, cls.si) == 1)
        usual = cls.example.split()[-1]
        try:
            value = Decimal(number) / factor(usual, cls.si)
        except ArithmeticError:
            value = Decimal("nan")
        if usual == plain or not value.is_finite() or not -1 <= value.adjusted() < 9:
            return "it has no unit"
        return f"it has no unit (in {plain} it would be {float(value):.9g} {usual})"

    @classmethod
    def pattern(cls) -> str:
        """Return the regular expression of allowed text, for the JSON Schema."""
        units = "|".join(re.escape(u).replace("/", r"\s*/\s*") for u in cls.units)
        return rf"^\s*{NUMBER}\s*(?:{units})\s*$"

    @property
    def bounds(self) -> str:
        """The allowed range in words."""
        if self.above is None:
            return f"{self.least} to {self.most}"
        return f"above {self.above}, up to {self.most}"

    @property
    def allowed(self) -> str:
        """What may be written, in words."""
        return self.bounds

    @classmethod
    def written(cls, value: float) -> str:
        """Return an SI number as a file would have it."""
        unit = next(unit for unit in cls.units if factor(unit, cls.si) == 1)
        return f"{value:.15g} {unit}" if value else "0"

    def check(self, value: object, info: ValidationInfo) -> float:
        """Return the SI number, or raise a `fault` that says what is allowed."""
        context = info.context or {}
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise fault(
                f"found {shown(value)}; allowed: a number and a unit, such as "
                f"{self.usual or self.example}"
            )
        if isinstance(value, str):
            try:
                exact = self.si_value(value)
            except ValueError as error:
                raise fault(f"found {shown(value)}; {error}") from None
        elif context.get("file") and value != 0:
            raise fault(
                f"found {shown(value)}; {self._alone(str(value)[:LONGEST_QUANTITY])}; "
                f"allowed: a number and a unit, such as {self.usual or self.example}"
            )
        elif isinstance(value, float) and not math.isfinite(value):
            raise fault(f"found {value}; allowed: {self.allowed}")
        else:
            exact = Decimal(value)
        low = self.si_value(self.above if self.above is not None else self.least or "0")
        too_low = exact <= low if self.above is not None else exact < low
        if too_low or exact > self.si_value(self.most):
            raise fault(f"found {shown(value)}; allowed: {self.allowed}")
        if not self.whole:
            number = float(exact)
            if self.above is not None and number <= low:  # a float holds no number as small
                raise fault(f"found {shown(value)}; allowed: {self.allowed}")
            return number
        if exact != exact.to_integral_value():
            raise fault(f"found {shown(value)}; allowed: a whole number of {self.si}s")
        return int(exact)

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self.check, serialization=core_schema.plain_serializer_function_ser_schema(lambda v: v)
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "pattern": self.pattern()}
        if self.above is None and self.si_value(self.least or "0") <= 0:
            # `pattern` applies to strings only, and the two limits to numbers only. So 0 needs no
            # unit, whether it is quoted or not.
            zero = r"^\s*[+-]?(?:0+(?:\.0*)?|\.0+)(?:[eE][+-]?\d+)?\s*$"
            schema["pattern"] = f"{self.pattern()}|{zero}"
            schema |= {"type": ["string", "number"], "minimum": 0, "maximum": 0}
        return schema


class Seconds(Quantity):
    """A duration, in seconds."""

    __slots__ = ()
    si, units, example = "second", ("ms", "s", "min", "h", "d"), "24 h"


class Metres(Quantity):
    """A length, in metres."""

    __slots__ = ()
    si, units, example = "metre", ("mm", "cm", "m", "km"), "500 km"


class Bytes(Quantity):
    """An amount of data, in whole bytes. Bits are allowed: missions publish memory in them, too."""

    __slots__ = ()
    si, example, whole = "byte", "2 GB", True
    units = (
        *("B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"),
        *("bit", "kbit", "Mbit", "Gbit", "Tbit"),
    )


class BitsPerSecond(Quantity):
    """A data rate, in bits per second."""

    __slots__ = ()
    si, example = "bit / second", "150 Mbit/s"
    units = (
        *("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"),
        *("bps", "kbps", "Mbps", "Gbps", "Tbps", "kB/s", "MB/s", "GB/s"),
    )


class Watts(Quantity):
    """A power, in watts."""

    __slots__ = ()
    si, units, example = "watt", ("mW", "W", "kW"), "10 W"


class Joules(Quantity):
    """An energy, in joules."""

    __slots__ = ()
    si, units, example = "joule", ("J", "kJ", "MJ", "Wh", "kWh"), "80 Wh"


class Degrees(Quantity):
    """An angle, in degrees."""

    __slots__ = ()
    si, units, example = "degree", ("deg", "°"), "5 deg"


class MillimetresPerHour(Quantity):
    """A rain rate, in millimetres per hour, as rain is always given."""

    __slots__ = ()
    si, units, example = "mm / h", ("mm/h",), "40 mm/h"


class DegreesPerSecond(Quantity):
    """A turning rate, in degrees per second."""

    __slots__ = ()
    si, units, example = "degree / second", ("deg/s", "°/s", "deg/min"), "1 deg/s"


class SamplesPerSecond(Quantity):
    """A coding rate, in samples (pixels x bands) per second; `px` is a pixel of one band."""

    __slots__ = ()
    si, example = "sample / second", "2 Mpx/s"
    units = (
        *("px/s", "kpx/s", "Mpx/s", "Gpx/s"),
        *("sample/s", "ksample/s", "Msample/s", "Gsample/s"),
    )


class Tiles(Quantity):
    """A whole number of tiles."""

    __slots__ = ()
    si, units, example, whole = "tile", ("tiles", "tile"), "20 tiles", True


class Hertz(Quantity):
    """A frequency, in hertz."""

    __slots__ = ()
    si, units, example = "hertz", ("Hz", "kHz", "MHz", "GHz"), "8.2 GHz"


class SymbolsPerSecond(Quantity):
    """A symbol rate, in channel symbols per second; a baud is one."""

    __slots__ = ()
    si, example = "symbol / second", "50 Msymbol/s"
    units = (
        *("symbol/s", "ksymbol/s", "Msymbol/s", "Gsymbol/s"),
        *("Bd", "kBd", "MBd", "GBd"),
    )


class Kelvins(Quantity):
    """A noise temperature, in kelvin."""

    __slots__ = ()
    si, units, example = "kelvin", ("K",), "150 K"


class Decibels(Quantity):
    """A ratio of powers, in decibels."""

    __slots__ = ()
    si, units, example = "decibel", ("dB",), "1 dB"


class DecibelsIsotropic(Quantity):
    """An antenna's gain over an isotropic antenna, in dBi."""

    __slots__ = ()
    si, units, example = "decibel", ("dBi",), "15 dBi"


class DecibelWatts(Quantity):
    """A power, in decibels over a watt."""

    __slots__ = ()
    si, units, example = "decibel", ("dBW",), "12 dBW"


class DecibelsPerKelvin(Quantity):
    """A station's figure of merit G/T, in dB/K."""

    __slots__ = ()
    si, units, example = "decibel / kelvin", ("dB/K",), "27 dB/K"
