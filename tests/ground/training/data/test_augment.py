from dataclasses import fields

import numpy as np
import torch
from downpass.ground.training.data.augment import AugmentSettings, CropSampler, _colour_matrix
from hypothesis import given
from hypothesis import strategies as st


def test_a_step_gives_the_same_batch_whatever_ran_before(corpus):
    def sampler():
        return CropSampler(corpus, crop=64, batch=6, seed=1, device=torch.device("cpu"))

    first = sampler()
    for step in range(3):
        first.draw(step)
    assert torch.equal(first.draw(7), sampler().draw(7))
    assert not torch.equal(first.draw(7), first.draw(8))


def test_crops_are_grey_levels_of_the_asked_size(sampler):
    batch = torch.cat([sampler.draw(step) for step in range(10)])
    assert batch.shape == (40, 3, 64, 64)
    assert torch.equal(batch, batch.round())
    assert batch.min() >= 0
    assert batch.max() <= 255
    assert batch.flatten(1).std(dim=1).min() > 0


def test_without_changes_a_crop_is_a_part_of_a_picture(corpus):
    nothing = AugmentSettings(0, 0, 0, 0, 0, 0, 0, 0)
    sampler = CropSampler(
        corpus, crop=160, batch=1, seed=1, device=torch.device("cpu"), settings=nothing
    )
    crop = sampler.draw(0)[0].permute(1, 2, 0).numpy()
    rotated = [np.rot90(crop, k) for k in range(4)]
    rotated += [t[::-1] for t in rotated]
    pictures = [corpus.pixels(p) for p in corpus.pictures]
    assert any(np.array_equal(t, p) for t in rotated for p in pictures)


def test_colour_changes_keep_grey_grey():
    rng = np.random.default_rng(0)
    for _ in range(200):
        matrix = _colour_matrix(rng, AugmentSettings())
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-9)


@given(factor=st.floats(0.0, 1.0))
def test_scaled_shares_are_shares_of_the_usual_ones(factor: float) -> None:
    usual, scaled = AugmentSettings(), AugmentSettings().scaled(factor)
    for field in fields(usual):
        assert getattr(scaled, field.name) == factor * getattr(usual, field.name)
    assert usual.scaled(0.0) == AugmentSettings(0, 0, 0, 0, 0, 0, 0, 0)
