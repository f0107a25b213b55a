"""Rate models: from how a satellite stands over a station to the rate that the link carries.

```
pass: elevation, slant range ─► RateModel.segments ─► RateSegment (rate, loss) ─► Downlink
```

A rate model knows nothing of orbits. It asks a pass for elevation and slant range at the times
that it chooses, or for the stretches between crossings of the elevations that matter to it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..clock import to_whole_milliseconds
from .downlink import RateSegment


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a pass between two crossings of elevations.

    Attributes:
        start_s: Start in seconds of the run, to the millisecond.
        end_s: End in seconds of the run, to the millisecond.
        middle_deg: Elevation in degrees half-way between the two. It lies on the same side of
            each crossed elevation as all of the stretch.
    """

    start_s: float
    end_s: float
    middle_deg: float


class PassGeometry(Protocol):
    """What a rate model may ask of a pass."""

    @property
    def aos_s(self) -> float:
        """Acquisition of signal in seconds of the run."""

    @property
    def los_s(self) -> float:
        """Loss of signal in seconds of the run."""

    def elevation_deg_at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the elevation in degrees at times, shape ``(n,)``."""

    def slant_range_m_at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance to the satellite in metres at times, shape ``(n,)``."""

    def stretches(self, elevations_deg: Sequence[float]) -> Sequence[Stretch]:
        """Cut the pass, from AOS to LOS, where it crosses any of the given elevations."""


class RateModel(Protocol):
    """Gives the information rate and the packet loss of a link over a pass."""

    def segments(self, geometry: PassGeometry) -> list[RateSegment]:
        """Return segments without gaps from AOS to LOS, in whole milliseconds of ticks."""

    def segments_of(self, passes: Sequence[PassGeometry]) -> list[list[RateSegment]]:
        """Return the segments of passes of one satellite over one station, in order of AOS.

        The same as `segments` for each of them; a model may compute them together.
        """


@dataclass(frozen=True, slots=True)
class ElevationTable:
    """A rate that depends on the elevation in steps, with one packet loss probability.

    Attributes:
        elevations_deg: Elevations in degrees from which each rate holds, ascending. Below the
            first the rate is 0.
        bits_per_second: Information rate from each elevation on.
        packet_loss: Probability that a packet is lost, 0 to 1.

    Raises:
        ValueError: The elevations are none or do not ascend, or there is not one rate for each.
    """

    elevations_deg: tuple[float, ...]
    bits_per_second: tuple[int, ...]
    packet_loss: float = 0.0

    def __post_init__(self) -> None:
        elevations = self.elevations_deg
        if any(not -90.0 <= level <= 90.0 for level in elevations) or any(
            not low < high for low, high in pairwise(elevations)
        ):
            raise ValueError(
                f"elevations of a rate table {list(elevations)}; "
                "allowed is -90 to 90 deg, ascending"
            )
        if len(self.bits_per_second) != len(elevations):
            raise ValueError(
                f"{len(self.bits_per_second)} rates for {len(elevations)} elevations; "
                "allowed is one rate for each elevation"
            )

    def segments(self, geometry: PassGeometry) -> list[RateSegment]:
        """Return a segment for each stretch of the pass within one step of the table."""
        return [
            RateSegment(
                to_whole_milliseconds(stretch.start_s),
                to_whole_milliseconds(stretch.end_s),
                self.rate_at(stretch.middle_deg),
                self.packet_loss,
            )
            for stretch in geometry.stretches(self.elevations_deg)
        ]

    def segments_of(self, passes: Sequence[PassGeometry]) -> list[list[RateSegment]]:
        """See `RateModel.segments_of`."""
        return [self.segments(one) for one in passes]

    def rate_at(self, elevation_deg: float) -> int:
        """Return the rate in bits per second at an elevation in degrees."""
        step = bisect_right(self.elevations_deg, elevation_deg) - 1
        return 0 if step < 0 else self.bits_per_second[step]
