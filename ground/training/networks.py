"""The codec's networks: light analysis and hyper-analysis on board, synthesis on the ground.

    x ── space-to-depth 16 ── 1×1 (PCA start) ──────────────┐
    │                                                       +── y (1/16) ──┬── |y| ── h_a ── ẑ
    └─ s2d 4 ─ block ─ s2d 2 ─ block ─ s2d 2 ─ block ─ 1×1 ─┘              │              │
                                                                           │     log₂σ ── h_s
            k = round((y − μ) · g(q))   μ from coded neighbours  ◄─────────┘
            ŷ = μ + k / g(q)

    ŷ ── 1×1 (transposed PCA) ── depth-to-space 16 ── x_lin ──┬────────────── + ── x̂
                                                              └─ restoration ─┘
                                                                  (1/4, 1/8), sees ŷ and q

Nothing is normalised and nothing depends on the size of a tile. Quality q acts as a gain per
channel alone: analysis and both hyper networks run once a frame at whatever rate. Layer kinds
on board: space-to-depth, 1×1 convolution, depthwise 3×3, ReLU, add.

The linear pair begins as a principal component analysis of training blocks and the nonlinear
branches begin near zero, so training improves a transform that already works.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .context import PHASES, ScaleContext, phase_masks
from .entropy import logistic_bits, round_straight

BLOCK = 16
"""Pixels a side of one latent position."""
KNOTS = 9
"""Qualities that gains are learned at; between them the logarithm is interpolated."""
LOG2_LAMBDA_LOW = -13.0
LOG2_LAMBDA_HIGH = 0.0
"""The range of qualities: λ of bits per pixel + λ · MSE (of 8-bit grey levels)."""


@dataclass(frozen=True, slots=True)
class CodecShape:
    """Widths of the networks: what the complexity follows from.

    Attributes:
        latents: channels of y.
        analysis: channels of the analysis branch at 1/4, 1/8 and 1/16.
        hyper: channels inside the hyper networks.
        side: channels of z.
        predicted: leading channels whose mean is predicted from coded neighbours.
        synthesis: channels of the restoration at 1/4 and 1/8.
        depth: residual blocks of the restoration: at 1/4, at 1/8, at 1/4 again.
    """

    latents: int = 512
    analysis: tuple[int, int, int] = (48, 96, 192)
    hyper: int = 64
    side: int = 12
    predicted: int = 32
    synthesis: tuple[int, int] = (64, 128)
    depth: tuple[int, int, int] = (2, 2, 1)


def space_to_depth(value: Tensor, size: int) -> Tensor:
    """Fold size × size pixels into channels: channel = (c · size + row) · size + column."""
    return functional.pixel_unshuffle(value, size)


def depth_to_space(value: Tensor, size: int) -> Tensor:
    """Undo `space_to_depth`."""
    return functional.pixel_shuffle(value, size)


class SeparableBlock(nn.Module):
    """Depthwise 3×3, ReLU, 1×1, added to the input and rectified."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, value: Tensor) -> Tensor:
        """Return the block's output, the shape of its input, never negative."""
        inner = functional.relu(self.depthwise(value))
        return functional.relu(value + self.pointwise(inner))


