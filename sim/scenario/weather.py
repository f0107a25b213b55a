"""The weather of a scenario: clear, a fixed availability, or drawn from the seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from ...link.suggestion import did_you_mean
from .base import Clashes, Model, exactly_one
from .plain_numbers import Number
from .refusal import fault, shown

RainChoice = Literal["drawn", "none"]

_CHOICES = ("drawn", "none")


class WeatherSpec(Model):
    """The weather over the stations, for links that are computed from a budget."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [key]} for key in ("rain", "availability")],
        }
    )

    rain: RainChoice | None = Field(
        default=None,
        description=(
            "`drawn`: rain and clouds come and go over each station, drawn from the seed with the "
            "statistics of its climate (ITU-R P.1853 and P.618). `none`: a clear sky all the time."
        ),
        examples=["drawn"],
    )
    availability: Annotated[float, Number(0.5, 0.99999)] | None = Field(
        default=None,
        description=(
            "Instead of `rain`: all the time the attenuation by rain, clouds and scintillation "
            "that is exceeded for the rest of an average year (ITU-R P.618)."
        ),
        examples=[0.995],
    )

    @property
    def is_clear(self) -> bool:
        """Whether the sky is clear all the time."""
        return self.rain == "none"

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash unless exactly one of `rain` and `availability` is given."""
        return exactly_one(given, ("rain", "availability"))


def _in_a_word(value: object) -> object:
    """Turn a word into a mapping."""
    if isinstance(value, Mapping | WeatherSpec):
        return value
    if not isinstance(value, str) or value not in _CHOICES:
        hint = did_you_mean(value, _CHOICES) if isinstance(value, str) else ""
        raise fault(
            f"found {shown(value)}; allowed: a mapping such as {{availability: 0.995}}, or one of "
            f"{', '.join(_CHOICES)}{hint}"
        )
    return {"rain": value}


Weather = Annotated[
    WeatherSpec,
    BeforeValidator(_in_a_word, json_schema_input_type=RainChoice | WeatherSpec),
]
"""A word, or a mapping."""
