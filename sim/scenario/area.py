"""Areas that are named and not drawn: the land of the Earth, or a part of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from .base import Model, is_number
from .plain_numbers import Number
from .refusal import fault, shown
from .units import Metres


def _limits(value: object, most: float) -> tuple[float, float]:
    """Return two limits in degrees."""
    wanted = f"allowed: two numbers from {-most:g} to {most:g} degrees, such as [-30, 60]"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise fault(f"found {shown(value)}; {wanted}")
    low, high = value
    if not is_number(low) or not is_number(high) or not (-most <= low <= most >= high >= -most):
        raise fault(f"found [{shown(low)}, {shown(high)}]; {wanted}")
    return float(low), float(high)


def _latitudes(value: object) -> tuple[float, float]:
    south, north = _limits(value, 90.0)
    if south >= north:
        raise fault(f"found [{south:g}, {north:g}]; allowed: south before north")
    return south, north


def _longitudes(value: object) -> tuple[float, float]:
    west, east = _limits(value, 180.0)
    if west == east:
        raise fault(f"found [{west:g}, {east:g}]; allowed: west and east that differ")
    return west, east


def _two_numbers(most: int) -> WithJsonSchema:
    number = {"type": "number", "minimum": -most, "maximum": most}
    return WithJsonSchema(
        {"type": "array", "prefixItems": [number] * 2, "minItems": 2, "maxItems": 2}
    )


class AreaSpec(Model):
    """An area that is named and not drawn: the land of the Earth, or a part of it."""

    of: Literal["land"] = Field(
        default="land",
        description=(
            "`land`: the land of the Earth with its lakes, from an outline that ships (Natural "
            "Earth, accurate to about 9 km; islands under 100 km² are missing)."
        ),
    )
    latitude: Annotated[tuple[float, float], BeforeValidator(_latitudes), _two_numbers(90)] = Field(
        default=(-90.0, 90.0),
        description="Southern and northern limit, in degrees.",
        examples=[[-56, 83]],
    )
    longitude: Annotated[tuple[float, float], BeforeValidator(_longitudes), _two_numbers(180)] = (
        Field(
            default=(-180.0, 180.0),
            description=(
                "Western and eastern limit, in degrees; [170, -140] lies across the antimeridian."
            ),
            examples=[[-12, 45]],
        )
    )
    exclude: tuple[Literal["antarctica", "greenland"], ...] = Field(
        default=(), description="Parts to leave out.", examples=[["antarctica"]]
    )
    coast: Annotated[float, Metres(least="0 m", most="500 km", usual="20 km")] = Field(
        default=0.0,
        description="Width of the strip of sea along the coasts that belongs to the area.",
        examples=["20 km"],
    )
    share: Annotated[float, Number(0, 1, above=0)] = Field(
        default=1.0,
        description=(
            "Share of the area that is asked for, as far as it is in view: what cloud forecast, "
            "season and orders leave. It is drawn from the seed, for each satellite and in pieces "
            "of whole frames, at least 200 km along the track."
        ),
        examples=[0.4],
    )
