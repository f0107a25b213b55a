from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from downpass.ground.decoders.student_networks import load_network
from downpass.ground.training.export.model_folder import DECODER_CARD
from downpass.ground.training.export.ship import part_of, ship
from downpass.link.student import shared_model
from downpass.link.student.shared_model import load_integers
from downpass.payload.encoders.student import student_model

SHIPPED = {
    "payload": student_model.FOLDER,
    "ground": load_network("fast").folder,
    "link": shared_model.FOLDER,  # the last, whose card is the whole one
}


def test_a_model_put_together_and_split_again_is_the_shipped_one(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    for folder in SHIPPED.values():
        shutil.copytree(folder, whole, dirs_exist_ok=True)
    np.savez(whole / "integers.npz", **load_integers(*SHIPPED.values()))
    shutil.copyfile(SHIPPED["ground"] / "card.json", whole / DECODER_CARD)
    parts = {part: tmp_path / part for part in SHIPPED}
    assert ship(whole, parts) == student_model.load().fingerprint.hex()
    for part, folder in parts.items():
        arrays = load_integers(SHIPPED[part])
        for name, array in load_integers(folder).items():
            np.testing.assert_array_equal(array, arrays.pop(name))
        assert not arrays
        for path in folder.glob("*.[oj]*n*"):
            assert path.read_bytes() == (SHIPPED[part] / path.name).read_bytes(), path
    model = student_model.load(whole)
    assert model.folder == model.shared.folder == whole


@pytest.mark.parametrize(
    ("array", "part"),
    [
        ("analysis.enter.weight", "payload"),
        ("hyper.analysis_in.bias", "payload"),
        ("hyper.spread_shift", "payload"),
        ("hyper.synthesis_up.clip", "link"),
        ("gain", "link"),
        ("tables.latents_start", "link"),
        ("context.correction", "link"),
        ("synthesis.enter.weight", "ground"),
    ],
)
def test_each_array_goes_to_whoever_needs_it(array: str, part: str) -> None:
    assert part_of(array) == part


def test_parts_of_different_models_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(student_model.FOLDER, tmp_path / "other")
    (tmp_path / "other" / "card.json").write_text('{"format": 2, "fingerprint": "00"}')
    monkeypatch.setattr(student_model, "FOLDER", tmp_path / "other")
    with pytest.raises(ValueError, match="model 00, but"):
        student_model.load.__wrapped__()
