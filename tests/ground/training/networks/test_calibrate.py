import torch
from downpass.ground.training.data.colour import canonical_planes
from downpass.ground.training.networks.calibrate import put_on_grids, spreads_to_powers_of_two


def test_rounding_to_grids_costs_little(tiny, sampler):
    planes = canonical_planes(sampler.draw(1))
    quality = torch.full((4,), 0.6)
    with torch.no_grad():
        before = tiny(planes, quality)
        put_on_grids(tiny, sampler, batches=2)
        after = tiny(planes, quality)
    change = float((after.bits / before.bits).mean())
    assert 0.9 < change < 1.1
    error = float((after.planes - before.planes).square().mean())
    assert error < 0.2 * float((before.planes - planes).square().mean())


def test_input_scales_become_powers_of_two_and_the_weights_follow(tiny):
    with torch.no_grad():
        tiny.hyper.spread.mul_(1.3).clamp_min_(1.0)
        weight = tiny.hyper.analysis_in.weight / tiny.hyper.spread.view(1, -1, 1, 1)
        spreads_to_powers_of_two(tiny)
    shift = torch.log2(tiny.hyper.spread)
    assert torch.equal(shift, shift.round())
    assert shift.min() >= 0
    scaled = tiny.hyper.analysis_in.weight / tiny.hyper.spread.view(1, -1, 1, 1)
    torch.testing.assert_close(scaled, weight)
