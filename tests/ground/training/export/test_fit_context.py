import torch
from downpass.ground.training.data.augment import CropSampler
from downpass.ground.training.export.fit_context import collect_symbols, fit_context
from downpass.ground.training.networks.calibrate import put_on_grids


def test_fitting_the_table_saves_bits_elsewhere_too(tiny, sampler, corpus):
    with torch.no_grad():
        tiny.context.table.zero_()
    put_on_grids(tiny, sampler, batches=2)
    other = CropSampler(corpus, crop=64, batch=4, seed=99, device=torch.device("cpu"))
    planes, quality = other.draw(0) - 128, torch.full((4,), 0.7)
    with torch.no_grad():
        bits = tiny(planes, quality).bits.mean()
    before, after = fit_context(tiny, sampler, batches=4, steps=40)
    assert after < before - 0.005
    with torch.no_grad():
        assert tiny(planes, quality).bits.mean() < bits


def test_kept_symbols_are_whole_numbers_and_mostly_what_was_coded(tiny, sampler):
    symbols, scales, side = collect_symbols(tiny, sampler, 2)
    assert symbols.shape == scales.shape
    assert side.shape == (8,)
    assert torch.equal(symbols, symbols.round())
    assert symbols.abs().max() > 1
