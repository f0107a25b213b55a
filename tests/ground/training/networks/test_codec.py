"""What checkpoints and other modules rely on of the codec as a whole."""

from pathlib import Path

import pytest
import torch
from downpass.ground.training.data.colour import canonical_planes
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.shape import CodecShape, lambda_of_quality

STATE = Path(__file__).with_name("codec_state.txt")


def test_the_state_keeps_the_names_shapes_and_order_that_checkpoints_have():
    """An optimiser's state refers to parameters by their order."""
    stored = [tuple(line.split()) for line in STATE.read_text().splitlines()]
    current = [
        (name, "x".join(map(str, value.shape)) or "scalar")
        for name, value in Codec(CodecShape()).state_dict().items()
    ]
    assert current == stored


def test_bits_are_those_of_the_latents_and_of_the_side_information(tiny, sampler):
    with torch.no_grad():
        coded = tiny(canonical_planes(sampler.draw(0)), torch.linspace(0, 1, 4))
    total = coded.latent_bits.sum(dim=(1, 2, 3)) + coded.side_bits
    torch.testing.assert_close(coded.bits, total)
    assert coded.planes.shape == (4, 3, 64, 64)
    assert coded.symbols.shape == coded.latents.shape == (4, 40, 4, 4)
    assert torch.equal(coded.symbols, coded.symbols.round())


def test_analysis_and_side_information_are_the_same_at_every_quality(tiny, sampler):
    planes = canonical_planes(sampler.draw(2))
    with torch.no_grad():
        low, high = (tiny(planes, torch.full((4,), quality)) for quality in (0.1, 0.9))
    assert torch.equal(low.latents, high.latents)
    assert torch.equal(low.side_bits, high.side_bits)
    assert torch.all(low.bits < high.bits)


def test_lambda_spans_thirteen_octaves():
    slopes = lambda_of_quality(torch.tensor([0.0, 0.5, 1.0])).tolist()
    assert slopes == pytest.approx([2**-13, 2**-6.5, 1.0], rel=1e-6)
