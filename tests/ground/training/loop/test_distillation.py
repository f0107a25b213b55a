import pytest
import torch
from downpass.ground.training.data.colour import canonical_planes
from downpass.ground.training.loop.distillation import (
    CodecActivations,
    Distiller,
    FeatureTerm,
    RelationTerm,
    StageRecorder,
)
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.complexity import complexity
from downpass.ground.training.networks.shape import CodecShape
from downpass.ground.training.networks.teacher import TEACHER_SHAPE, Teacher, teacher_shape
from downpass.link.errors import InputError

from ..conftest import TINY

EVERY = {"response": 0.1, "latents": 0.1, "feature": 0.1, "stage": 0.01, "relation": 0.1}


def activations(sampler, codec, seed=0):
    planes = canonical_planes(sampler.draw(seed))
    recorder = StageRecorder(codec)
    return recorder.activations(codec(planes, torch.full((4,), 0.5)))


def test_a_teacher_of_itself_has_nothing_to_teach(tiny, sampler):
    recorded = activations(sampler, tiny)
    assert float(RelationTerm()(recorded, recorded)) == pytest.approx(0, abs=1e-9)
    term = FeatureTerm(TINY.analysis, TINY.analysis, normalised=True)
    for adapter in term.adapters:
        torch.nn.init.dirac_(adapter.weight)
        torch.nn.init.zeros_(adapter.bias)
    assert float(term(recorded, recorded)) == pytest.approx(0, abs=1e-9)


def test_normalised_features_do_not_care_for_a_channels_size(tiny, sampler):
    coded, stages = activations(sampler, tiny)
    recorded = CodecActivations(coded, tuple(torch.randn_like(s) for s in stages))
    louder = CodecActivations(recorded.coded, tuple(s * 100 for s in recorded.stages))
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
    taught = Trainer(settings, teacher_shape(TINY), corpus)
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
    teacher = Teacher(teacher_shape(TINY))
    distiller = Distiller(tiny, teacher, EVERY)
    planes = canonical_planes(sampler.draw(1))
    quality = torch.full((4,), 0.5)
    distiller(tiny(planes, quality), teacher(planes, quality)).backward()
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
    teacher, student = complexity(Teacher(TEACHER_SHAPE)), complexity(Codec(CodecShape()))
    assert teacher["analysis"] > 15 * student["analysis"]
    assert TEACHER_SHAPE.latents == CodecShape().latents
