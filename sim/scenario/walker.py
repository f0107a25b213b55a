"""A Walker constellation: one entry of a scenario that stands for many satellites.

    planes p = 0 … P-1, satellites s = 0 … S-1 in each, T = P · S in all

    RAAN    = raan + p · spread / P        spread: 360° (delta) or 180° (star)
    anomaly = anomaly + s · 360° / S + p · F · 360° / T

This is the notation T/P/F of Walker, "Satellite Constellations", Journal of the British
Interplanetary Society 37 (1984): F, the phasing, is the lead of a satellite over its neighbour in
the plane to the west, in units of 360° / T.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Model
from .plain_numbers import Whole
from .refusal import fault
from .units import Degrees, Metres

MOST_SATELLITES = 10_000
"""Satellites that a scenario may have."""

_SPREAD_DEG = {"delta": 360.0, "star": 180.0}


class Walker(Model):
    """A Walker constellation of circular orbits with one altitude and one inclination."""

    pattern: Literal["delta", "star"] = Field(
        default="delta",
        description=(
            "`delta` spreads the planes' ascending nodes over the whole equator, `star` over half "
            "of it, as suits polar orbits."
        ),
    )
    total: Annotated[int, Whole(1, MOST_SATELLITES)] = Field(
        description="Number of satellites: a multiple of `planes`.", examples=[24]
    )
    planes: Annotated[int, Whole(1, MOST_SATELLITES)] = Field(
        description="Number of orbital planes.", examples=[6]
    )
    phasing: Annotated[int, Whole(0, MOST_SATELLITES - 1)] = Field(
        default=0,
        description=(
            "Walker's F, less than `planes`: a satellite leads its neighbour in the plane to the "
            "west by F · 360 deg / `total`."
        ),
        examples=[1],
    )
    altitude: Annotated[float, Metres(least="160 km", most="50000 km")] = Field(
        description="Height above the Earth's equatorial radius.", examples=["550 km"]
    )
    inclination: Annotated[float, Degrees(least="0 deg", most="180 deg")] = Field(
        description="Angle between the orbits and the equator.", examples=["53 deg"]
    )
    raan: Annotated[float, Degrees(least="0 deg", most="360 deg")] = Field(
        default=0.0,
        description="Right ascension of the first plane's ascending node.",
        examples=["30 deg"],
    )
    anomaly: Annotated[float, Degrees(least="0 deg", most="360 deg")] = Field(
        default=0.0,
        description="Angle of the first satellite from the ascending node, at the start.",
        examples=["120 deg"],
    )

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.total % self.planes:
            raise fault(
                f"found {self.total} satellites in {self.planes} planes; "
                "allowed: a multiple of planes",
                "total",
            )
        if self.phasing >= self.planes:
            raise fault(
                f"found phasing {self.phasing} with {self.planes} planes; "
                f"allowed: 0 to {self.planes - 1}",
                "phasing",
            )
        return self

    def places(self) -> Iterator[tuple[int, int, float, float]]:
        """Yield plane and place in it, from 1, with RAAN and anomaly in degrees, 0 to 360."""
        in_plane = self.total // self.planes
        spread = _SPREAD_DEG[self.pattern]
        for plane in range(self.planes):
            raan = (self.raan + plane * spread / self.planes) % 360.0
            for place in range(in_plane):
                # One division each, so that no rounding error accumulates over the planes.
                lead = (place * self.planes + plane * self.phasing) * 360.0 / self.total
                yield plane + 1, place + 1, raan, (self.anomaly + lead) % 360.0
