import pytest
import torch
from downpass.ground.training.networks.calibrate import calibrate
from downpass.ground.training.networks.quantise import EXACT, Grid, GridConv
from hypothesis import given
from hypothesis import strategies as st


@given(
    value=st.floats(-1e4, 1e4, width=32),
    fraction=st.integers(0, 10),
    bits=st.integers(2, 14),
    signed=st.booleans(),
)
def test_a_grid_rounds_half_up_and_clips(value, fraction, bits, signed):
    grid = Grid(bits, signed=signed, fraction=fraction)
    grid.switch_on()
    got = float(grid(torch.tensor([value]))) * 2**fraction
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    assert got == int(got)
    assert low <= got <= high
    if low < value * 2**fraction < high:
        assert -0.5 <= got - value * 2**fraction <= 0.5


def test_ties_go_up():
    grid = Grid(8, signed=True, fraction=1)
    grid.switch_on()
    got = grid(torch.tensor([0.25, 0.75, -0.25, -0.75]))
    assert got.tolist() == [0.5, 1.0, 0.0, -0.5]


def test_before_it_is_on_an_unsigned_grid_rectifies():
    values = torch.tensor([-1.3, 0.4])
    assert Grid()(values).tolist() == pytest.approx([0.0, 0.4])
    assert Grid(signed=True)(values).tolist() == pytest.approx([-1.3, 0.4])


def test_gradients_pass_inside_the_range_only():
    grid = Grid(4, fraction=0)
    grid.switch_on()
    values = torch.tensor([3.3, 20.0], requires_grad=True)
    grid(values).sum().backward()
    assert values.grad.tolist() == [1.0, 0.0]


def test_calibrated_weights_are_eight_bit_and_within_the_bound():
    torch.manual_seed(0)
    grid = Grid(8, signed=True, fraction=4)
    layer = GridConv(130, 5, 3, padding=1, reads=grid)
    with torch.no_grad():
        layer.weight[0] = 0.7  # flat: 127 everywhere would sum to 130 · 9 · 127 · 128 > 2^24
    network = torch.nn.Sequential(grid, layer)
    calibrate(network, lambda: network(torch.randn(1, 130, 4, 4)))
    integers = layer.weight_on_grid() * torch.exp2(layer.weight_fraction).view(-1, 1, 1, 1)
    assert torch.equal(integers, integers.round())
    assert integers.abs().max() <= 127
    assert integers[1].abs().max() >= 64
    assert (128 * integers.abs().sum(dim=(1, 2, 3))).max() < EXACT
    assert integers[0].abs().max() < 64


def test_sums_of_integers_on_grids_do_not_depend_on_their_order():
    torch.manual_seed(1)
    grid = Grid(8, fraction=3)
    layer = GridConv(256, 8, 1, reads=grid)
    network = torch.nn.Sequential(grid, layer)
    data = torch.rand(1, 256, 8, 8) * 40
    calibrate(network, lambda: network(data))
    order = torch.randperm(256)
    shuffled = torch.nn.functional.conv2d(
        grid(data)[:, order], layer.weight_on_grid()[:, order], layer.bias_on_grid()
    )
    assert torch.equal(network(data), shuffled)
