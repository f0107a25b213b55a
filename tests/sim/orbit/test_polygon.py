from __future__ import annotations

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.earth import normals
from downpass.sim.orbit.polygon import Polygon, polygon_of
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("vertices", "said"),
    [
        ([], "polygon has 0 vertices; allowed is 3 to 2000"),
        ([(0, 0), (0, 1)], "polygon has 2 vertices"),
        ([(0, 0), (0, 1), (0, 0)], "polygon has 2 vertices"),
        ([(0, 0), (0, 1), (0, 2)], "no area"),
        ([(0, 0), (1, 1), (0, 1), (1, 0)], "edges 1 and 3 cross"),
        ([(0, 0), (0, 120), (0, -120)], "too far round the Earth"),
        ([(0, 0), (65, 0), (0, 179)], "too far round the Earth"),
        ([(100, 0), (0, 1), (1, 1)], "latitude 100"),
        ([(float("nan"), 0), (0, 1), (1, 1)], "latitude nan"),
    ],
)
def test_what_is_no_area_is_refused(vertices: list[tuple[float, float]], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        polygon_of(vertices)
    assert "\n" not in str(caught.value)


def test_too_many_vertices_are_refused() -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 2_500, endpoint=False)
    with pytest.raises(InputError, match="polygon has 2500 vertices; allowed is 3 to 2000"):
        polygon_of(np.stack([np.sin(turn), np.cos(turn)], axis=1).tolist())


def test_a_closed_ring_is_an_open_one() -> None:
    assert polygon_of([(0, 0), (0, 1), (1, 1), (0, 0)]) == Polygon(
        ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0))
    )


def test_the_cap_round_the_pole_holds_the_pole() -> None:
    cap = polygon_of([(60, 0), (60, 120), (60, -120)])
    assert cap.middle[0] == pytest.approx(90.0)
    latitude, _, _ = cap.samples(50_000.0)
    assert latitude.max() > 87.0
    assert latitude.min() == pytest.approx(60.0)


@settings(max_examples=40, deadline=None)
@given(
    latitude_deg=st.floats(-90.0, 90.0),
    longitude_deg=st.floats(-180.0, 180.0),
    radius_deg=st.floats(0.01, 30.0),
    corners=st.integers(3, 12),
    spacing_m=st.floats(100.0, 100_000.0),
)
def test_every_place_in_a_polygon_has_a_sample_near_it(
    latitude_deg: float, longitude_deg: float, radius_deg: float, corners: int, spacing_m: float
) -> None:
    # A regular polygon about any point of the Earth, poles and antimeridian included.
    middle = normals(np.array([latitude_deg]), np.array([longitude_deg]))[:, 0]
    side = np.cross(middle, [1.0, 0.0, 0.0] if abs(middle[0]) < 0.9 else [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(middle, side)
    turn = np.linspace(0.0, 2.0 * np.pi, corners, endpoint=False)
    radius = np.radians(radius_deg)

    def around(angle: np.ndarray, distance: np.ndarray) -> np.ndarray:
        outward = side[:, None] * np.cos(angle) + other[:, None] * np.sin(angle)
        return middle[:, None] * np.cos(distance) + outward * np.sin(distance)

    corner = around(turn, np.full(corners, radius))
    area = polygon_of(
        np.degrees([np.arcsin(np.clip(corner[2], -1, 1)), np.arctan2(corner[1], corner[0])]).T
    )
    latitude, longitude, used_m = area.samples(spacing_m)
    assert used_m >= spacing_m * (1.0 - 1e-12)
    assert len(latitude) <= 1_000
    samples = normals(latitude, longitude)
    # All samples are in the circle through the corners, and its inscribed circle has one within
    # a spacing of any of its points.
    assert (middle @ samples).min() >= np.cos(radius) - 1e-9
    rng = np.random.default_rng(1)
    inner = np.arctan(np.tan(radius) * np.cos(np.pi / corners))
    points = around(rng.uniform(0, 2 * np.pi, 50), inner * np.sqrt(rng.uniform(0, 1, 50)))
    nearest_m = np.arccos(np.clip((points.T @ samples).max(axis=1), -1, 1)) * 6_371_008.8
    assert nearest_m.max() <= used_m + 1.0
