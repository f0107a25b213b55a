"""RS-LLIC's student (IEEE TGRS 64, 2026, 5610213), written anew from a description of its layers.

    x ─ conv5 ↓2 ─ 2 LSConv ─ conv3 ↓2 ─ 2 LSConv ─ conv3 ↓2 ─ 2 LSConv ─ conv3 ↓2 ─ y (320, 1/16)
    y ─ h_a ─ ẑ (128, 1/64) ─ h_s ─┐
    ŷ of earlier groups ─ conv5s ──┼─ 1x1s ─ means and scales of a group of channels
    ŷ of the group's first half ───┘

The groups have 16, 16, 32, 64 and 192 channels, and each is coded in two halves of a checkerboard
(ELIC: He et al., arXiv 2203.10886). An LSConv (LSNet: Wang et al., arXiv 2503.23135) computes a
3x3 kernel for every position from 7x7 pixels around it; it is written in plain operations.
Gains for each channel make one model for all rates, as in ours. The decoder is ELIC's, with as many
operations as ours. `reference_students.py` trains it and compares it with ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from downpass.ground.training.data.augment import CropSampler
from downpass.ground.training.data.colour import canonical_planes
from downpass.ground.training.networks.codec import Coded
from downpass.ground.training.networks.layers import KnotTable
from downpass.ground.training.networks.logistic_prior import logistic_bits
from downpass.ground.training.networks.shape import KNOTS, PIXEL_GAIN, CodecShape, lambda_of_quality
from downpass.ground.training.networks.straight_through import round_straight, with_gradient_of
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 128
LATENTS = 320
GROUPS = (16, 16, 32, 64, 192)
DECODER_WIDTH = 72
"""Channels of the decoder: with 72, it has as many operations as our student's."""
LATENT_SCALE = 128.0
"""Standard deviation of the latents when training begins, as that of grey-level transforms."""


class LSConv(nn.Module):
    """LSNet's block: a 3x3 kernel for each position, from a 7x7 neighbourhood; added to its input.

    Args:
        channels: Channels of input and output.
        groups: Channels that share each of the kernels.
    """

    def __init__(self, channels: int, groups: int = 8) -> None:
        super().__init__()
        half, kernels = channels // 2, channels // groups
        self.kernels = kernels
        self.enter = nn.Conv2d(channels, half, 1)
        self.large = nn.Conv2d(half, half, 7, padding=3, groups=half)
        self.mix = nn.Conv2d(half, half, 1)
        self.leave = nn.Conv2d(half, 9 * kernels, 1)
        self.norm = nn.GroupNorm(kernels, 9 * kernels)

    def forward(self, value: Tensor) -> Tensor:
        """Return the shape of the input."""
        inner = functional.relu(self.mix(self.large(functional.relu(self.enter(value)))))
        batch, channels, rows, columns = value.shape
        shape = (batch, rows, columns, -1, self.kernels)  # channels last: neighbours in memory
        weights = self.norm(self.leave(inner)).permute(0, 2, 3, 1).float().reshape(shape)
        padded = functional.pad(value, (1, 1, 1, 1)).permute(0, 2, 3, 1).float()
        padded = padded.reshape(batch, rows + 2, columns + 2, -1, self.kernels)
        total = torch.zeros_like(padded[:, :rows, :columns])
        for tap in range(9):
            row, column = divmod(tap, 3)
            near = padded[:, row : row + rows, column : column + columns]
            total = torch.addcmul(total, near, weights[:, :, :, tap, None])
        out = total.reshape(batch, rows, columns, channels).permute(0, 3, 1, 2)
        return value + out


class LightAnalysis(nn.Sequential):
    """g_a of RS-LLIC's student: planes (b, 3, h, w) to 320 channels at 1/16."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 5, stride=2, padding=2)]
        for width in (WIDTH, WIDTH, LATENTS):
            layers += [LSConv(WIDTH), LSConv(WIDTH)]
            layers.append(nn.Conv2d(WIDTH, width, 3, stride=2, padding=1))
        super().__init__(*layers)


class Bottleneck(nn.Module):
    """ELIC's residual block: 1x1, 3x3, 1x1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.layers = nn.Sequential(
            nn.Conv2d(channels, half, 1),
            nn.ReLU(),
            nn.Conv2d(half, half, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(half, channels, 1),
        )

    def forward(self, value: Tensor) -> Tensor:
        """Return the shape of the input."""
        result: Tensor = value + self.layers(value)
        return result


