import downpass.ground.training.loop.soap as soap
import pytest
import torch
from pytorch_optimizer import SOAP
from torch import nn


def trained(optimiser: type[SOAP]) -> tuple[float, torch.Tensor]:
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
    ).to(memory_format=torch.channels_last)
    made = optimiser(
        network.parameters(),
        lr=2e-3,
        betas=(0.95, 0.95),
        weight_decay=0.0,
        precondition_frequency=5,
        max_precondition_dim=32,
    )
    for _ in range(40):
        given = torch.randn(2, 8, 10, 10)
        loss = (network(given) - given[:, :4] * given[:, 4:]).square().mean()
        made.zero_grad()
        loss.backward()
        made.step()
    return loss.item(), torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize(
    ("bfloat16", "of_loss", "of_way"), [(False, 1e-4, 1e-3), (True, 0.01, 0.2)]
)
def test_the_steps_are_the_librarys(monkeypatch, bfloat16, of_loss, of_way):
    monkeypatch.setattr(soap, "has_bfloat16", lambda _device: bfloat16)
    loss, weights = trained(soap.ConvolutionSoap)
    library_loss, library_weights = trained(SOAP)
    assert loss == pytest.approx(library_loss, rel=of_loss)
    moved = (library_weights - trained_by_nothing()).norm()
    assert (weights - library_weights).norm() < of_way * moved


def trained_by_nothing() -> torch.Tensor:
    """Return the weights that `trained` begins with."""

    class Still(SOAP):
        def step(self, closure=None):
            return None

    return trained(Still)[1]
