"""Rotation of a frame's bands: principal axes and the moments that they come from."""

from __future__ import annotations

import numpy as np
from downpass.payload.encoders.student.axes import eigenvectors
from downpass.payload.encoders.student.colours import PRIOR, difference_moments
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays


@given(arrays.arrays(np.float64, (3, 12), elements=st.floats(-255, 255).map(round)))
def test_axes_are_those_of_lapack(differences: np.ndarray) -> None:
    covariance = differences @ differences.T / 12 + PRIOR
    found = np.array(eigenvectors(covariance.tolist()))
    assert np.allclose(found @ found.T, np.eye(3), atol=1e-12)
    values = np.einsum("ki,ij,kj->k", found, covariance, found)
    expected = np.linalg.eigvalsh(covariance)[::-1]
    assert np.allclose(values, expected, rtol=1e-9, atol=1e-12 * expected[0])


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 40), st.just(3))),
    st.integers(0, 255),
)
def test_moments_are_exact(here: np.ndarray, level: int) -> None:
    below = np.full_like(here, level)
    pairs = [
        [int(v) for v in np.subtract(*ends, dtype=int)]
        for ends in (
            *zip(here[:, 1:].reshape(-1, 3), here[:, :-1].reshape(-1, 3), strict=True),
            *zip(below.reshape(-1, 3), here.reshape(-1, 3), strict=True),
        )
    ]
    expected = [[sum(d[i] * d[j] for d in pairs) / len(pairs) for j in range(3)] for i in range(3)]
    assert difference_moments(here, below).tolist() == expected
