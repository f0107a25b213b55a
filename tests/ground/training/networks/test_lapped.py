"""The filters across block boundaries: what they leave alone, their inverse, and their integers."""

import numpy as np
import pytest
import torch
from downpass.ground.training.networks.lapped import BoundaryFilter
from downpass.ground.training.networks.quantise import Grid
from downpass.link.student import lapped

ROWS_FIRST, COLUMNS_FIRST = (-1, -2), (-2, -1)


def boundary_filter(axes, *grids):
    made = BoundaryFilter(axes, grids or (Grid(14, signed=True), Grid(14, signed=True)))
    return made.requires_grad_(requires_grad=False)


def weights(seed=0, spread=0.1):
    """Return V near the identity, in multiples of 2^-12."""
    generator = torch.Generator().manual_seed(seed)
    value = torch.eye(8) + spread * torch.randn(8, 8, generator=generator)
    return torch.floor(value * 4096 + 0.5) / 4096


def integers(value):
    return (value * 4096).numpy().astype(np.int16)


@pytest.fixture
def planes():
    generator = torch.Generator().manual_seed(3)
    return torch.randn(2, 3, 48, 64, generator=generator) * 40


def test_it_begins_as_separate_blocks(planes):
    torch.testing.assert_close(boundary_filter(ROWS_FIRST)(planes), planes)


def test_the_inverse_in_the_other_order_undoes_it(planes):
    before, after = boundary_filter(ROWS_FIRST), boundary_filter(COLUMNS_FIRST)
    before.weight.copy_(weights())
    after.weight.copy_(torch.linalg.inv(weights()))
    filtered = before(planes)
    assert float((filtered - planes).abs().max()) > 1
    torch.testing.assert_close(after(filtered), planes, rtol=0, atol=1e-3)


def test_a_flat_picture_and_pixels_far_from_boundaries_stay(planes):
    one = boundary_filter(ROWS_FIRST)
    one.weight.copy_(weights())
    flat = torch.full((1, 3, 48, 64), 7.5)
    torch.testing.assert_close(one(flat), flat)
    filtered = one(planes)
    for corner in np.s_[:8, :8], np.s_[-8:, :8], np.s_[:8, -8:], np.s_[-8:, -8:]:
        torch.testing.assert_close(filtered[:, :, *corner], planes[:, :, *corner])


@pytest.mark.parametrize("blocks", [(1, 1), (1, 3), (4, 1), (3, 4)])
def test_on_grids_the_prefilter_is_that_of_the_encoder(blocks):
    between = Grid(14, signed=True, fraction=4)
    pixels = Grid(10, signed=True, fraction=1)
    one = boundary_filter(ROWS_FIRST, between, pixels)
    one.weight.copy_(weights(1))
    for grid in (between, pixels):
        grid.switch_on()
    rng = np.random.default_rng(4)
    planes = rng.integers(-512, 512, (3, 16 * blocks[0], 16 * blocks[1]))
    found = one(torch.from_numpy(planes[None] / 2).float())[0] * 2
    expected = lapped.prefilter(planes, integers(weights(1)))
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("blocks", [(1, 1), (1, 3), (4, 1), (3, 4)])
def test_on_grids_the_postfilter_is_that_of_the_decoder(blocks):
    grid = Grid(14, signed=True, fraction=4)
    one = boundary_filter(COLUMNS_FIRST, grid, grid)
    one.weight.copy_(weights(2))
    grid.switch_on()
    rng = np.random.default_rng(5)
    planes = rng.integers(-8192, 8192, (3, 16 * blocks[0], 16 * blocks[1]))
    found = one(torch.from_numpy(planes[None] / 16).float())[0] * 16
    whole = [np.ones(count - 1, np.bool_) for count in blocks]
    expected = lapped.postfilter(planes, integers(weights(2)), *whole)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_boundaries_between_tiles_are_left_alone():
    grid = Grid(14, signed=True, fraction=4)
    one = boundary_filter(COLUMNS_FIRST, grid, grid)
    one.weight.copy_(weights(2))
    grid.switch_on()
    planes = np.random.default_rng(6).integers(-8192, 8192, (3, 64, 80))
    found = one(torch.from_numpy(planes[None] / 16).float(), ((3,), (1, 2)))[0] * 16
    joined = np.array([True, True, False]), np.array([False, False, True, True])
    np.testing.assert_array_equal(
        found.numpy(), lapped.postfilter(planes, integers(weights(2)), *joined)
    )
