import numpy as np
import pytest
import torch
from downpass.ground.training.data.colour import (
    AXES,
    IDENTITY,
    batch_rotations,
    canonical_planes,
    difference_covariance,
    rotation_matrix,
    rotation_of,
    to_pixels,
    to_planes,
)
from hypothesis import given
from hypothesis import strategies as st

QUATERNIONS = st.tuples(*[st.integers(-127, 127)] * 4).filter(lambda q: sum(v * v for v in q) > 400)


@given(QUATERNIONS)
def test_a_rotation_comes_back(quaternion):
    matrix = rotation_matrix(quaternion)
    unit = matrix / 2**14
    np.testing.assert_allclose(unit @ unit.T, np.eye(3), atol=3e-4)
    assert np.linalg.det(unit) == pytest.approx(1, abs=1e-3)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    planes = to_planes(pixels, matrix)
    assert np.abs(planes).max() <= 511
    back = to_pixels(planes * 8, matrix, 4)
    assert np.abs(back.astype(int) - pixels).max() <= 1


def test_a_zero_quaternion_is_refused():
    with pytest.raises(ValueError, match="not zero"):
        rotation_matrix((0, 0, 0, 0))


def test_blank_and_grey_pictures_are_not_rotated():
    assert rotation_of(difference_covariance(np.full((8, 8, 3), 77, np.uint8))) == IDENTITY
    grey = np.random.default_rng(1).integers(0, 256, (32, 32, 1)).astype(np.uint8).repeat(3, 2)
    quaternion = rotation_of(difference_covariance(grey))
    planes = to_planes(grey, rotation_matrix(quaternion))
    spread = planes.max(axis=0) - planes.min(axis=0)
    assert spread.max() <= 4  # half levels: the bands stay alike
    assert rotation_of(difference_covariance(np.zeros((1, 1, 3), np.uint8))) == IDENTITY


def test_any_colours_end_on_the_axes():
    rng = np.random.default_rng(2)
    for _ in range(10):
        mix = rng.normal(size=(3, 3))
        pixels = np.clip(128 + 30 * rng.normal(size=(64, 64, 3)) @ mix, 0, 255).astype(np.uint8)
        covariance = difference_covariance(pixels)
        unit = rotation_matrix(rotation_of(covariance)) / 2**14
        rotated = AXES @ unit @ covariance @ unit.T @ AXES.T
        values = np.linalg.eigvalsh(covariance)[::-1]
        np.testing.assert_allclose(np.diag(rotated), values, rtol=0.02, atol=0.01 * values[0])


def test_training_rotates_as_the_codec_does(scenery):
    rng = np.random.default_rng(3)
    pixels = np.clip(scenery(2) @ rng.normal(0.4, 0.4, (3, 3)), 0, 255).astype(np.uint8)
    levels = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    trained = batch_rotations(levels)[0].numpy()
    coded = rotation_matrix(rotation_of(difference_covariance(pixels))) / 2**14
    np.testing.assert_allclose(trained, coded, atol=0.02)
    planes = canonical_planes(levels)
    assert torch.equal(planes * 2, (planes * 2).round())
