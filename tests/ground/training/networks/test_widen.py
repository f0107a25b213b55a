"""A widened synthesis is the same function, and all of it learns."""

from dataclasses import replace

import pytest
import torch
from downpass.ground.training.networks.widen import widen

from ..conftest import TINY

WIDE = replace(TINY, synthesis=(12, 16), depth=(1, 3, 2))


@pytest.fixture
def batch():
    torch.manual_seed(2)
    return torch.randn(2, TINY.latents, 3, 4) * 30, torch.tensor([0.2, 0.9])


@pytest.mark.parametrize(
    "shape",
    [TINY, WIDE, replace(TINY, depth=(2, 2, 2)), replace(TINY, synthesis=(8, 24))],
    ids=["same", "all", "depth", "width"],
)
def test_the_function_stays_the_same(tiny, batch, shape):
    wide = widen(tiny.synthesis, shape).eval()
    with torch.no_grad():
        torch.testing.assert_close(wide(*batch), tiny.synthesis(*batch), rtol=1e-4, atol=1e-2)


def test_every_new_weight_learns_within_two_steps(tiny, batch):
    wide = widen(tiny.synthesis, WIDE)
    before = {name: value.clone() for name, value in wide.named_parameters()}
    optimiser = torch.optim.SGD(wide.parameters(), 1e-3)
    for _ in range(3):
        optimiser.zero_grad()
        wide(*batch).square().mean().backward()
        optimiser.step()
    still = [name for name, value in wide.named_parameters() if torch.equal(value, before[name])]
    assert still == []


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        (replace(TINY, synthesis=(4, 8)), "no narrower ones"),
        (replace(TINY, depth=(0, 1, 1)), "0 blocks before: allowed are at least 1"),
    ],
)
def test_a_smaller_one_is_refused(tiny, shape, found):
    with pytest.raises(ValueError, match=found):
        widen(tiny.synthesis, shape)
