import csv
import os
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from downpass.ground.training.data.corpus import split
from downpass.ground.training.export.extract import extract
from downpass.ground.training.loop.checkpoint import averaged_codec, load, shape_of
from downpass.ground.training.loop.evaluate import evaluate
from downpass.ground.training.loop.held_out import held_out_pictures
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.ground.training.networks.calibrate import round_synthesis
from downpass.link.errors import InputError

from ..conftest import TINY


def trainer(out, corpus, **options):
    settings = TrainSettings(
        out=out, **({"steps": 12, "batch": 2, "crop": 64, "save_every": 4} | options)
    )
    made = Trainer(settings, TINY, corpus)
    made.begin()
    return made


def test_a_killed_and_resumed_run_ends_the_same(tmp_path, corpus):
    whole = trainer(tmp_path / "whole", corpus)
    whole.run()
    cut = trainer(tmp_path / "cut", corpus)
    for _ in range(4):
        cut.advance()
    cut.save("latest")
    cut.advance()  # lost with the kill
    resumed = trainer(tmp_path / "cut", corpus)
    assert resumed.step == 4
    resumed.run()
    for name, value in whole.codec.state_dict().items():
        assert torch.equal(value, resumed.codec.state_dict()[name]), name
    for name, value in whole.averaged.state_dict().items():
        assert torch.equal(value, resumed.averaged.state_dict()[name]), name


def test_training_lowers_the_cost(tmp_path, corpus):
    run = trainer(tmp_path, corpus, steps=60, rate=2e-3, decay=0.1)
    losses = [float(run.advance()[0]) for _ in range(60)]
    assert sum(losses[-15:]) < sum(losses[:15])


def test_the_last_steps_train_integers(tmp_path, corpus):
    run = trainer(tmp_path, corpus, steps=6, grids=0.5)
    run.advance()
    assert not run.codec.on_grids
    run.run()
    assert run.codec.on_grids
    codec = averaged_codec(tmp_path / "latest.ckpt")
    assert codec.on_grids
    for name, value in extract(codec).items():
        assert np.array_equal(value, np.round(value)), name
    resumed = trainer(tmp_path, corpus, steps=7, grids=0.5)
    assert resumed.codec.on_grids
    assert resumed.averaged.on_grids
    resumed.run()


def test_a_finish_ends_a_run_in_integers(tmp_path, corpus):
    run = trainer(tmp_path, corpus, steps=10_000, finish=0.02)
    run.run()
    assert 1 <= run.step < 10_000
    assert averaged_codec(tmp_path / "latest.ckpt").on_grids
    # A finish that is over at once still leaves a run that can go on.
    again = trainer(tmp_path, corpus, steps=10_000, finish=0.0)
    again.run()
    assert again.step == run.step


def test_minutes_end_a_run_and_it_goes_on(tmp_path, corpus):
    run = trainer(tmp_path, corpus, minutes=0.0)
    run.run()
    assert run.step == 1
    assert load(tmp_path / "latest.ckpt")["step"] == 1


def test_a_signal_saves_and_ends(tmp_path, corpus):
    run = trainer(tmp_path, corpus)
    run.stop()
    run.run()
    assert load(tmp_path / "latest.ckpt")["step"] == 1


def test_evaluation_goes_to_the_log_and_keeps_the_best(tmp_path, corpus):
    _, held_out = split(corpus)
    pictures = held_out_pictures(held_out, tmp_path / "anchors.json", side=64)
    run = trainer(tmp_path, corpus, steps=1)
    run.held_out = pictures
    run.run()
    with (tmp_path / "evaluation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "1"
    assert float(rows[-1]["bd_rate"]) == pytest.approx(run.best, abs=1e-4)
    codec = averaged_codec(tmp_path / "best.ckpt")
    assert codec.shape == TINY


def test_integers_are_evaluated_as_export_rounds_them(tmp_path, corpus):
    _, held_out = split(corpus)
    run = trainer(tmp_path, corpus, steps=1, grids=1.0)
    run.held_out = held_out_pictures(held_out, tmp_path / "anchors.json", side=64)
    run.run()
    with torch.no_grad():  # an average lies between the grid's points
        for parameter in run.averaged.synthesis.parameters():
            parameter += 0.2 * parameter.std() * torch.rand_like(parameter)
    before = deepcopy(run.averaged)
    assessed = run.assess().mean.percent
    for name, value in before.state_dict().items():
        assert torch.equal(value, run.averaged.state_dict()[name]), name
    one_by_one = evaluate(before, run.held_out).mean.percent
    round_synthesis(before, run.sampler)
    assert assessed == evaluate(before, run.held_out).mean.percent != one_by_one


def test_foreign_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such checkpoint"):
        load(tmp_path / "none.ckpt")
    (tmp_path / "bad.ckpt").write_bytes(b"not torch")
    with pytest.raises(InputError, match="not a checkpoint"):
        load(tmp_path / "bad.ckpt")
    torch.save({"other": 1}, tmp_path / "other.ckpt")
    with pytest.raises(InputError, match="not a checkpoint of the learned codec"):
        load(tmp_path / "other.ckpt")
    for name, content in (
        ("tensor", torch.zeros(3)),
        ("list", ["shape", "model"]),
        ("text", "shape and model"),
        ("numbers", {"shape": {}, "model": {"gain": 1}}),
        ("averages", {"shape": {}, "model": {}, "averaged": [1]}),
        ("parts", {"shape": torch.zeros(3), "model": 1}),
    ):
        torch.save(content, tmp_path / f"{name}.ckpt")
        with pytest.raises(InputError, match="not a checkpoint of the learned codec"):
            load(tmp_path / f"{name}.ckpt")
    os.mkfifo(tmp_path / "pipe.ckpt")
    for path in (tmp_path / "pipe.ckpt", tmp_path, Path("/dev/zero")):
        with pytest.raises(InputError, match="no regular file"):
            load(path)
    with pytest.raises(InputError, match="checkpoint of another codec"):
        shape_of({"shape": {"nonsense": 1}})
