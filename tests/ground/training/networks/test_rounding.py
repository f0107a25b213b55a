"""Rounding one weight after another beats rounding each by itself, where it matters."""

import pytest
import torch
from downpass.ground.training.networks.calibrate import calibrate
from downpass.ground.training.networks.quantise import Grid, GridConv
from downpass.ground.training.networks.rounding import (
    block_moments,
    round_convolutions,
    round_weights,
)
from torch import nn


@pytest.fixture
def layer():
    torch.manual_seed(3)
    reads = Grid(10, signed=True, fraction=1)
    layer = GridConv(48, 20, 1, reads=reads)
    layer.settle()
    layer.weight_fraction.fill_(5.0)  # coarse, so that rounding shows
    return layer


def correlated(count: int) -> torch.Tensor:
    """Return inputs (count, 48) with a strong common level, like the pixels of a block."""
    generator = torch.Generator().manual_seed(1)
    level = torch.randn(count, 1, generator=generator, dtype=torch.float64) * 50
    return level + torch.randn(count, 48, generator=generator, dtype=torch.float64) * 3


def test_the_error_of_outputs_falls_and_weights_lie_on_the_grid(layer):
    inputs = correlated(2000)
    exact = layer.weight[:, :, 0, 0].double().clone()
    plain = layer.weight_on_grid()[:, :, 0, 0].double()
    round_weights(layer, inputs.T @ inputs / len(inputs))
    rounded = layer.weight[:, :, 0, 0].double()
    assert torch.equal(rounded * 32, (rounded * 32).round())
    assert torch.equal(layer.weight_on_grid(), layer.weight)
    unseen = correlated(500)
    errors = [((unseen @ (w - exact).T) ** 2).mean() for w in (plain, rounded)]
    assert errors[1] < 0.2 * errors[0]


def test_weights_on_the_grid_stay(layer):
    with torch.no_grad():
        layer.weight.copy_(layer.weight_on_grid())
    before = layer.weight.clone()
    inputs = correlated(2000)
    round_weights(layer, inputs.T @ inputs / len(inputs))
    assert torch.equal(layer.weight, before)


def test_uncorrelated_inputs_leave_plain_rounding(layer):
    plain = layer.weight_on_grid().clone()
    round_weights(layer, torch.eye(48, dtype=torch.float64))
    assert torch.equal(layer.weight, plain)


def test_moments_are_symmetric_and_positive(sampler):
    moments = block_moments(sampler, 2, lambda planes: planes)
    assert moments.shape == (768, 768)
    torch.testing.assert_close(moments, moments.T)
    assert float(torch.linalg.eigvalsh(moments).min()) > -1e-6


def test_a_network_errs_less_if_its_weights_make_up_for_each_other():
    torch.manual_seed(4)
    reads, read_inside = Grid(8), Grid(8)
    network = nn.Sequential(
        reads,
        GridConv(24, 8, 3, padding=1, reads=reads),
        read_inside,
        GridConv(8, 4, 1, reads=read_inside),
    )
    mixing = torch.rand(24, 4)
    value = torch.einsum("oc,bchw->bohw", mixing, torch.rand(8, 4, 16, 16)) * 3

    def run():
        return network(value)

    with torch.no_grad():
        exact = run()
        calibrate(network, run)
        plain = (run() - exact).square().mean()
        before = [layer.weight.clone() for layer in (network[1], network[3])]
        round_convolutions(network, run)
        assert (run() - exact).square().mean() < 0.5 * plain
        rounded = [layer.weight.clone() for layer in (network[1], network[3])]
        for layer, old, new in zip((network[1], network[3]), before, rounded, strict=True):
            assert not torch.equal(old, new)
            assert torch.equal(new, layer.weight_on_grid())
        round_convolutions(network, run)  # what is on its grid stays
        assert torch.equal(network[1].weight, rounded[0])
        assert torch.equal(network[3].weight, rounded[1])
