"""Training of the synthesis alone, for an encoder that does not change."""

import argparse
from dataclasses import replace

import numpy as np
import pytest
import torch
from downpass.ground.training.arguments import add_arguments
from downpass.ground.training.export.extract import extract
from downpass.ground.training.loop import decoder_trainer
from downpass.ground.training.loop.checkpoint import averaged_codec, load, save, shape_to_store
from downpass.ground.training.loop.decoder_trainer import (
    DecoderTrainer,
    decoder_shape,
    encode_tiles,
)
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.train import make_trainer
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


def test_tiles_of_a_crop_are_those_that_are_coded_alone(tmp_path, corpus, start):
    codec = run_of(tmp_path, corpus, start).codec
    planes = torch.round(torch.randn(2, 3, 64, 80) * 60) / 2
    quality = torch.tensor([0.3, 0.8])
    with torch.no_grad():
        found = encode_tiles(codec, planes, quality, ((3,), (2,)))
        whole = codec.encode(planes, quality)
        rows, columns = ((0, 48), (48, 64)), ((0, 32), (32, 80))
        alone = [
            [codec.encode(planes[:, :, a:b, c:d], quality) for c, d in columns] for a, b in rows
        ]
    decoded = torch.cat([torch.cat([one.decoded for one in row], 3) for row in alone], 2)
    assert torch.equal(found.decoded, decoded)
    bits = torch.stack([one.bits for row in alone for one in row]).sum(0)
    torch.testing.assert_close(found.bits, bits)  # sums of floats, in another order
    assert found.symbols.shape == whole.symbols.shape
    assert not torch.equal(found.decoded, whole.decoded)


def test_half_of_the_steps_have_crops_of_several_tiles(tmp_path, corpus, start):
    run = run_of(tmp_path, corpus, start)
    drawn = []
    for run.step in range(200):
        drawn.append(run._draw_tiles(4, 5))
        assert drawn[-1] == run._draw_tiles(4, 5)
    assert 60 < sum(one != ((), ()) for one in drawn) < 130
    assert {place for rows, _ in drawn for place in rows} == {1, 2, 3}
    assert {place for _, columns in drawn for place in columns} == {1, 2, 3, 4}


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


@pytest.fixture
def narrow_full(monkeypatch):
    widths = {"synthesis": WIDE.synthesis, "depth": WIDE.depth}
    monkeypatch.setitem(decoder_trainer.DECODER_WIDTHS, "full", widths)


def trainer_of(corpus, *arguments):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = parser.parse_args([*map(str, arguments), "--images", "none", "--crop", "64"])
    return make_trainer(options, TrainSettings.of_options(options), corpus, ())


def test_student_and_full_decoder_are_trained_together_then_a_fast_one_for_them(
    tmp_path, corpus, start, tiny, narrow_full
):
    save(tmp_path / "tiny.ckpt", start)
    joint = trainer_of(
        corpus, "student", "--decoder", "full", "--start", tmp_path / "tiny.ckpt", "--out",
        tmp_path / "joint", "--steps", "1", "--batch", "2", "--grids", "0",
    )  # fmt: skip
    assert joint.shape == WIDE
    planes, quality = torch.randn(2, 3, 64, 64) * 40, torch.tensor([0.3, 0.9])
    joint.codec.eval()
    with torch.no_grad():
        same = tiny.eval()(planes, quality).planes
        torch.testing.assert_close(joint.codec(planes, quality).planes, same, atol=1e-3, rtol=0)
    joint.codec.train()
    joint.run()
    fast = trainer_of(
        corpus, "decoder", "--decoder", "fast", "--start", tmp_path / "joint" / "latest.ckpt",
        "--synthesis", tmp_path / "tiny.ckpt", "--out", tmp_path / "fast", "--steps", "1",
        "--batch", "2",
    )  # fmt: skip
    assert fast.shape == TINY
    analysis = joint.averaged.analysis.enter.weight
    assert torch.allclose(fast.codec.analysis.enter.weight, analysis, atol=0.05)
    fast.run()
    assert averaged_codec(tmp_path / "fast" / "latest.ckpt").shape == TINY
    content = load(tmp_path / "fast" / "latest.ckpt")
    assert content["encoder"] == {"step": 1, "seconds": joint.seconds}
