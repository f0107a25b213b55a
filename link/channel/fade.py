"""Excess attenuation of a path over time: what it loses beyond the clear sky's gases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Fade(Protocol):
    """Gives the excess attenuation of a path between a satellite and a station."""

    def attenuation_db(self, time_s: Array, elevation_deg: Array) -> Array:
        """Return the excess attenuation in dB, shape ``(n,)``.

        Args:
            time_s: Times in seconds of the run, shape ``(n,)``.
            elevation_deg: Elevation of the satellite at these times in degrees, shape ``(n,)``.
        """


@dataclass(frozen=True, slots=True)
class NoFade:
    """A clear sky."""

    def attenuation_db(self, time_s: Array, elevation_deg: Array) -> Array:  # noqa: ARG002
        """See `Fade.attenuation_db`."""
        return np.zeros(len(time_s))
