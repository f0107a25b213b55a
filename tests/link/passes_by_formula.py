"""Passes of a circular orbit around a sphere, and budgets, as simple formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from downpass.link.channel.rate_model import Stretch

RADIUS_M = 6_371_000.0
MU = 3.986004418e14


@dataclass(frozen=True)
class CircularPass:
    """A pass over a station at rest: the satellite is nearest at `top_s`.

    Attributes:
        top_s: Time of culmination.
        highest_deg: Elevation then.
        aos_s: AOS, to the millisecond.
        los_s: LOS, to the millisecond.
        altitude_m: Height of the orbit.
    """

    top_s: float
    highest_deg: float
    aos_s: float
    los_s: float
    altitude_m: float = 500e3

    @classmethod
    def above(
        cls, mask_deg: float, highest_deg: float, top_s: float, altitude_m: float = 500e3
    ) -> CircularPass:
        """A pass from mask to mask."""
        free = cls(top_s, highest_deg, 0.0, 0.0, altitude_m)
        seconds = np.linspace(0.0, 2000.0, 200_001)
        half = seconds[np.argmax(free.elevation_deg_at(top_s + seconds) < mask_deg)]
        return cls(top_s, highest_deg, round(top_s - half, 3), round(top_s + half, 3), altitude_m)

    def _central_angle(self, time_s: np.ndarray) -> np.ndarray:
        radius = RADIUS_M + self.altitude_m
        least = np.arccos(RADIUS_M / radius * np.cos(np.radians(self.highest_deg)))
        least -= np.radians(self.highest_deg)
        along = np.sqrt(MU / radius**3) * (time_s - self.top_s)
        return np.arccos(np.cos(least) * np.cos(along))

    def slant_range_m_at(self, time_s: np.ndarray) -> np.ndarray:
        radius, angle = RADIUS_M + self.altitude_m, self._central_angle(time_s)
        return np.sqrt(RADIUS_M**2 + radius**2 - 2 * RADIUS_M * radius * np.cos(angle))

    def elevation_deg_at(self, time_s: np.ndarray) -> np.ndarray:
        radius = RADIUS_M + self.altitude_m
        up = radius * np.cos(self._central_angle(time_s)) - RADIUS_M
        return np.degrees(np.arcsin(np.clip(up / self.slant_range_m_at(time_s), -1.0, 1.0)))

    def stretches(self, elevations_deg: Sequence[float]) -> list[Stretch]:
        # A table of rates asks this of a pass; the models tested here ask for curves alone.
        raise NotImplementedError("these passes are for link budgets, which ask for curves")


class AirlessBudget:
    """Es/N0 from free space alone: `zenith_db` at 500 km, less 20 log of range, less the fade."""

    def __init__(self, zenith_db: float) -> None:
        self.zenith_db = zenith_db

    def es_n0_db(
        self, elevation_deg: np.ndarray, slant_range_m: np.ndarray, fade_db: np.ndarray
    ) -> np.ndarray:
        return self.zenith_db - 20.0 * np.log10(slant_range_m / 500e3) - fade_db
