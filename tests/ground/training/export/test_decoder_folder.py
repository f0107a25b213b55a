import json

import pytest
import torch
from downpass.ground.training.data.augment import CropSampler
from downpass.ground.training.export import decoder_folder
from downpass.ground.training.export.decoder_folder import export_decoder
from downpass.ground.training.export.extract import LARGEST_SHIFT, extract, limit_shifts
from downpass.ground.training.export.fingerprints import model_fingerprint
from downpass.ground.training.loop.checkpoint import averaged_codec
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.link.errors import InputError

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
