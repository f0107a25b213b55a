import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from downpass.ground.decoders.block_boundaries import JoinedBlocks
from downpass.ground.decoders.compiled_synthesis import NATIVE, CompiledSynthesis
from downpass.ground.training.data.augment import CropSampler
from downpass.ground.training.export import decoder_folder
from downpass.ground.training.export.decoder_folder import export_decoder, halo
from downpass.ground.training.export.extract import LARGEST_SHIFT, extract, limit_shifts
from downpass.ground.training.export.fingerprints import model_fingerprint
from downpass.ground.training.loop.checkpoint import averaged_codec
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.link.errors import InputError
from downpass.link.student.rotation import IDENTITY, rotation_matrix

from ...made_up_networks import made_up, made_up_latents
from ..conftest import TINY


@pytest.fixture
def checkpoint(tmp_path, corpus):
    """A checkpoint in integers, one of whose channels has weights that export makes coarser."""
    run = Trainer(TrainSettings(out=tmp_path, steps=1, batch=2, crop=64, grids=1.0), TINY, corpus)
    run.begin()
    run.run()
    hyper = run.averaged.hyper
    finer = LARGEST_SHIFT + 1 + hyper.grid_in.fraction - hyper.analysis_in.input_fraction
    hyper.analysis_in.weight_fraction[3] = finer
    run.save("latest")
    return tmp_path / "latest.ckpt"


def test_a_decoder_is_exported_for_the_model_of_its_checkpoint(
    tmp_path, corpus, checkpoint, monkeypatch
):
    # The report needs the model's tables, and has tests of its own.
    monkeypatch.setattr(decoder_folder, "held_out_report", lambda *_: {"curves": {}})
    codec = averaged_codec(checkpoint)
    assert extract(codec)["hyper.analysis_in.shift"][3] > LARGEST_SHIFT
    limit_shifts(codec)
    model = extract(codec)
    sampler = CropSampler(corpus, crop=64, batch=2, seed=7, device=torch.device("cpu"))
    made = export_decoder(checkpoint, "full", model, sampler, [], tmp_path / "decoder")
    assert made["fingerprint"] == model_fingerprint(model).hex()
    assert json.loads((tmp_path / "decoder" / "card.json").read_text())["name"] == "full"
    model["hyper.analysis_in.weight"][0, 0] ^= 1
    with pytest.raises(InputError, match=r"another model \(hyper\.analysis_in\.weight differs\)"):
        export_decoder(checkpoint, "full", model, sampler, [], tmp_path / "other")


def windows_are_the_frames(depth, width, boundaries):
    """Whether windows with a halo of this width are exact, in frames of one and several tiles."""
    if NATIVE is None:
        pytest.skip("installed without a C compiler (gcc, and the headers of Python)")
    run = CompiledSynthesis.of(made_up(4, 20, (16, 16), depth, boundaries), "plain").run
    matrix, first, last = rotation_matrix(IDENTITY), 9, 18
    exact = True
    for seed in range(4):
        latents = made_up_latents("dense", 20, 1, last, seed)
        for tile in (0, 64):
            whole = run(latents, 0, matrix, JoinedBlocks.of(range(1), range(last), tile))
            seen = range(first - width, last)
            window = np.ascontiguousarray(latents[:, :, seen.start :])
            found = run(window, 0, matrix, JoinedBlocks.of(range(1), seen, tile))
            exact &= np.array_equal(found[:, 16 * width :], whole[:, 16 * first :])
    return exact


@pytest.mark.parametrize(
    ("depth", "width"),
    [((1, 0, 0), 2), ((0, 1, 0), 3), ((1, 1, 0), 3), ((2, 2, 1), 5), ((2, 4, 1), 7)],
    ids=str,
)
def test_a_window_with_its_halo_is_that_of_the_frame(depth, width):
    assert halo(replace(TINY, depth=depth)) == width
    assert windows_are_the_frames(depth, width, "near")


def test_the_halo_counts_the_filter_across_boundaries():
    assert windows_are_the_frames((0, 1, 0), 2, "none")
    assert not windows_are_the_frames((0, 1, 0), 2, "near")
