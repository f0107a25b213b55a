from __future__ import annotations

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.polygon import Polygon, polygon_of


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
