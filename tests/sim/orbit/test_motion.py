"""The ground speed, against skyfield's subpoints: in eccentric orbits above all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from downpass.sim.orbit.elements import Elements, circular
from downpass.sim.orbit.motion import GroundMotion
from downpass.sim.orbit.propagator import Propagator

EPOCH = datetime(2025, 3, 1, 12, tzinfo=UTC)
ORBITS = {
    "low": circular(500e3, 97.4, 30.0, 0.0, EPOCH),
    "molniya": Elements(EPOCH, 2.0 * np.pi / 717.7, 0.74, 63.4, 40.0, 270.0, 0.0),
    "gto": Elements(EPOCH, 2.0 * np.pi / 632.0, 0.73, 6.0, 40.0, 178.0, 10.0),
}


@pytest.mark.parametrize("orbit", ORBITS)
def test_the_way_of_a_frame_is_that_between_skyfields_subpoints(orbit: str, oracle_of: Any) -> None:
    motion = GroundMotion.of(Propagator(ORBITS[orbit], EPOCH).ephemeris(43_200.0))
    oracle = oracle_of(ORBITS[orbit], EPOCH)
    durations = []
    for start_s in np.linspace(100.0, 40_000.0, 60):
        end_s = motion.time_at_s(motion.way_m(start_s) + 20e3)
        durations.append(end_s - start_s)
        # The way in pieces: the ground track bends where it is slow.
        moments = oracle.times(np.linspace(start_s, end_s, 40))
        place = oracle.satellite.at(moments).frame_xyz(_earth_fixed()).m
        unit = place / np.linalg.norm(place, axis=0)
        chords = np.linalg.norm(np.diff(unit, axis=1), axis=0)
        flattened = 6_378_137.0 / np.sqrt(1.0 + unit[2, :-1] ** 2 * 0.00673949674)
        # Where the track of the GTO turns back, its speed is not even between two grid times.
        assert np.sum(chords * flattened) == pytest.approx(20e3, rel=6e-3)
    # From perigee to apogee a frame's time differs as the ground speed does.
    assert max(durations) / min(durations) > (1.0 if orbit == "low" else 10.0)


def _earth_fixed() -> Any:
    from skyfield.framelib import itrs

    return itrs
