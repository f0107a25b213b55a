"""The networks and searches of the studies in benchmarks/ that docs/codec-studies.md reports."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from downpass.ground.training.loop.held_out import HeldOutPicture
from downpass.ground.training.loop.rd_curve import RdCurve
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.shape import CodecShape
from torch import Tensor
from torch.nn import functional

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def study() -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module of benchmarks/, from where Python looks when a study is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module


@pytest.fixture(scope="module")
def rs_llic(study: Callable[[str], ModuleType]) -> ModuleType:
    return study("rs_llic")


@pytest.fixture(scope="module")
def students(study: Callable[[str], ModuleType]) -> ModuleType:
    return study("reference_students")


@pytest.fixture(scope="module")
def rates(study: Callable[[str], ModuleType]) -> ModuleType:
    return study("latent_rates")


@pytest.fixture(scope="module")
def search(study: Callable[[str], ModuleType]) -> ModuleType:
    return study("latent_search")


def test_the_halves_of_a_checkerboard_are_joined_to_what_they_were(rs_llic: ModuleType) -> None:
    value = torch.arange(2 * 3 * 4 * 6.0).reshape(2, 3, 4, 6)
    first, second = rs_llic.halves(value)
    assert torch.equal(rs_llic.joined(first, second), value)
    board = rs_llic.joined(torch.zeros_like(first), torch.ones_like(second))
    assert board[0, 0, :2, :4].tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]]


def test_a_dynamic_convolution_weighs_each_neighbourhood_by_its_own_kernel(
    rs_llic: ModuleType,
) -> None:
    torch.manual_seed(1)
    layer = rs_llic.LSConv(32)
    value = torch.randn(2, 32, 5, 7)
    inner = functional.relu(layer.mix(layer.large(functional.relu(layer.enter(value)))))
    kernels = layer.norm(layer.leave(inner)).view(2, 1, 9, 4, 35)
    neighbours = functional.unfold(value, 3, padding=1).view(2, 8, 4, 9, 35).transpose(2, 3)
    expected = value + (neighbours * kernels).sum(dim=2).reshape(value.shape)
    torch.testing.assert_close(layer(value), expected)


@torch.no_grad()
def test_scales_follow_from_what_is_decoded_before(rs_llic: ModuleType) -> None:
    """A changed latent changes no scale that is needed before it is decoded."""
    torch.manual_seed(2)
    codec = rs_llic.RsLlic(CodecShape()).eval()
    latents = 100 * torch.randn(1, rs_llic.LATENTS, 8, 8)
    features = torch.randn(1, 2 * rs_llic.LATENTS, 8, 8)
    gain, quality = torch.zeros(1, rs_llic.LATENTS, 1, 1), torch.full((1,), 0.5)

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


def test_the_reference_has_the_operations_that_were_counted_of_it(
    rs_llic: ModuleType, students: ModuleType
) -> None:
    codec = rs_llic.RsLlic(CodecShape())
    onboard, decoder = students.kmac(codec, 64)
    assert onboard == pytest.approx(32.3 + 46.0, rel=0.01)
    assert decoder == pytest.approx(students.kmac(Codec())[1], rel=0.02)


def test_descent_never_costs_more_than_the_encoders_latents(
    rates: ModuleType, search: ModuleType
) -> None:
    torch.manual_seed(3)
    shipped, codec = rates.ShippedIntegers(), rates.frozen_codec()
    pixels = (torch.rand(64, 64, 3) * 60 + 90).to(torch.uint8).numpy()
    picture = HeldOutPicture("noise", "noise", pixels, RdCurve((), ()))
    crop = rates.HeldOutCrop.of(picture, 64)
    cases = [
        rates.CropAtQuality(crop, quality, shipped.latents(crop), slope)
        for quality, slope in ((96, 0.01), (144, 0.1))
    ]
    batch = search.Batch(codec.eval(), cases)
    begun = batch.tried(batch.latents)
    ended = search.descended(batch, batch.latents)
    assert torch.all(ended.cost <= begun.cost)
    assert torch.any(ended.cost < begun.cost)
    assert not torch.equal(ended.symbols, begun.symbols)


def test_rates_are_compared_at_equal_quality(rates: ModuleType) -> None:
    """A codec whose log-rate is quadratic in PSNR, and one that needs a tenth less everywhere."""

    def rater(_crop: object, latents: Tensor, quality: int) -> tuple[float, float]:
        db = 20 + quality / 8 + float(latents)  # what the latents add moves along the curve
        return float(torch.exp(torch.tensor(0.1 * db + 0.002 * db**2))) * factor, db

    crop = rates.HeldOutCrop("one", None, None, None)
    factor = 1.0
    own = torch.tensor(0.0)
    curves = rates.EncoderCurves(rater, [(crop, own)])
    case = rates.CropAtQuality(crop, 128, own, 1.0)
    for moved in (0.0, 0.3, -0.5):
        factor = 1.0
        assert curves.change(case, torch.tensor(moved)) == pytest.approx(0, abs=1e-5)
        factor = 0.9
        change = curves.change(case, torch.tensor(moved))
        assert rates.percent_by_crop([case], [change])["one"] == pytest.approx(-10, abs=1e-3)
    # d rate / d error, from log rate = 0.1 db + 0.002 db² at 36 dB and error = 255² · 10^(-db / 10)
    rate, _ = rater(crop, own, 128)
    error = 255**2 / 10**3.6
    expected = rate * (0.1 + 0.004 * 36) / (error * 0.2302585)
    assert curves.slope(crop, 128) * 0.9 == pytest.approx(expected)