class Analysis(nn.Module):
    """The transform on board: grey levels to latents at 1/16, in grey-level units."""

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        fine, middle, coarse = shape.analysis
        self.linear = nn.Conv2d(3 * BLOCK**2, shape.latents, 1)
        self.enter = nn.Conv2d(48, fine, 1)
        self.block_fine = SeparableBlock(fine)
        self.down_middle = nn.Conv2d(4 * fine, middle, 1)
        self.block_middle = SeparableBlock(middle)
        self.down_coarse = nn.Conv2d(4 * middle, coarse, 1)
        self.block_coarse = SeparableBlock(coarse)
        self.leave = nn.Conv2d(coarse, shape.latents, 1)

    def features(self, centred: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the stage outputs at 1/4, 1/8 and 1/16 (what a teacher's are matched to)."""
        value = space_to_depth(centred / 64.0, 4)
        fine = self.block_fine(functional.relu(self.enter(value)))
        middle = functional.relu(self.down_middle(space_to_depth(fine, 2)))
        middle = self.block_middle(middle)
        coarse = functional.relu(self.down_coarse(space_to_depth(middle, 2)))
        return fine, middle, self.block_coarse(coarse)

    def forward(self, levels: Tensor) -> Tensor:
        """Return latents (b, N, h/16, w/16) of grey levels 0…255 (b, 3, h, w)."""
        centred = levels - 128.0
        branch = self.leave(self.features(centred)[2])
        with torch.autocast(levels.device.type, enabled=False):
            # The mean grey level spans thousands of steps: bfloat16 would round it away.
            return self.linear(space_to_depth(centred, BLOCK)) + 16.0 * branch.float()


class Hyper(nn.Module):
    """Side information: how large the latents of a place are, whatever the quality.

    h_a sees magnitudes only, and z is rounded at a fixed step, so z and the log-scales that
    come of it are the same at every quality.
    """

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        self.register_buffer("spread", torch.ones(shape.latents))
        self.spread: Tensor
        self.analysis_in = nn.Conv2d(shape.latents, shape.hyper, 1)
        self.analysis_out = nn.Conv2d(4 * shape.hyper, shape.hyper, 1)
        self.analysis_end = nn.Conv2d(shape.hyper, shape.side, 1)
        self.synthesis_in = nn.Conv2d(shape.side, shape.hyper, 1)
        self.synthesis_mix = nn.Conv2d(shape.hyper, shape.hyper, 3, padding=1, groups=shape.hyper)
        self.synthesis_up = nn.Conv2d(shape.hyper, 4 * shape.hyper, 1)
        self.synthesis_out = nn.Conv2d(shape.hyper, shape.latents, 1)
        self.side_mean = nn.Parameter(torch.zeros(shape.side))
        self.side_log2_scale = nn.Parameter(torch.zeros(shape.side))

    def analyse(self, latents: Tensor) -> Tensor:
        """Return z at 1/32, not yet rounded, of latents whose sides are padded to even."""
        value = latents.abs() / self.spread.view(1, -1, 1, 1)
        value = functional.relu(self.analysis_in(value.clamp_max(16.0)))
        value = functional.pad(value, (0, value.shape[3] % 2, 0, value.shape[2] % 2))
        value = functional.relu(self.analysis_out(space_to_depth(value, 2)))
        return self.analysis_end(value)

    def synthesise(self, side: Tensor, rows: int, columns: int) -> Tensor:
        """Return log₂ of each latent's scale, in grey-level units, on rows × columns."""
        value = functional.relu(self.synthesis_in(side))
        value = functional.relu(self.synthesis_mix(value) + value)
        value = functional.relu(depth_to_space(self.synthesis_up(value), 2))
        result: Tensor = self.synthesis_out(value[:, :, :rows, :columns])
        return result

    def side_bits(self, side: Tensor) -> Tensor:
        """Return the bits of each value of z."""
        mean = self.side_mean.view(1, -1, 1, 1)
        return logistic_bits(side - mean, self.side_log2_scale.view(1, -1, 1, 1))


class Neighbours(nn.Module):
    """Means of the leading latents, predicted from neighbours that are already coded.

    Positions are coded in four phases (`PHASES`); the first has no neighbours and mean zero.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.weight = nn.Parameter(torch.zeros(len(PHASES) * channels, channels, 3, 3))
        self.register_buffer("masks", phase_masks())
        self.masks: Tensor
        with torch.no_grad():  # the mean grey level begins as its coded neighbours' mean
            for phase in range(1, len(PHASES)):
                nearest = self.masks[phase].clone()
                if phase > 1:
                    nearest[::2, ::2] = 0
                self.weight[phase * channels, 0] = 0.9 * nearest / nearest.sum()

    def forward(self, decoded: Tensor) -> Tensor:
        """Return means (b, channels, h, w) of decoded latents (b, channels, h, w)."""
        means = torch.zeros_like(decoded)
        for phase, (row, column) in enumerate(PHASES[1:], start=1):
            first = phase * self.channels
            weight = self.weight[first : first + self.channels] * self.masks[phase]
            padded = functional.pad(decoded, (1, 1, 1, 1))[:, :, row:, column:]
            means[:, :, row::2, column::2] = functional.conv2d(padded, weight, stride=2)[
                :, :, : (decoded.shape[2] - row + 1) // 2, : (decoded.shape[3] - column + 1) // 2
            ]
        return means


class KnotTable(nn.Module):
    """A value per channel as a function of quality: linear between learned knots."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.zeros(KNOTS, channels))

    def forward(self, quality: Tensor) -> Tensor:
        """Return (b, channels) at qualities (b,) in 0…1."""
        place = quality.clamp(0, 1) * (KNOTS - 1)
        low = place.floor().clamp(max=KNOTS - 2).long()
        share = (place - low).unsqueeze(1)
        return self.values[low] * (1 - share) + self.values[low + 1] * share


class ResidualBlock(nn.Module):
    """ReLU, 3×3 with a bias that knows the quality, ReLU, 3×3, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bias = KnotTable(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, value: Tensor, quality: Tensor) -> Tensor:
        """Return the block's output, the shape of its input."""
        inner = self.first(functional.relu(value)) + self.bias(quality)[:, :, None, None]
        result: Tensor = value + self.second(functional.relu(inner))
        return result


class Synthesis(nn.Module):
    """The transform on the ground: latents of a whole frame to grey levels."""

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        fine, coarse = shape.synthesis
        self.linear = nn.Conv2d(shape.latents, 3 * BLOCK**2, 1)
        self.register_buffer("spread", torch.ones(shape.latents))
        self.spread: Tensor
        self.latent_in = nn.Conv2d(shape.latents, 4 * coarse, 1)
        self.enter = nn.Conv2d(48, fine, 3, padding=1)
        before, below, after = shape.depth
        self.before = nn.ModuleList(ResidualBlock(fine) for _ in range(before))
        self.down = nn.Conv2d(4 * fine, coarse, 1)
        self.below = nn.ModuleList(ResidualBlock(coarse) for _ in range(below))
        self.up = nn.Conv2d(coarse, 4 * fine, 1)
        self.after = nn.ModuleList(ResidualBlock(fine) for _ in range(after))
        self.leave = nn.Conv2d(fine, 48, 3, padding=1)

    def forward(self, latents: Tensor, quality: Tensor) -> Tensor:
        """Return grey levels (b, 3, h, w), neither rounded nor clipped, of decoded latents."""
        with torch.autocast(latents.device.type, enabled=False):
            linear = depth_to_space(self.linear(latents), BLOCK) + 128.0
        seen = (space_to_depth(linear, 4).clamp(0, 255) - 128.0) / 64.0
        value = self.enter(seen)
        for block in self.before:
            value = block(value, quality)
        hint = self.latent_in((latents / self.spread.view(1, -1, 1, 1)).clamp(-8, 8))
        inner = self.down(space_to_depth(value, 2)) + depth_to_space(hint, 2)
        for block in self.below:
            inner = block(inner, quality)
        value = value + depth_to_space(self.up(inner), 2)
        for block in self.after:
            value = block(value, quality)
        correction = depth_to_space(self.leave(functional.relu(value)), 4)
        return linear + 64.0 * correction.float()


@dataclass(frozen=True, slots=True)
class Coded:
    """What one forward pass gives.

    Attributes:
        levels: decoded grey levels (b, 3, h, w), neither rounded nor clipped.
        bits: of each sample, latents and side information (b,).
        side_bits: the side information's share of them (b,).
        latents: y, as analysed.
        decoded: ŷ.
        latent_bits: of every latent.
    """

    levels: Tensor
    bits: Tensor
    side_bits: Tensor
    latents: Tensor
    decoded: Tensor
    latent_bits: Tensor


class Codec(nn.Module):
    """Analysis, entropy model and synthesis as they are trained together."""

    def __init__(self, shape: CodecShape | None = None) -> None:
        super().__init__()
        self.shape = shape or CodecShape()
        self.analysis = Analysis(self.shape)
        self.hyper = Hyper(self.shape)
        self.gain = KnotTable(self.shape.latents)
        self.neighbours = Neighbours(self.shape.predicted)
        self.context = ScaleContext(self.shape.latents)
        self.synthesis = Synthesis(self.shape)

    def forward(self, levels: Tensor, quality: Tensor) -> Coded:
        """Code a batch at these qualities.

        In training, bits are counted with uniform noise in place of rounding and pixels are
        decoded from rounded latents with straight-through gradients; in evaluation both are
        rounded.

        Args:
            levels: grey levels 0…255 (b, 3, h, w); sides are multiples of 16.
            quality: of each sample (b,), 0…1.
        """
        latents = self.analysis(levels)
        side = self.hyper.analyse(latents)
        with torch.autocast(levels.device.type, enabled=False):
            side = side.float()
            rounded_side = round_straight(side)
            counted_side = side + torch.rand_like(side) - 0.5 if self.training else rounded_side
            side_bits = self.hyper.side_bits(counted_side).sum(dim=(1, 2, 3))
        log2_scale = self.hyper.synthesise(rounded_side, latents.shape[2], latents.shape[3])
        with torch.autocast(levels.device.type, enabled=False):
            log2_gain = self.gain(quality)[:, :, None, None]
            gain, step = torch.exp2(log2_gain), torch.exp2(-log2_gain)
            predicted = self.shape.predicted
            # What the neighbours decode to, but for the means' effect on their rounding.
            coarse = round_straight(latents[:, :predicted] * gain[:, :predicted])
            means = self.neighbours(coarse * step[:, :predicted])
            centred = torch.cat((latents[:, :predicted] - means, latents[:, predicted:]), dim=1)
            scaled = centred * gain
            symbols = round_straight(scaled)
            counted = scaled + torch.rand_like(scaled) - 0.5 if self.training else symbols
            expected = log2_scale.float() + log2_gain
            correction = self.context(symbols, expected)
            latent_bits = logistic_bits(counted, expected + correction)
            decoded = symbols * step
            decoded = torch.cat((decoded[:, :predicted] + means, decoded[:, predicted:]), dim=1)
        out = self.synthesis(decoded, quality)
        bits = latent_bits.sum(dim=(1, 2, 3)) + side_bits
        return Coded(out, bits, side_bits, latents, decoded, latent_bits)


def quality_of_lambda(log2_lambda: Tensor) -> Tensor:
    """Return the quality 0…1 that a rate-distortion slope asks for."""
    return (log2_lambda - LOG2_LAMBDA_LOW) / (LOG2_LAMBDA_HIGH - LOG2_LAMBDA_LOW)


def lambda_of_quality(quality: Tensor) -> Tensor:
    """Return the rate-distortion slope λ of a quality 0…1."""
    return torch.exp2(LOG2_LAMBDA_LOW + quality * (LOG2_LAMBDA_HIGH - LOG2_LAMBDA_LOW))
