import argparse
from dataclasses import asdict
from pathlib import Path

import pytest
from downpass.ground.training.arguments import add_arguments
from downpass.ground.training.loop.schedule import Finish, learning_rate, trains_integers
from downpass.ground.training.loop.settings import TrainSettings, parse_distillation_terms
from downpass.link.errors import InputError


def parse(*options: str) -> TrainSettings:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    arguments = parser.parse_args(["student", "--images", "I", "--out", "O", *options])
    return TrainSettings.of_options(arguments)


def test_options_that_are_not_given_leave_the_settings_at_their_defaults():
    assert parse("--device", "cpu") == TrainSettings(out=Path("O"))


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (("--steps", "7"), {"steps": 7}),
        (("--minutes", "1.5"), {"minutes": 1.5}),
        (("--finish", "30"), {"finish": 30.0}),
        (("--batch", "3"), {"batch": 3}),
        (("--crop", "64"), {"crop": 64}),
        (("--rate", "0.1"), {"rate": 0.1}),
        (("--optimiser", "soap"), {"optimiser": "soap"}),
        (("--decay", "0.2"), {"decay": 0.2}),
        (("--grids", "0.5"), {"grids": 0.5}),
        (("--distil", "stage=1"), {"distil": {"stage": 1.0}}),
        (("--teach", "offline", "--teacher", "T"), {"teach": "offline", "teacher": Path("T")}),
        (("--quality", "0.25"), {"quality": 0.25}),
        (("--seed", "9"), {"seed": 9}),
        (("--evaluate-every", "5"), {"evaluate_every": 5}),
        (("--tune-threads",), {"tune_threads": True}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_each_option_changes_its_setting_alone(options, changed):
    settings = asdict(parse("--device", "cpu", *options))
    assert settings == asdict(TrainSettings(out=Path("O"))) | changed


def test_distillation_terms():
    assert parse_distillation_terms("") == {}
    assert parse_distillation_terms("feature=0.1, latents=2") == {"feature": 0.1, "latents": 2.0}
    for text in ("feature", "feature=", "feature=much"):
        with pytest.raises(InputError, match=f"--distil: '{text}' is not of the form name=weight"):
            parse_distillation_terms(text)


def test_the_rate_warms_up_stays_and_comes_down():
    settings = TrainSettings(out=Path("O"), steps=1000, decay=0.4)
    assert learning_rate(0, settings) == pytest.approx(1 / 200)
    assert learning_rate(400, settings) == 1
    assert learning_rate(800, settings) == pytest.approx(0.5)
    assert learning_rate(999, settings) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("model", "step", "expected"),
    [("student", 899, False), ("student", 900, True), ("teacher", 999, False)],
)
def test_the_last_tenth_of_a_students_steps_trains_integers(model, step, expected):
    settings = TrainSettings(out=Path("O"), steps=1000, grids=0.1, model=model)
    assert trains_integers(step, settings) == expected


def test_a_finish_by_the_clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    finish, endless = Finish(10), Finish(float("inf"))
    found = []
    for now[0] in (100.0, 400.0, 549.0, 551.0, 700.0, 9000.0):
        assert finish.share <= finish.passed()  # it stays where a run put it last
        finish.share = finish.passed()
        found.append((finish.share, finish.factor, finish.trains_integers))
    assert found[0] == (0.0, 1.0, False)
    assert found[1] == (0.5, 0.5, False)
    assert [one[2] for one in found] == [False, False, False, True, True, True]
    assert found[4] == found[5] == (1.0, 0.01, True)
    assert endless.passed() == 0.0
    assert (endless.share, endless.factor, endless.trains_integers) == (0.0, 1.0, False)
