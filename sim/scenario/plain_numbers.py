"""Read plain numbers from scenario files, such as shares and counts, within bounds.

A field's annotation gives the bounds of the number that it holds::

    packet_loss: Annotated[float, Number(0, 1)]
    bit_depth: Annotated[int, Whole(1, 16)]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .refusal import fault, shown


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.15g}"


@dataclass(frozen=True, slots=True)
class Number:
    """A plain number within bounds, such as a share."""

    least: float
    most: float
    above: float | None = None
    whole: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        """Kind of number, for messages and documentation."""
        return "whole number" if self.whole else "number"

    @property
    def bounds(self) -> str:
        """The allowed range in words."""
        if self.above is None:
            return f"from {_plain(self.least)} to {_plain(self.most)}"
        return f"above {_plain(self.above)}, up to {_plain(self.most)}"

    @property
    def allowed(self) -> str:
        """What may be written, in words."""
        return f"a {self.kind} {self.bounds}"

    def check(self, value: object) -> float:
        """Return the number, or raise a `fault` that says what is allowed."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            if not (self.whole and isinstance(value, float) and value.is_integer()):
                text = ", which is text" if isinstance(value, str) else ""
                raise fault(f"found {shown(value)}{text}; allowed: {self.allowed}")
            value = int(value)
        # Compare before converting: an int of a thousand digits does not fit into a float.
        too_low = value < self.least if self.above is None else value <= self.above
        if too_low or not value <= self.most:
            raise fault(f"found {shown(value)}; allowed: {self.allowed}")
        return int(value) if self.whole else float(value)

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.check, serialization=core_schema.plain_serializer_function_ser_schema(lambda v: v)
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        if self.above is None:
            schema["minimum"] = self.least
        else:
            schema["exclusiveMinimum"] = self.above
        return schema | {"maximum": self.most}


@dataclass(frozen=True, slots=True)
class Whole(Number):
    """A whole number within bounds."""

    whole: ClassVar[bool] = True


LEAST_BPP = 1e-6
BitsPerPixel = Annotated[float, Number(LEAST_BPP, 1024 * 16)]
"""A rate in bits per pixel, all bands together: at most that of 1024 bands of 16 bits, and no less
than some bytes of the largest frame."""
