import downpass.ground.training.loop.soap as soap
import pytest
import torch
from pytorch_optimizer import SOAP
from torch import nn


def trained(optimiser: type[SOAP], dtype: torch.dtype) -> tuple[float, torch.Tensor]:
    """Return the last loss and the weights of a small network after 40 steps.

    It has 3x3, 1x1 and depthwise convolutions, and one with too many inputs for a basis.
    """
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 40, 1),
        nn.ReLU(),
        nn.Conv2d(40, 40, 3, padding=1, groups=40),
        nn.Conv2d(40, 4, (1, 3), padding=(0, 1)),
    ).to(dtype=dtype, memory_format=torch.channels_last)
    made = optimiser(
        network.parameters(),
        lr=2e-3,
        betas=(0.95, 0.95),
        weight_decay=0.0,
        precondition_frequency=5,
        max_precondition_dim=32,
    )
    for _ in range(40):
        given = torch.randn(2, 8, 10, 10, dtype=dtype)
        loss = (network(given) - given[:, :4] * given[:, 4:]).square().mean()
        made.zero_grad()
        loss.backward()
        made.step()
    return loss.item(), torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize(
    ("dtype", "bfloat16", "of_loss", "of_way"),
    # In float32 the two drift apart by rounding: by 0.01 to 1 % of the way, by processor.
    [(torch.float64, False, 1e-9, 1e-9), (torch.float32, True, 0.01, 0.2)],
)
def test_the_steps_are_the_librarys(monkeypatch, dtype, bfloat16, of_loss, of_way):
    monkeypatch.setattr(soap, "has_bfloat16", lambda _device: bfloat16)
    loss, weights = trained(soap.ConvolutionSoap, dtype)
    library_loss, library_weights = trained(SOAP, dtype)
    assert loss == pytest.approx(library_loss, rel=of_loss)
    moved = (library_weights - trained_by_nothing(dtype)).norm()
    assert (weights - library_weights).norm() < of_way * moved


def trained_by_nothing(dtype: torch.dtype) -> torch.Tensor:
    """Return the weights that `trained` begins with."""

    class Still(SOAP):
        def step(self, closure=None):
            return None

    return trained(Still, dtype)[1]
