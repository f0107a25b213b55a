"""From integers back to a codec that can be trained on."""

import numpy as np
import pytest
import torch
from downpass.ground.training.arguments import SHIPPED
from downpass.ground.training.data.colour import canonical_planes
from downpass.ground.training.export.context_tables import context_tables
from downpass.ground.training.export.extract import extract
from downpass.ground.training.export.fit_side_contexts import fit_side_contexts
from downpass.ground.training.export.tables import count_tables, side_tables
from downpass.ground.training.export.training_tiles import training_tiles
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.ground.training.loop.warm_start import (
    drawn_side_counts,
    fit_knots,
    fit_nodes,
    fit_side_prior,
    load_start,
    warm_start,
)
from downpass.ground.training.networks.calibrate import put_on_grids
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.layers import KnotTable
from downpass.ground.training.networks.scale_context import ScaleContext
from downpass.ground.training.verify.shipped_codec import shipped_arrays, shipped_shape
from downpass.link.errors import InputError

from ..conftest import TINY


@pytest.fixture
def arrays(tiny, sampler):
    put_on_grids(tiny, sampler, batches=2)
    arrays = extract(tiny)
    arrays |= context_tables(tiny.context)
    return arrays | count_tables(arrays, training_tiles(tiny, sampler, 1))


def test_a_restored_codec_computes_nearly_the_same_and_learns(tiny, sampler, arrays):
    restored = warm_start(arrays, TINY)
    assert not restored.on_grids
    planes = canonical_planes(sampler.draw(1))
    quality = torch.tensor([0.2, 0.4, 0.6, 0.9])
    with torch.no_grad():
        before, after = tiny(planes, quality), restored(planes, quality)
    # In sum: a crop of 300 bits may change by some, where latents are close to being skipped.
    was, now = ((coded.bits - coded.side_bits).sum() for coded in (before, after))
    assert 0.98 < float(now / was) < 1.02
    error = (after.planes - planes).square().mean() / (before.planes - planes).square().mean()
    assert 0.97 < float(error) < 1.03
    restored.train()(planes, quality).bits.mean().backward()
    for name, value in restored.named_parameters():
        if not name.startswith("synthesis."):
            assert value.grad is not None, name
            assert value.grad.abs().max() > 0, name


def test_on_its_grids_it_computes_exactly_the_same(tiny, sampler, arrays):
    restored = warm_start(arrays, TINY, on_grids=True)
    planes = canonical_planes(sampler.draw(1))
    quality = torch.full((4,), 0.5)
    with torch.no_grad():
        assert torch.equal(restored.analysis(planes), tiny.analysis(planes))
        assert torch.equal(restored.log2_gain(quality), tiny.log2_gain(quality))


def test_knots_come_back_from_rounded_tables():
    table = KnotTable(5)
    torch.manual_seed(1)
    with torch.no_grad():
        table.values.normal_(0, 3)
        rounded = torch.round(table(torch.arange(257) / 256) * 32) / 32
        error = (fit_knots(rounded) - table.values).abs().max()
    assert float(error) < 1 / 32


def test_nodes_come_back_from_the_context_s_bins():
    context = ScaleContext(8)
    torch.manual_seed(1)
    with torch.no_grad():
        context.table.normal_(0, 0.7)
    found = fit_nodes(context_tables(context)["context.correction"])
    # Bins begin half an octave above the first node, which is therefore less certain.
    torch.testing.assert_close(found, context.table.detach(), atol=0.15, rtol=0)
    torch.testing.assert_close(
        found[:, 1:, 1:], context.table.detach()[:, 1:, 1:], atol=0.06, rtol=0
    )


def test_the_side_prior_is_that_of_the_counts():
    values = np.arange(-32, 32)
    shares = []
    for mean, scale in ((0.0, 0.5), (-3.25, 2.0), (6.0, 4.0)):
        edge = [1 / (1 + np.exp(-(values + half - mean) / scale)) for half in (0.5, -0.5)]
        shares.append((edge[0] - edge[1]) * 65000 + 1)
    mean, log2_scale = fit_side_prior(np.array(shares).astype(np.int64))
    np.testing.assert_allclose(mean, [0.0, -3.25, 6.0], atol=0.1)
    np.testing.assert_allclose(log2_scale, [-1.0, 1.0, 2.0], atol=0.1)


def test_drawn_counts_are_those_of_the_side_information() -> None:
    # The second channel follows the first, so its contexts are as uneven as the first's values.
    rng = np.random.default_rng(3)
    sides = []
    for _ in range(300):
        first = rng.geometric(0.5, (8, 8)) - 4
        sides.append(np.stack((first, first + rng.integers(0, 2, (8, 8)))))
    contexts = fit_side_contexts(sides)
    tables = side_tables(sides, contexts)
    every = np.stack(sides, axis=1).reshape(2, -1) + 32
    true = np.stack([np.bincount(one, minlength=64) for one in every]) / every.shape[1]

    def distance(counts: np.ndarray) -> np.ndarray:
        return np.abs(counts / counts.sum(axis=1, keepdims=True) - true).sum(axis=1)

    assert distance(drawn_side_counts({"tables.side": tables, **contexts})).max() < 0.1
    assert distance(tables.sum(axis=1))[1] > 0.3  # if all contexts were equally frequent


def test_a_run_begins_from_the_package_s_model(tmp_path, corpus):
    start = load_start(SHIPPED)
    settings = TrainSettings(out=tmp_path, steps=1, batch=1, crop=64, optimiser="soap")
    run = Trainer(settings, shipped_shape(), corpus)
    run.begin(start)
    assert run.origin == start["origin"]
    gain = shipped_arrays()["gain"]
    with torch.no_grad():
        found = run.averaged.log2_gain(torch.tensor([0.0, 0.5, 1.0])) * 32
    assert np.abs(found.numpy() - gain[[0, 128, 256]]).max() < 1
    run.run()
    resumed = Trainer(settings, shipped_shape(), corpus)
    resumed.begin()
    assert resumed.origin == start["origin"]


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a model folder"):
        load_start(tmp_path)


def test_arrays_of_another_shape_are_refused(arrays):
    assert Codec(TINY).shape == TINY
    arrays["hyper.analysis_in.clip"] = np.array([0, 63], np.int32)
    with pytest.raises(ValueError, match="analysis_in clips"):
        warm_start(arrays, TINY)
