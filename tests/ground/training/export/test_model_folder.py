import json

import numpy as np
import pytest
from downpass.ground.training.data.corpus import split
from downpass.ground.training.export.fingerprints import decoder_fingerprint, model_fingerprint
from downpass.ground.training.export.model_folder import DECODER_CARD, export
from downpass.ground.training.loop.held_out import held_out_pictures
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.link.inference import open_session

from ..conftest import TINY


@pytest.fixture
def model(tmp_path, corpus):
    run = Trainer(TrainSettings(out=tmp_path, steps=1, batch=2, crop=64), TINY, corpus)
    run.begin()
    run.run()
    samples = held_out_pictures(split(corpus)[1], tmp_path / "anchors.json", 1, side=64)
    card = export(tmp_path / "latest.ckpt", corpus, samples, tmp_path / "model", batches=2)
    return tmp_path / "model", card


def test_a_model_folder_is_whole(model):
    folder, card = model
    for name in ("encoder", "hyper", "decoder"):
        open_session((folder / f"{name}.onnx").read_bytes())
    arrays = dict(np.load(folder / "integers.npz"))
    assert model_fingerprint(arrays).hex() == card["fingerprint"]
    decoder = json.loads((folder / DECODER_CARD).read_text())
    assert decoder["fingerprint"] == card["fingerprint"]
    assert decoder["decoder"] == decoder_fingerprint(arrays).hex()
    assert decoder["held_out"]["bd_rate"] == card["held_out"]["bd_rate"]
    stored = json.loads((folder / "card.json").read_text())
    assert stored["fingerprint"] == card["fingerprint"]
    assert stored["training"]["steps"] == 1
    assert -1 < stored["held_out"]["bd_rate"] < 30
    for curve in stored["held_out"]["curves"].values():
        assert curve["bpp"][-1] > curve["bpp"][0]
        assert curve["psnr_db"][-1] > curve["psnr_db"][0] + 5


def test_any_integer_changes_one_fingerprint_and_not_the_other(model):
    folder, _ = model
    arrays = dict(np.load(folder / "integers.npz"))
    shared, own = model_fingerprint(arrays), decoder_fingerprint(arrays)
    rng = np.random.default_rng(0)
    for name in arrays:
        changed = arrays[name].copy().reshape(-1)
        changed[int(rng.integers(0, changed.size))] ^= 1
        other = arrays | {name: changed.reshape(arrays[name].shape)}
        is_decoder = name.startswith("synthesis.")
        assert (model_fingerprint(other) == shared) == is_decoder, name
        assert (decoder_fingerprint(other) == own) != is_decoder, name
