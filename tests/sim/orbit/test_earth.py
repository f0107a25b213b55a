from __future__ import annotations

import erfa
import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.earth import Site, geodetic, positions
from hypothesis import given
from hypothesis import strategies as st


@given(
    st.floats(-90.0, 90.0),
    st.floats(-180.0, 180.0),
    st.floats(-1_000.0, 36_000_000.0),
)
def test_places_come_back(latitude: float, longitude: float, height: float) -> None:
    place = positions(np.array([latitude]), np.array([longitude]), np.array([height]))
    north, east, up = geodetic(place)
    assert north[0] == pytest.approx(latitude, abs=1e-9)
    assert up[0] == pytest.approx(height, abs=1e-4)
    turn = (east[0] - longitude + 180.0) % 360.0 - 180.0
    assert abs(turn) * np.cos(np.radians(latitude)) < 1e-9


@given(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0), st.floats(-500.0, 9_000.0))
def test_places_are_where_sofa_has_them(latitude: float, longitude: float, height: float) -> None:
    mine = positions(np.array([latitude]), np.array([longitude]), np.array([height]))[:, 0]
    theirs = erfa.gd2gc(1, np.radians(longitude), np.radians(latitude), height)
    assert np.abs(mine - theirs).max() < 1e-6


@pytest.mark.parametrize(
    ("latitude", "longitude", "altitude", "said"),
    [
        (91.0, 0.0, 0.0, "latitude 91; allowed is -90 to 90"),
        (float("nan"), 0.0, 0.0, "latitude nan"),
        (0.0, 361.0, 0.0, "longitude 361; allowed is -180 to 360"),
        (0.0, 0.0, 1e6, "altitude 1e[+]06 m; allowed is -1000 to 20000"),
    ],
)
def test_what_is_no_place_is_refused(
    latitude: float, longitude: float, altitude: float, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        Site(latitude, longitude, altitude)
