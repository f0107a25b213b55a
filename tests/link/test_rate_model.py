"""The elevation table: which rate holds at which elevation, and the segments of a pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from downpass.link.channel.downlink import RateSegment
from downpass.link.channel.rate_model import ElevationTable, Stretch
from numpy.typing import NDArray

TABLE = ElevationTable((5.0, 30.0), (50, 150), 0.25)


class Triangle:
    """A pass that climbs from 0 to 60 degrees in 60 s and comes down again as fast."""

    aos_s = 0.0
    los_s = 120.0

    def elevation_deg_at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return 60.0 - np.abs(time_s - 60.0)

    def slant_range_m_at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(time_s), 1e6)

    def stretches(self, elevations_deg: Sequence[float]) -> list[Stretch]:
        cuts = sorted({0.0, 120.0, *elevations_deg, *(120.0 - level for level in elevations_deg)})
        middles = (np.array(cuts[:-1]) + cuts[1:]) / 2.0
        return [
            Stretch(start, end, height)
            for start, end, height in zip(
                cuts, cuts[1:], self.elevation_deg_at(middles).tolist(), strict=False
            )
        ]


def test_a_pass_gets_the_rates_of_the_table_by_hand() -> None:
    second = 1_000_000
    assert TABLE.segments(Triangle()) == [
        RateSegment(0, 5 * second, 0, 0.25),
        RateSegment(5 * second, 30 * second, 50, 0.25),
        RateSegment(30 * second, 90 * second, 150, 0.25),
        RateSegment(90 * second, 115 * second, 50, 0.25),
        RateSegment(115 * second, 120 * second, 0, 0.25),
    ]


@pytest.mark.parametrize(
    ("elevation_deg", "rate"),
    [(-1.0, 0), (4.999, 0), (5.0, 50), (29.999, 50), (30.0, 150), (90.0, 150)],
)
def test_the_largest_elevation_at_or_below_the_satellites_counts(
    elevation_deg: float, rate: int
) -> None:
    assert TABLE.rate_at(elevation_deg) == rate


@pytest.mark.parametrize(
    "elevations",
    [(10.0, 5.0), (5.0, 5.0), (5.0, 91.0), (-91.0, 5.0), (float("nan"), 5.0), (5.0, float("nan"))],
    ids=str,
)
def test_elevations_that_do_not_ascend_or_are_none_are_refused(
    elevations: tuple[float, ...],
) -> None:
    with pytest.raises(ValueError, match="allowed is -90 to 90 deg, ascending"):
        ElevationTable(elevations, (1, 2))


def test_a_table_needs_a_rate_for_each_elevation() -> None:
    with pytest.raises(ValueError, match="1 rates for 2 elevations; allowed is one rate"):
        ElevationTable((5.0, 30.0), (50,))
