"""The filters across block boundaries in integers."""

import numpy as np
import pytest
from downpass.link.student.lapped import POSTFILTER, postfilter, prefilter, weights_of
from hypothesis import given, settings
from hypothesis import strategies as st

IDENTITY = np.eye(8, dtype=np.int16) << 12


def random_planes(seed, rows, columns, largest):
    rng = np.random.default_rng(seed)
    return rng.integers(-largest, largest + 1, (3, 16 * rows, 16 * columns))


def random_weights(seed, spread=800):
    rng = np.random.default_rng(seed)
    return (IDENTITY + rng.integers(-spread, spread + 1, (8, 8))).astype(np.int16)


def everywhere(rows, columns):
    return np.ones(rows - 1, np.bool_), np.ones(columns - 1, np.bool_)


def test_a_step_across_one_boundary_by_hand():
    # V halves the difference of the two nearest pixels and adds a quarter of it at the next ones.
    weights = IDENTITY.copy()
    weights[0, 0] = 2048
    weights[1, 0] = 1024
    planes = np.zeros((3, 16, 32), np.int64)
    planes[:, :, :16], planes[:, :, 16:] = 40, -40  # half grey levels: d = 80 everywhere
    found = prefilter(planes, weights)
    # e = (40, 20 + 80, 80, …), and s = 0
    np.testing.assert_array_equal(found[0, 5, 12:16], [40, 40, 50, 20])
    np.testing.assert_array_equal(found[0, 5, 16:20], [-20, -50, -40, -40])
    np.testing.assert_array_equal(found[..., :12], planes[..., :12])


@given(
    rows=st.integers(1, 3), columns=st.integers(1, 3), seed=st.integers(0, 99), level=st.integers()
)
@settings(max_examples=30, deadline=None)
def test_identity_and_flat_planes_change_nothing(rows, columns, seed, level):
    planes = random_planes(seed, rows, columns, 511)
    np.testing.assert_array_equal(prefilter(planes, IDENTITY), planes)
    joined = everywhere(rows, columns)
    wide = random_planes(seed, rows, columns, 8191)
    np.testing.assert_array_equal(postfilter(wide, IDENTITY, *joined), wide)
    flat = np.full_like(planes, level % 1023 - 511)
    np.testing.assert_array_equal(prefilter(flat, random_weights(seed)), flat)
    np.testing.assert_array_equal(postfilter(flat, random_weights(seed), *joined), flat)


def test_equal_planes_stay_equal():
    planes = np.repeat(random_planes(4, 3, 2, 511)[:1], 3, axis=0)
    for found in (
        prefilter(planes, random_weights(5)),
        postfilter(planes, random_weights(6), *everywhere(3, 2)),
    ):
        np.testing.assert_array_equal(found, np.repeat(found[:1], 3, axis=0))


def test_boundaries_between_tiles_are_not_filtered():
    planes, weights = random_planes(1, 4, 5, 4000), random_weights(2)
    rows, columns = everywhere(4, 5)
    rows[1], columns[2] = False, False
    whole = postfilter(planes, weights, rows, columns)
    for down in (slice(0, 32), slice(32, 64)):
        for across in (slice(0, 48), slice(48, 80)):
            part = planes[:, down, across]
            joined = everywhere(part.shape[1] // 16, part.shape[2] // 16)
            np.testing.assert_array_equal(
                whole[:, down, across], postfilter(part, weights, *joined)
            )


def test_values_are_limited_to_their_ranges():
    steep = np.full((8, 8), 8191, np.int16)
    planes = random_planes(3, 2, 2, 511)
    found = prefilter(planes, steep)
    assert (found.min(), found.max()) == (-512, 511)
    found = postfilter(16 * planes, steep, *everywhere(2, 2))
    assert (found.min(), found.max()) == (-8192, 8191)


def test_models_without_a_filter_have_none():
    assert weights_of({}, POSTFILTER) is None


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        (IDENTITY.astype(np.int32), r"is int32 \(8, 8\); allowed is int16 \(8, 8\)"),
        (np.stack([IDENTITY] * 3), r"is int16 \(3, 8, 8\); allowed"),
        (np.full((8, 8), 8193, np.int16), "up to 65544 in a row; allowed are 32767 and 65536"),
        (-8 * IDENTITY, "magnitudes of up to 32768 and"),
    ],
    ids=["type", "shape", "sum of a row", "no opposite"],
)
def test_other_weights_are_refused(weights, found):
    with pytest.raises(ValueError, match=f"{POSTFILTER} .*{found}"):
        weights_of({POSTFILTER: weights}, POSTFILTER)


@pytest.mark.parametrize("row", [[8192, -8192] * 4, [32767, -32767, 2, *[0] * 5]], ids=str)
def test_the_largest_weights_are_allowed(row):
    weights = np.array([row] * 8, np.int16)
    assert weights_of({POSTFILTER: weights}, POSTFILTER) is weights
