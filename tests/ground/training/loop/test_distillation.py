from dataclasses import replace

import pytest
import torch
from downpass.ground.training.data.colour import canonical_planes
from downpass.ground.training.loop.checkpoint import restore
from downpass.ground.training.loop.distillation import (
    Distiller,
    DistortionTerm,
    FeatureTerm,
    RelationTerm,
    StageRecorder,
)
from downpass.ground.training.loop.schedule import lesson_weight
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.complexity import complexity
from downpass.ground.training.networks.shape import CodecShape
from downpass.ground.training.networks.teacher import Teacher, without_heavy
from downpass.link.errors import InputError

from ..conftest import TINY

EVERY = {
    "response": 0.1,
    "latents": 0.1,
    "distortion": 0.1,
    "feature": 0.1,
    "stage": 0.01,
    "relation": 0.1,
}


def activations(sampler, codec, seed=0):
    planes = canonical_planes(sampler.draw(seed))
    recorder = StageRecorder(codec)
    return recorder.activations(codec(planes, torch.full((4,), 0.5)), torch.ones(4))


def test_a_teacher_of_itself_has_nothing_to_teach(tiny, sampler):
    recorded = activations(sampler, tiny)
    assert float(RelationTerm()(recorded, recorded)) == pytest.approx(0, abs=1e-9)
    term = FeatureTerm(TINY.analysis, TINY.analysis, normalised=True)
    for adapter in term.adapters:
        torch.nn.init.dirac_(adapter.weight)
        torch.nn.init.zeros_(adapter.bias)
    assert float(term(recorded, recorded)) == pytest.approx(0, abs=1e-9)


def test_normalised_features_do_not_care_for_a_channels_size(tiny, sampler):
    first = activations(sampler, tiny)
    recorded = first._replace(stages=tuple(torch.randn_like(s) for s in first.stages))
    louder = recorded._replace(stages=tuple(s * 100 for s in recorded.stages))
    term = FeatureTerm(TINY.analysis, TINY.analysis, normalised=True)
    plain = FeatureTerm(TINY.analysis, TINY.analysis, normalised=False)
    for adapter in (*term.adapters, *plain.adapters):
        torch.nn.init.zeros_(adapter.weight)
        torch.nn.init.zeros_(adapter.bias)
    assert float(term(recorded, louder)) == pytest.approx(float(term(recorded, recorded)), rel=1e-3)
    assert float(plain(recorded, louder)) == pytest.approx(1e4 * float(plain(recorded, recorded)))


@pytest.mark.parametrize("teach", ["self", "online"])
def test_a_run_with_every_term_resumes_to_the_same(tmp_path, corpus, teach):
    def run(out, steps):
        settings = TrainSettings(
            out=out, steps=steps, batch=2, crop=64, save_every=2, grids=0, distil=EVERY, teach=teach
        )
        made = Trainer(settings, TINY, corpus)
        made.begin()
        return made

    whole = run(tmp_path / "whole", 4)
    whole.run()
    cut = run(tmp_path / "cut", 4)
    for _ in range(2):
        cut.advance()
    cut.save("latest")
    resumed = run(tmp_path / "cut", 4)
    resumed.run()
    for name, value in whole.codec.state_dict().items():
        assert torch.equal(value, resumed.codec.state_dict()[name]), name


def test_an_offline_teacher_stays_and_the_student_learns_from_it(tmp_path, corpus):
    settings = TrainSettings(out=tmp_path / "t", steps=2, batch=2, crop=64, model="teacher")
    taught = Trainer(settings, TINY, corpus)
    taught.begin()
    taught.run()
    settings = TrainSettings(
        out=tmp_path / "s", steps=2, batch=2, crop=64, grids=0, teach="offline",
        teacher=tmp_path / "t" / "latest.ckpt", distil={"feature": 1.0},
    )  # fmt: skip
    student = Trainer(settings, TINY, corpus)
    student.begin()
    before = {k: v.clone() for k, v in student.teaching.teacher.state_dict().items()}
    alone = Trainer(
        TrainSettings(out=tmp_path / "a", steps=2, batch=2, crop=64, grids=0), TINY, corpus
    )
    alone.begin()
    student.run()
    alone.run()
    for name, value in student.teaching.teacher.state_dict().items():
        assert torch.equal(value, before[name]), name
    changed = student.codec.analysis.enter.weight - alone.codec.analysis.enter.weight
    assert changed.abs().max() > 0


