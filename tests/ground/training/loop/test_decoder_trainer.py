"""Training of the synthesis alone, for an encoder that does not change."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from downpass.ground.training.export.extract import extract
from downpass.ground.training.loop import decoder_trainer
from downpass.ground.training.loop.checkpoint import averaged_codec, shape_to_store
from downpass.ground.training.loop.decoder_trainer import DecoderTrainer, decoder_shape
from downpass.ground.training.loop.settings import TrainSettings
from downpass.link.errors import InputError

from ..conftest import TINY

WIDE = replace(TINY, synthesis=(12, 16), depth=(1, 2, 1))


@pytest.fixture
def start(tiny):
    return {"shape": shape_to_store(TINY), "model": tiny.state_dict()}


def run_of(tmp_path, corpus, start, **options):
    settings = TrainSettings(
        out=tmp_path, model="decoder", **({"steps": 4, "batch": 2, "crop": 64} | options)
    )
    run = DecoderTrainer(settings, WIDE, corpus)
    run.begin(start)
    return run


def test_only_the_synthesis_changes_and_ends_on_its_grids(tmp_path, corpus, start):
    run = run_of(tmp_path, corpus, start, grids=0.5, rate=1e-2)
    assert run.codec.on_grids
    assert not run.codec.synthesis.linear_out.on
    before = {name: value.clone() for name, value in run.codec.state_dict().items()}
    run.run()
    after = averaged_codec(tmp_path / "latest.ckpt")
    assert after.shape == WIDE
    for name, value in after.state_dict().items():
        if not name.startswith("synthesis."):
            assert torch.equal(value, before[name]), name
    assert not torch.equal(after.synthesis.up.weight, before["synthesis.up.weight"])
    assert after.synthesis.linear_out.on
    for name, value in extract(after).items():
        assert np.array_equal(value, np.round(value)), name


def test_a_resumed_run_ends_the_same(tmp_path, corpus, start):
    whole = run_of(tmp_path / "whole", corpus, start, grids=0.0)
    whole.run()
    cut = run_of(tmp_path / "cut", corpus, start, grids=0.0)
    cut.advance()
    cut.save("latest")
    resumed = run_of(tmp_path / "cut", corpus, None, grids=0.0)
    assert resumed.step == 1
    resumed.run()
    for name, value in whole.averaged.state_dict().items():
        assert torch.equal(value, resumed.averaged.state_dict()[name]), name


def test_a_decoder_may_begin_from_another_one(tmp_path, corpus, start):
    first = run_of(tmp_path / "first", corpus, start, grids=0.5)
    first.run()
    second = run_of(
        tmp_path / "second", corpus, start, synthesis=tmp_path / "first" / "latest.ckpt"
    )
    found, wanted = second.codec.synthesis, first.averaged.synthesis
    assert torch.equal(found.below[1].second.weight, wanted.below[1].second.weight)
    assert not found.linear_out.on


def test_without_a_model_nothing_is_trained(tmp_path, corpus):
    with pytest.raises(InputError, match="--start: none given"):
        run_of(tmp_path, corpus, None)


def test_the_fast_decoder_keeps_the_widths():
    assert decoder_shape(TINY, "fast") == TINY
    full = decoder_shape(TINY, "full")
    assert full.analysis == TINY.analysis
    assert full.synthesis == decoder_trainer.DECODER_WIDTHS["full"]["synthesis"]
