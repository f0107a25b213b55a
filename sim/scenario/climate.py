"""What a scenario, or the shipped table, says of the rain at a ground station."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Model
from .plain_numbers import Number
from .units import Metres, MillimetresPerHour


class ClimateSpec(Model):
    """What is known of a station's rain; what is left out comes from a map of the Earth."""

    rain_rate: Annotated[
        float | None, MillimetresPerHour(least="0 mm/h", most="300 mm/h", usual="40 mm/h")
    ] = Field(
        default=None,
        description=(
            "Rain rate that is exceeded for 0.01 % of an average year, integrated over a minute "
            "(ITU-R P.837)."
        ),
        examples=["40 mm/h"],
    )
    rain_probability: Annotated[float | None, Number(0, 1)] = Field(
        default=None,
        description="Part of an average year in which it rains (ITU-R P.837).",
        examples=[0.05],
    )
    rain_height: Annotated[float | None, Metres(least="0 m", most="8 km", usual="4 km")] = Field(
        default=None,
        description="Mean height above sea level up to which there is rain (ITU-R P.839).",
        examples=["4 km"],
    )