def test_the_teacher_gets_no_gradient_of_the_lesson(tiny, sampler):
    teacher = Teacher(TINY)
    distiller = Distiller(tiny, teacher, EVERY)
    planes = canonical_planes(sampler.draw(1))
    quality = torch.full((4,), 0.5)
    distiller(tiny(planes, quality), teacher(planes, quality), torch.ones(4)).backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert tiny.analysis.enter.weight.grad.abs().max() > 0


def test_unknown_terms_and_teachers_are_refused(tiny, tmp_path, corpus):
    with pytest.raises(InputError, match="--distil: 'magic' is not one of response"):
        Distiller(tiny, tiny, {"magic": 1.0})
    settings = TrainSettings(out=tmp_path, teach="offline", distil={"feature": 1.0}, crop=64)
    with pytest.raises(InputError, match="--teach offline needs a checkpoint of the teacher"):
        Trainer(settings, TINY, corpus).begin()
    settings = TrainSettings(out=tmp_path, teach="nobody", distil={"feature": 1.0}, crop=64)
    with pytest.raises(InputError, match="--teach: 'nobody' is not one of offline, online, self"):
        Trainer(settings, TINY, corpus).begin()


def test_the_teacher_is_heavy_and_keeps_the_latents():
    teacher, student = complexity(Teacher(CodecShape())), complexity(Codec(CodecShape()))
    assert teacher["analysis"] > 10 * student["analysis"]
    assert {**teacher, "analysis": 0, "onboard": 0} == {**student, "analysis": 0, "onboard": 0}


def test_a_teacher_begins_as_the_student_and_gives_back_all_but_the_residual(tiny, sampler):
    teacher = Teacher(TINY).eval()
    restore(teacher, tiny.state_dict())
    planes = canonical_planes(sampler.draw(3))
    assert torch.equal(teacher.analysis(planes), tiny.analysis(planes))
    torch.nn.init.normal_(teacher.analysis.heavy.leave.weight)
    assert not torch.equal(teacher.analysis(planes), tiny.analysis(planes))
    state = without_heavy(teacher.state_dict())
    assert state.keys() == tiny.state_dict().keys()


def test_a_lesson_in_units_of_distortion_is_what_the_error_would_add(tiny, sampler):
    """With an orthonormal synthesis, pixels change as much as latents."""
    with torch.no_grad():
        basis = torch.linalg.qr(torch.randn(768, TINY.latents))[0]
        tiny.synthesis.linear.weight.copy_(basis[:, :, None, None])
    recorded = activations(sampler, tiny)
    taught = recorded.coded.log2_scales > -3.9
    assert taught.any()
    moved = replace(recorded.coded, latents=recorded.coded.latents + 3.0 * taught)
    price = torch.tensor([0.1, 0.2, 0.3, 0.4])
    loss = DistortionTerm(tiny)(recorded._replace(coded=moved, price=price), recorded)
    pixels = 3 * 64 * 64
    expected = (9.0 * taught.sum(dim=(1, 2, 3)) / pixels * price).mean()
    assert float(loss) == pytest.approx(float(expected), rel=1e-4)
    skipped = replace(recorded.coded, latents=recorded.coded.latents + 3.0 * ~taught)
    assert float(DistortionTerm(tiny)(recorded._replace(coded=skipped), recorded)) == 0.0


def test_a_teacher_decodes_only_what_a_term_reads(tmp_path, corpus, monkeypatch):
    def run(terms):
        settings = TrainSettings(
            out=tmp_path / "-".join(terms), steps=1, batch=2, crop=64, grids=0,
            distil=dict.fromkeys(terms, 0.1),
        )  # fmt: skip
        trainer = Trainer(settings, TINY, corpus)
        trainer.begin()
        decoded = []
        synthesis = trainer.teaching.teacher.synthesis
        synthesis.register_forward_hook(lambda *_: decoded.append(1))
        trainer.advance()
        return len(decoded)

    assert run(["distortion", "relation"]) == 0
    assert run(["distortion", "response"]) == 1


@pytest.mark.parametrize(
    ("anneal", "step", "weight"),
    [(0.0, 99, 1.0), (0.3, 0, 1.0), (0.3, 70, 1.0), (0.3, 85, 0.5), (0.3, 100, 0.0)],
)
def test_lessons_fall_to_zero_over_the_last_share(anneal, step, weight, tmp_path):
    settings = TrainSettings(out=tmp_path, steps=100, anneal=anneal)
    assert lesson_weight(step, settings) == pytest.approx(weight)
