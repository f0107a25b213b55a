"""The networks and searches of the studies in benchmarks/ that docs/codec.md reports."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from downpass.ground.training.loop.rd_curve import RdCurve
from torch import Tensor
from torch.nn import functional

ROOT = Path(__file__).parents[1]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def students() -> ModuleType:
    return load("reference_students")


@pytest.fixture(scope="module")
def search() -> ModuleType:
    return load("latent_bottleneck")


def test_the_halves_of_a_checkerboard_are_joined_to_what_they_were(students: ModuleType) -> None:
    value = torch.arange(2 * 3 * 4 * 6.0).reshape(2, 3, 4, 6)
    first, second = students.halves(value)
    assert torch.equal(students.joined(first, second), value)
    board = students.joined(torch.zeros_like(first), torch.ones_like(second))
    assert board[0, 0, :2, :4].tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]]


def test_a_dynamic_convolution_weighs_each_neighbourhood_by_its_own_kernel(
    students: ModuleType,
) -> None:
    torch.manual_seed(1)
    layer = students.LSConv(32)
    value = torch.randn(2, 32, 5, 7)
    inner = functional.relu(layer.mix(layer.large(functional.relu(layer.enter(value)))))
    kernels = layer.norm(layer.leave(inner)).view(2, 1, 9, 4, 35)
    neighbours = functional.unfold(value, 3, padding=1).view(2, 8, 4, 9, 35).transpose(2, 3)
    expected = value + (neighbours * kernels).sum(dim=2).reshape(value.shape)
    torch.testing.assert_close(layer(value), expected)


@torch.no_grad()
def test_scales_follow_from_what_is_decoded_before(students: ModuleType) -> None:
    """A changed latent changes no scale that is needed before it is decoded."""
    torch.manual_seed(2)
    codec = students.RsLlic(students.CodecShape()).eval()
    latents = 100 * torch.randn(1, students.LATENTS, 8, 8)
    features = torch.randn(1, 2 * students.LATENTS, 8, 8)
    gain, quality = torch.zeros(1, students.LATENTS, 1, 1), torch.full((1,), 0.5)

    def scales(value: Tensor) -> Tensor:
        return torch.cat([p[3] for p in codec._groups(value, features, gain, quality)], dim=1)

    before = scales(latents)
    group = slice(16, 32)  # the second
    for row, column, same_half in ((3, 3, True), (3, 4, False)):
        changed = latents.clone()
        changed[:, group, row, column] += 500.0
        moved = (scales(changed) != before)[0]
        assert not moved[:16].any()
        assert moved[32:].any()
        board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 == 0
        assert not moved[group][:, board].any()
        assert bool(moved[group][:, ~board].any()) == same_half


def test_the_reference_has_the_operations_that_were_counted_of_it(students: ModuleType) -> None:
    codec = students.RsLlic(students.CodecShape())
    onboard, decoder = students.kmac(codec, 64)
    assert onboard == pytest.approx(32.3 + 46.0, rel=0.01)
    assert decoder == pytest.approx(students.kmac(students.Codec())[1], rel=0.02)


def test_descent_never_costs_more_than_the_encoders_latents(search: ModuleType) -> None:
    torch.manual_seed(3)
    shipped, codec = search.ShippedIntegers(), search.frozen_codec()
    pixels = (torch.rand(64, 64, 3) * 60 + 90).to(torch.uint8).numpy()
    picture = search.HeldOutPicture("noise", "noise", pixels, RdCurve((), ()))
    crop = search.Crop.of(picture, 64)
    jobs = [search.Job(crop, q, shipped.latents(crop), s) for q, s in ((96, 0.01), (144, 0.1))]
    batch = search.Batch(codec.eval(), jobs)
    begun = batch.tried(batch.latents)
    ended = search.descended(batch, batch.latents)
    assert torch.all(ended.cost <= begun.cost)
    assert torch.any(ended.cost < begun.cost)
    assert not torch.equal(ended.symbols, begun.symbols)


def test_rates_are_compared_at_equal_quality(search: ModuleType) -> None:
    """A codec whose log-rate is quadratic in PSNR, and one that needs a tenth less everywhere."""

    def rater(_crop: object, latents: Tensor, quality: int) -> tuple[float, float]:
        db = 20 + quality / 8 + float(latents)  # what the latents add moves along the curve
        return float(torch.exp(torch.tensor(0.1 * db + 0.002 * db**2))) * factor, db

    crop = search.Crop("one", None, None, None)
    factor = 1.0
    own = torch.tensor(0.0)
    reference = search.Reference(rater, [(crop, own)])
    job = search.Job(crop, 128, own, 1.0)
    for moved in (0.0, 0.3, -0.5):
        factor = 1.0
        assert reference.change(job, torch.tensor(moved)) == pytest.approx(0, abs=1e-5)
        factor = 0.9
        change = reference.change(job, torch.tensor(moved))
        assert search.percent_by_crop([job], [change])["one"] == pytest.approx(-10, abs=1e-3)
    # d rate / d error, from log rate = 0.1 db + 0.002 db² at 36 dB and error = 255² · 10^(-db / 10)
    rate, _ = rater(crop, own, 128)
    error = 255**2 / 10**3.6
    expected = rate * (0.1 + 0.004 * 36) / (error * 0.2302585)
    factor = 1.0
    assert search.Reference(rater, [(crop, own)]).slope(crop, 128) * 0.9 == pytest.approx(expected)
