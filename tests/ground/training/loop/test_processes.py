import argparse
from pathlib import Path

import pytest
import torch
from downpass.ground.training.arguments import add_arguments
from downpass.ground.training.loop.checkpoint import load
from downpass.ground.training.loop.held_out import load_training_and_held_out
from downpass.ground.training.loop.processes import Processes, started
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.train import make_trainer, train
from downpass.ground.training.loop.trainer import Trainer
from downpass.link.errors import InputError

from ..conftest import TINY


class Noted(Processes):
    """One of two processes, without the other: notes its gradients, or takes those given."""

    def __init__(self, rank: int, given: list[torch.Tensor] | None = None) -> None:
        super().__init__(rank, 2)
        self.gradients: list[torch.Tensor] = []
        self.given = given

    def agree(self, value):
        return value

    def share(self, *modules):
        pass

    def average_gradients(self, parameters):
        present = [p for p in parameters if p.grad is not None]
        self.gradients = [p.grad.clone() for p in present]
        for parameter, gradient in zip(present, self.given or self.gradients, strict=True):
            parameter.grad.copy_(gradient)


def options(images: Path, out: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = ("student", "--batch", "2", "--crop", "64", "--grids", "0", *more)
    return parser.parse_args([*words, "--images", str(images), "--out", str(out)])


def step(processes: Processes, images: Path, out: Path, number: int) -> None:
    """Make a step of a run as one of its processes."""
    given = options(images, out, "--steps", str(number))
    training, _ = load_training_and_held_out(given.images, given.cache, given.out)
    make_trainer(given, TrainSettings.of_options(given), training, [], processes).run()


def copied(checkpoint: Path, out: Path) -> Path:
    out.mkdir()
    out.joinpath("latest.ckpt").write_bytes(checkpoint.read_bytes())
    return out


def step_of_both(checkpoint: Path, images: Path, out: Path, number: int) -> Path:
    """Make a step with the mean of two processes' gradients, one after the other."""
    out.mkdir()
    notes = [Noted(rank) for rank in range(2)]
    for rank, note in enumerate(notes):
        step(note, images, copied(checkpoint, out / f"alone{rank}"), number)
    assert any(not torch.equal(*pair) for pair in zip(*(n.gradients for n in notes), strict=True))
    means = [(a + b) / 2 for a, b in zip(*(n.gradients for n in notes), strict=True)]
    step(Noted(0, means), images, copied(checkpoint, out / "mean"), number)
    return out / "mean" / "latest.ckpt"


@pytest.fixture
def begun(tmp_path, corpus) -> Path:
    """The checkpoint of a run that has not made a step."""
    trainer = Trainer(TrainSettings(out=tmp_path / "begun", batch=2, crop=64), TINY, corpus)
    trainer.begin()
    trainer.save("latest")
    return tmp_path / "begun" / "latest.ckpt"


def test_two_processes_step_with_the_mean_of_their_gradients(tmp_path, folder, begun):
    out = copied(begun, tmp_path / "both")
    train(options(folder, out, "--processes", "2", "--steps", "2"))
    made = load(out / "latest.ckpt")
    first = step_of_both(begun, folder, tmp_path / "first", 1)
    second = load(step_of_both(first, folder, tmp_path / "second", 2))
    assert made["step"] == second["step"] == 2
    for kind in ("model", "averaged"):
        for name, value in second[kind].items():
            assert torch.allclose(made[kind][name].float(), value.float(), rtol=1e-3, atol=1e-5)


def test_only_the_first_process_writes(tmp_path, folder, begun):
    before = begun.read_bytes()
    step(Noted(1), folder, copied(begun, tmp_path / "second"), 1)
    assert (tmp_path / "second" / "latest.ckpt").read_bytes() == before
    step(Noted(0), folder, copied(begun, tmp_path / "first"), 1)
    assert load(tmp_path / "first" / "latest.ckpt")["step"] == 1


def test_one_process_needs_no_others():
    with started(1, print, None) as processes:
        assert processes.count == 1
        assert processes.agree(0.25) == 0.25
        assert [processes.number_of(step) for step in range(3)] == [0, 1, 2]


def test_a_process_that_cannot_begin_ends_the_run():
    with (
        pytest.raises(InputError, match="--processes 2: one of them ended with 1 before it began"),
        started(2, print, Unreadable()),
    ):
        pass


class Unreadable:
    """What another process cannot read."""

    def __reduce__(self):
        return int, ("no number",)