def doubled(channels: int, width: int) -> nn.ConvTranspose2d:
    """Return a transposed 5x5 convolution that doubles the sides."""
    return nn.ConvTranspose2d(channels, width, 5, stride=2, padding=2, output_padding=1)


class ElicSynthesis(nn.Module):
    """ELIC's g_s without its attention; the quality acts through biases."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = doubled(LATENTS, DECODER_WIDTH)
        self.bias = KnotTable(DECODER_WIDTH)
        layers: list[nn.Module] = []
        for width in (DECODER_WIDTH, DECODER_WIDTH, 3):
            layers += [Bottleneck(DECODER_WIDTH) for _ in range(3)]
            layers.append(doubled(DECODER_WIDTH, width))
        self.layers = nn.Sequential(*layers)

    def forward(self, latents: Tensor, quality: Tensor) -> Tensor:
        """Return planes (b, 3, h, w) of decoded latents ŷ."""
        value = self.enter(latents / LATENT_SCALE) + self.bias(quality)[:, :, None, None]
        result: Tensor = PIXEL_GAIN * self.layers(value).float()
        return result


class HyperPrior(nn.Module):
    """h_a and h_s, with a logistic distribution for each channel of ẑ at 1/64."""

    def __init__(self) -> None:
        super().__init__()
        self.analysis = nn.Sequential(
            nn.Conv2d(LATENTS, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 5, stride=2, padding=2),
        )
        self.synthesis = nn.Sequential(
            doubled(WIDTH, WIDTH),
            nn.ReLU(),
            doubled(WIDTH, WIDTH * 3 // 2),
            nn.ReLU(),
            nn.Conv2d(WIDTH * 3 // 2, 2 * LATENTS, 3, padding=1),
        )
        self.side_mean = nn.Parameter(torch.zeros(WIDTH))
        self.side_log2_scale = nn.Parameter(torch.zeros(WIDTH))

    def side_bits(self, side: Tensor, *, fixed: bool) -> Tensor:
        """Return the bits of each value; `fixed`: the distribution gets no gradient."""
        mean, scale = (
            (value.detach() if fixed else value).view(1, -1, 1, 1)
            for value in (self.side_mean, self.side_log2_scale)
        )
        return logistic_bits(side - mean, scale)


def halves(value: Tensor) -> Tensor:
    """Return the two halves of a checkerboard (2, b, c, h, w / 2), of (b, c, h, w)."""
    even, odd = value[:, :, 0::2], value[:, :, 1::2]
    first = torch.stack((even[..., 0::2], odd[..., 1::2]), dim=3)
    second = torch.stack((even[..., 1::2], odd[..., 0::2]), dim=3)
    return torch.stack((first, second)).flatten(3, 4)


def joined(first: Tensor, second: Tensor) -> Tensor:
    """Undo `halves`."""
    a, b = first.unflatten(2, (-1, 2)), second.unflatten(2, (-1, 2))
    even = torch.stack((a[:, :, :, 0], b[:, :, :, 0]), dim=4).flatten(3, 4)
    odd = torch.stack((b[:, :, :, 1], a[:, :, :, 1]), dim=4).flatten(3, 4)
    return torch.stack((even, odd), dim=3).flatten(2, 3)


class GroupContext(nn.Module):
    """Means and scales of a group of channels: from ẑ, earlier groups, and its first half.

    Args:
        before: Channels of earlier groups.
        channels: Channels of the group.
    """

    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.across = (
            nn.Sequential(
                nn.Conv2d(before, 224, 5, padding=2),
                nn.ReLU(),
                nn.Conv2d(224, 128, 5, padding=2),
                nn.ReLU(),
                nn.Conv2d(128, 2 * channels, 5, padding=2),
            )
            if before
            else None
        )
        self.around = nn.Conv2d(channels, 2 * channels, 5, padding=2)
        taken = 2 * LATENTS + 2 * channels * (2 if before else 1) + 1
        self.merge = nn.Sequential(
            nn.Conv2d(taken, 288, 1),
            nn.ReLU(),
            nn.Conv2d(288, 256, 1),
            nn.ReLU(),
            nn.Conv2d(256, 2 * channels, 1),
        )


class RsLlic(nn.Module):
    """RS-LLIC's student with gains for all rates; it has the interface of `networks.codec.Codec`.

    Attributes:
        shape: Not its own: the shape that a checkpoint needs.
    """

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        self.shape = shape
        self.analysis = LightAnalysis()
        self.hyper = HyperPrior()
        self.gain = KnotTable(LATENTS)
        self.groups = nn.ModuleList(
            GroupContext(sum(GROUPS[:i]), channels) for i, channels in enumerate(GROUPS)
        )
        self.synthesis = ElicSynthesis()

    on_grids = False

    @torch.no_grad()
    def begin(self, sampler: CropSampler) -> None:
        """Scale the latents to `LATENT_SCALE`, and the gains to the steps that each λ asks for."""
        planes = torch.cat([canonical_planes(sampler.draw(0x40000000 + i)) for i in range(4)])
        latents = self.analysis(planes / PIXEL_GAIN)
        last = self.analysis[-1]
        spread = latents.std(dim=(0, 2, 3))
        last.weight.div_(spread[:, None, None, None])
        last.bias.sub_(latents.mean(dim=(0, 2, 3))).div_(spread)
        slope = lambda_of_quality(torch.linspace(0, 1, KNOTS))
        step = torch.sqrt(18.0 / (slope * math.log(2.0)))
        self.gain.values.copy_(-torch.log2(step)[:, None].expand_as(self.gain.values))

    def forward(self, planes: Tensor, quality: Tensor) -> Coded:
        """Code a batch at these qualities; see `networks.codec.Codec.forward`."""
        latents = LATENT_SCALE * self.analysis(planes / PIXEL_GAIN).float()
        rows, columns = latents.shape[2:]
        padded = functional.pad(latents, (0, -columns % 4, 0, -rows % 4))
        side = self.hyper.analysis(padded / LATENT_SCALE).float()
        rounded = round_straight(side)
        side_bits = self.hyper.side_bits(rounded.detach(), fixed=False)
        if self.training:
            noisy = side + torch.rand_like(side) - 0.5
            side_bits = with_gradient_of(side_bits, self.hyper.side_bits(noisy, fixed=True))
        log2_gain = self.gain(quality)[:, :, None, None]
        parts = list(self._groups(padded, self.hyper.synthesis(rounded), log2_gain, quality))
        decoded, bits, symbols, scales = (
            torch.cat(one, dim=1)[:, :, :rows, :columns] for one in zip(*parts, strict=True)
        )
        side_total = side_bits.sum(dim=(1, 2, 3))
        total = bits.sum(dim=(1, 2, 3)) + side_total
        out = self.synthesis(decoded, quality)
        return Coded(total, side_total, latents, decoded, bits, symbols, scales, out)

    def _groups(
        self, latents: Tensor, features: Tensor, log2_gain: Tensor, quality: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Yield decoded latents, bits, symbols and log₂ scales of each group, in coding order."""
        before = torch.zeros_like(latents[:, :0])
        level = quality.view(-1, 1, 1, 1).expand(-1, 1, *latents.shape[2:])
        for channels, group in zip(latents.split(GROUPS, dim=1), self.groups, strict=True):
            count = channels.shape[1]
            first = before.shape[1]
            gains = log2_gain[:, first : first + count]
            known = [features, level]
            if group.across is not None:
                known.append(group.across(before / LATENT_SCALE))
            known_halves = halves(torch.cat([one.float() for one in known], dim=1))
            value = halves(channels)
            nothing = torch.zeros_like(value[0]).repeat(1, 2, 1, 1)
            one = self._half(group, known_halves[0], nothing, value[0], gains)
            seen = joined(one[0], torch.zeros_like(one[0]))
            around = halves(group.around(seen / LATENT_SCALE).float())[1]
            two = self._half(group, known_halves[1], around, value[1], gains)
            decoded, bits, symbols, scales = (joined(a, b) for a, b in zip(one, two, strict=True))
            before = torch.cat((before, decoded), dim=1)
            yield decoded, bits, symbols, scales

    def _half(
        self, group: nn.Module, known: Tensor, around: Tensor, value: Tensor, log2_gain: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Code half a group's positions: decoded latents, bits, symbols, log₂ scales in steps."""
        merged = group.merge(torch.cat((known, around), dim=1)).float()
        mean, log2_scale = merged.chunk(2, dim=1)
        mean, log2_scale = LATENT_SCALE * mean, log2_scale + math.log2(LATENT_SCALE) + log2_gain
        scaled = (value - mean) * torch.exp2(log2_gain)
        symbols = round_straight(scaled)
        bits = logistic_bits(symbols.detach(), log2_scale)
        if self.training:
            noisy = scaled + torch.rand_like(scaled) - 0.5
            bits = with_gradient_of(bits, logistic_bits(noisy, log2_scale.detach()))
        return mean + symbols * torch.exp2(-log2_gain), bits, symbols, log2_scale
