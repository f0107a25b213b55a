"""An information rate that is one number, or depends on the elevation in steps."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from .base import Model
from .refusal import fault, shown
from .units import BitsPerSecond, Degrees

_Rate = Annotated[float, BitsPerSecond(least="1 bit/s", most="1 Tbit/s")]


class RateStep(Model):
    """One step of the downlink's rate."""

    elevation: Annotated[float, Degrees(least="-90 deg", most="90 deg")] = Field(
        description="Elevation of the satellite above the horizon from which the step holds.",
        examples=["5 deg"],
    )
    rate: _Rate = Field(
        description="Information bits per second that the link carries from this elevation up.",
        examples=["50 Mbit/s"],
    )


def _rate_steps(value: object) -> object:
    """Turn a plain rate into one step that holds at all elevations."""
    if isinstance(value, str | int | float) or value is None:
        return [{"elevation": "-90 deg", "rate": value}]
    if not isinstance(value, list | tuple) or not value:
        raise fault(
            f"found {shown(value)}; allowed: a rate such as 150 Mbit/s, or a list of steps "
            "such as {elevation: 5 deg, rate: 50 Mbit/s}"
        )
    return value


def _rising(steps: tuple[RateStep, ...]) -> tuple[RateStep, ...]:
    for low, high in pairwise(steps):
        if high.elevation <= low.elevation:
            raise fault(
                f"found elevation {high.elevation:g} deg after {low.elevation:g} deg; "
                "allowed: elevations that rise from step to step"
            )
    return steps


RateSteps = Annotated[
    tuple[RateStep, ...],
    BeforeValidator(_rate_steps, json_schema_input_type=_Rate | tuple[RateStep, ...]),
    AfterValidator(_rising),
]
"""One rate, or steps in order of rising elevation."""
