"""The codec's networks: light analysis and hyper-analysis on board, synthesis on the ground.

    x ── space-to-depth 16 ── 1x1 (PCA start) ──────────────┐
    │                                                       +── y (1/16) ──┬── |y| ── h_a ── ẑ
    └─ s2d 4 ─ block ─ s2d 2 ─ block ─ s2d 2 ─ block ─ 1x1 ─┘              │              │
                                                                           │     log₂s ── h_s
            k = round((y - μ) · g(q))   μ from coded neighbours  ◄─────────┘
            ŷ = μ + k / g(q)

    ŷ ── 1x1 (transposed PCA) ── depth-to-space 16 ── x_lin ──┬────────────── + ── x̂
                                                              └─ restoration ─┘
                                                                  (1/4, 1/8), sees ŷ and q

Nothing is normalised and nothing depends on the size of a tile. Quality q acts as a gain per
channel alone: analysis and both hyper networks run once a frame at whatever rate. Layer kinds
on board: space-to-depth, 1x1 convolution, depthwise 3x3, ReLU, add.

The linear pair begins as a principal component analysis of training blocks and the nonlinear
branches begin near zero, so training improves a transform that already works.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.colour import PLANE_FRACTION
from ..export.entropy import floor_straight, logistic_bits, round_straight
from .quantise import Grid, GridConv
from .scale_context import PHASES, ScaleContext, groups, phase_masks, table_index

BLOCK = 16
"""Pixels a side of one latent position."""
KNOTS = 9
"""Qualities that gains are learned at; between them the logarithm is interpolated."""
QUALITY_STEPS = 256
"""Qualities that a bitstream can name: 0/256 … 256/256."""
LOG2_FRACTION = 5
"""Log-scales and log-gains are integers times 1/32 octave."""
PIXEL_FRACTION = 4
"""Decoded grey levels are summed in sixteenths."""
SYNTHESIS_FRACTION = 17
"""The linear synthesis has weights in units of 2^-17, and is summed in float64."""
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

    latents: int = 640
    analysis: tuple[int, int, int] = (48, 96, 192)
    hyper: int = 64
    side: int = 12
    predicted: int = 32
    synthesis: tuple[int, int] = (64, 128)
    depth: tuple[int, int, int] = (2, 2, 1)


def space_to_depth(value: Tensor, size: int) -> Tensor:
    """Fold size x size pixels into channels: channel = (c · size + row) · size + column."""
    return functional.pixel_unshuffle(value, size)


def depth_to_space(value: Tensor, size: int) -> Tensor:
    """Undo `space_to_depth`."""
    return functional.pixel_shuffle(value, size)


class SeparableBlock(nn.Module):
    """Depthwise 3x3, ReLU, 1x1, added to the input and rectified.

    The output lies on the input's grid, so the sum of the two is exact in integers.
    """

    def __init__(self, channels: int, reads: Grid) -> None:
        super().__init__()
        self.inner = Grid()
        self.depthwise = GridConv(channels, channels, 3, padding=1, groups=channels, reads=reads)
        self.pointwise = GridConv(channels, channels, 1, reads=self.inner)

    def forward(self, value: Tensor, grid: Grid) -> Tensor:
        """Return the block's output on `grid`, the shape of its input, never negative."""
        result: Tensor = grid(value + self.pointwise(self.inner(self.depthwise(value))))
        return result


LATENT_FRACTION = 4
"""Latents are integers times 2^-4 grey levels (times the transform's gain)."""
BRANCH_GAIN = 16.0
"""The nonlinear branch's outputs times this are latents."""
PIXEL_GAIN = 64.0
"""Networks see centred grey levels divided by this, and give corrections that are."""


class Analysis(nn.Module):
    """The transform on board: grey levels to latents at 1/16, in grey-level units."""

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        fine, middle, coarse = shape.analysis
        self.pixels = Grid(10, signed=True, fraction=PLANE_FRACTION)
        self.scaled_pixels = Grid(10, signed=True, fraction=PLANE_FRACTION + 6)
        self.linear_out = Grid(18, signed=True, fraction=LATENT_FRACTION)
        self.branch_out = Grid(18, signed=True, fraction=LATENT_FRACTION + 4)
        self.grid_fine, self.grid_middle, self.grid_coarse = Grid(), Grid(), Grid()
        self.linear = GridConv(3 * BLOCK**2, shape.latents, 1, reads=self.pixels)
        self.enter = GridConv(48, fine, 1, reads=self.scaled_pixels)
        self.block_fine = SeparableBlock(fine, self.grid_fine)
        self.down_middle = GridConv(4 * fine, middle, 1, reads=self.grid_fine)
        self.block_middle = SeparableBlock(middle, self.grid_middle)
        self.down_coarse = GridConv(4 * middle, coarse, 1, reads=self.grid_middle)
        self.block_coarse = SeparableBlock(coarse, self.grid_coarse)
        self.leave = GridConv(coarse, shape.latents, 1, reads=self.grid_coarse)

    def features(self, planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the stage outputs at 1/4, 1/8 and 1/16 (what a teacher's are matched to)."""
        value = self.enter(space_to_depth(self.scaled_pixels(planes / PIXEL_GAIN), 4))
        fine = self.block_fine(self.grid_fine(value), self.grid_fine)
        middle = self.grid_middle(self.down_middle(space_to_depth(fine, 2)))
        middle = self.block_middle(middle, self.grid_middle)
        coarse = self.grid_coarse(self.down_coarse(space_to_depth(middle, 2)))
        return fine, middle, self.block_coarse(coarse, self.grid_coarse)

    def forward(self, planes: Tensor) -> Tensor:
        """Return latents (b, N, h/16, w/16) of planes about mid-grey (b, 3, h, w)."""
        branch = self.leave(self.features(planes)[2])
        with torch.autocast(planes.device.type, enabled=False):
            # The mean grey level spans thousands of steps: bfloat16 would round it away.
            linear = self.linear(space_to_depth(self.pixels(planes), BLOCK))
            result: Tensor = self.linear_out(linear) + BRANCH_GAIN * self.branch_out(branch.float())
            return result


class Hyper(nn.Module):
    """Side information: how large the latents of a place are, whatever the quality.

    h_a sees magnitudes only, and z is rounded at a fixed step, so z and the log-scales that
    come of it are the same at every quality.
    """

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        self.register_buffer("spread", torch.ones(shape.latents))
        self.spread: Tensor
        self.magnitudes = Grid(8, fraction=4)
        self.grid_in, self.grid_mid = Grid(), Grid()
        self.side = Grid(6, signed=True, fraction=0)
        # ẑ is whole numbers: what is made of them can be no finer than the weights are.
        self.grid_side, self.grid_up = Grid(finest=5), Grid()
        self.scales = Grid(12, signed=True, fraction=LOG2_FRACTION)
        self.analysis_in = GridConv(shape.latents, shape.hyper, 1, reads=self.magnitudes)
        self.analysis_out = GridConv(4 * shape.hyper, shape.hyper, 1, reads=self.grid_in)
        self.analysis_end = GridConv(shape.hyper, shape.side, 1, reads=self.grid_mid)
        self.synthesis_in = GridConv(shape.side, shape.hyper, 1, reads=self.side)
        self.synthesis_mix = GridConv(
            shape.hyper, shape.hyper, 3, padding=1, groups=shape.hyper, reads=self.grid_side
        )
        self.synthesis_up = GridConv(shape.hyper, 4 * shape.hyper, 1, reads=self.grid_side)
        self.synthesis_out = GridConv(shape.hyper, shape.latents, 1, reads=self.grid_up)
        self.side_mean = nn.Parameter(torch.zeros(shape.side))
        self.side_log2_scale = nn.Parameter(torch.zeros(shape.side))

    def analyse(self, latents: Tensor) -> Tensor:
        """Return z at 1/32, not yet rounded; an odd row or column is padded with zeros."""
        value = (latents.abs() / self.spread.view(1, -1, 1, 1)).clamp_max(16.0)
        value = functional.pad(value, (0, value.shape[3] % 2, 0, value.shape[2] % 2))
        value = self.grid_in(self.analysis_in(self.magnitudes(value)))
        value = self.grid_mid(self.analysis_out(space_to_depth(value, 2)))
        result: Tensor = self.analysis_end(value)
        return result

    def synthesise(self, side: Tensor, rows: int, columns: int) -> Tensor:
        """Return log₂ of each latent's scale, in grey-level units, on rows x columns."""
        value = self.grid_side(self.synthesis_in(side))
        value = self.grid_side(self.synthesis_mix(value) + value)
        value = self.grid_up(depth_to_space(self.synthesis_up(value), 2))
        result: Tensor = self.scales(self.synthesis_out(value[:, :, :rows, :columns]))
        return result

    def side_bits(self, side: Tensor) -> Tensor:
        """Return the bits of each value of z."""
        mean = self.side_mean.view(1, -1, 1, 1)
        return logistic_bits(side - mean, self.side_log2_scale.view(1, -1, 1, 1))


def mean_masks(channels: int) -> Tensor:
    """Return (4, channels, channels, 3, 3): what is coded before a latent of each phase.

    Channel groups are coded one after another and phases inside a group, so a latent sees all
    nine positions of earlier groups, and in its own group the positions of earlier phases.
    """
    number = torch.zeros(channels, dtype=torch.long)
    for i, group in enumerate(groups(channels)):
        number[group.first : group.last] = i
    earlier = (number[None, :] < number[:, None]).float()[None, :, :, None, None]
    same = (number[None, :] == number[:, None]).float()[None, :, :, None, None]
    result: Tensor = earlier + same * phase_masks()[:, None, None]
    return result


class Neighbours(nn.Module):
    """Means of the leading latents, predicted from latents that are already coded."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.weight = nn.Parameter(torch.zeros(len(PHASES) * channels, channels, 3, 3))
        masks = mean_masks(channels).reshape(-1, channels, 3, 3)
        self.register_buffer("masks", masks, persistent=False)
        self.masks: Tensor
        with torch.no_grad():  # the mean grey level begins as its coded neighbours' mean
            for phase in range(1, len(PHASES)):
                nearest = phase_masks()[phase]
                if phase > 1:
                    nearest[::2, ::2] = 0
                self.weight[phase * channels, 0] = 0.9 * nearest / nearest.sum()

    def forward(self, decoded: Tensor) -> Tensor:
        """Return means (b, channels, h, w) of decoded latents (b, channels, h, w)."""
        means = torch.zeros_like(decoded)
        weights = (self.weight * self.masks).chunk(len(PHASES))
        padded = functional.pad(decoded, (1, 2, 1, 2))
        height, width = decoded.shape[2:]
        for phase, (row, column) in enumerate(PHASES):
            part = functional.conv2d(padded[:, :, row:, column:], weights[phase], stride=2)
            rows, columns = (height - row + 1) // 2, (width - column + 1) // 2
            means[:, :, row::2, column::2] = part[:, :, :rows, :columns]
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
    """ReLU, 3x3 with a bias that knows the quality, ReLU, 3x3, added to the input."""

    def __init__(self, channels: int, bits: int) -> None:
        super().__init__()
        self.entering, self.inner = Grid(bits), Grid(bits)
        self.first = GridConv(channels, channels, 3, padding=1, bias=False, reads=self.entering)
        self.bias = KnotTable(channels)
        self.second = GridConv(channels, channels, 3, padding=1, reads=self.inner)

    def forward(self, value: Tensor, quality: Tensor, grid: Grid) -> Tensor:
        """Return the block's output on `grid`, the shape of its input."""
        bias = self.bias(quality)
        if self.first.on:
            bias = round_straight(bias / self.first.bias_step()) * self.first.bias_step()
        inner = self.first(self.entering(value)) + bias[:, :, None, None]
        result: Tensor = grid(value + self.second(self.inner(inner)))
        return result


class Synthesis(nn.Module):
    """The transform on the ground: latents of a whole frame to planes about mid-grey."""

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        fine, coarse = shape.synthesis
        self.linear = nn.Conv2d(shape.latents, 3 * BLOCK**2, 1)
        self.register_buffer("spread", torch.ones(shape.latents))
        self.spread: Tensor
        self.linear_out = Grid(14, signed=True, fraction=PIXEL_FRACTION)
        self.seen = Grid(10, signed=True, fraction=7)
        self.hint = Grid(8, signed=True, fraction=4)
        self.stream_fine = Grid(13, signed=True)
        self.stream_coarse = Grid(13, signed=True)
        self.to_down, self.to_up = Grid(9, signed=True), Grid(9, signed=True)
        self.to_leave = Grid(9)
        self.correction = Grid(14, signed=True, fraction=PIXEL_FRACTION + 6)
        self.latent_in = GridConv(shape.latents, 4 * coarse, 1, reads=self.hint)
        self.enter = GridConv(48, fine, 3, padding=1, reads=self.seen)
        before, below, after = shape.depth
        self.before = nn.ModuleList(ResidualBlock(fine, 9) for _ in range(before))
        self.down = GridConv(4 * fine, coarse, 1, reads=self.to_down)
        self.below = nn.ModuleList(ResidualBlock(coarse, 8) for _ in range(below))
        self.up = GridConv(coarse, 4 * fine, 1, reads=self.to_up)
        self.after = nn.ModuleList(ResidualBlock(fine, 9) for _ in range(after))
        self.leave = GridConv(fine, 48, 3, padding=1, reads=self.to_leave)

    def forward(self, latents: Tensor, quality: Tensor) -> Tensor:
        """Return planes (b, 3, h, w), neither rounded nor clipped, of decoded latents."""
        with torch.autocast(latents.device.type, enabled=False):
            linear = depth_to_space(self._linear(latents).float(), BLOCK)
        seen = space_to_depth(linear, 4).clamp(-256, 256) / PIXEL_GAIN
        value = self.stream_fine(self.enter(self.seen(seen)))
        for block in self.before:
            value = block(value, quality, self.stream_fine)
        hint = (latents / self.spread.view(1, -1, 1, 1)).clamp(-8, 8)
        hint = self.stream_coarse(depth_to_space(self.latent_in(self.hint(hint)), 2))
        inner = self.stream_coarse(self.down(self.to_down(space_to_depth(value, 2)))) + hint
        for block in self.below:
            inner = block(inner, quality, self.stream_coarse)
        value = self.stream_fine(value + depth_to_space(self.up(self.to_up(inner)), 2))
        for block in self.after:
            value = block(value, quality, self.stream_fine)
        correction = depth_to_space(self.leave(self.to_leave(value)), 4)
        result: Tensor = linear + PIXEL_GAIN * self.correction(correction.float())
        return result

    def _linear(self, latents: Tensor) -> Tensor:
        if self.training or not self.linear_out.on:
            result: Tensor = self.linear_out(self.linear(latents))
            return result
        if self.linear.bias is None:
            raise ValueError("the linear synthesis needs a bias")
        # Wider than float32 can add exactly, and a small part of the work: in float64.
        weight = round_straight(self.linear.weight.double() * 2**SYNTHESIS_FRACTION)
        bias = round_straight(self.linear.bias.double() * 2**SYNTHESIS_FRACTION)
        step = 2.0**-SYNTHESIS_FRACTION
        wide = functional.conv2d(latents.double(), weight * step, bias * step)
        exact: Tensor = self.linear_out(wide)
        return exact


@dataclass(frozen=True, slots=True)
class Coded:
    """What one forward pass gives.

    Attributes:
        planes: decoded, about mid-grey (b, 3, h, w), neither rounded nor clipped.
        bits: of each sample, latents and side information (b,).
        side_bits: the side information's share of them (b,).
        latents: y, as analysed.
        decoded: ŷ.
        latent_bits: of every latent.
        symbols: k of every latent.
        log2_scales: of every latent, in steps, before the context's correction.
    """

    planes: Tensor
    bits: Tensor
    side_bits: Tensor
    latents: Tensor
    decoded: Tensor
    latent_bits: Tensor
    symbols: Tensor
    log2_scales: Tensor


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

    @property
    def on_grids(self) -> bool:
        """Whether the networks compute in integers."""
        return self.analysis.pixels.on

    def log2_gain(self, quality: Tensor) -> Tensor:
        """Return log₂ of each channel's gain (b, N), on its grid where that is switched on."""
        value: Tensor = self.gain(quality)
        if not self.on_grids:
            return value
        on_grid: Tensor = round_straight(value * 2**LOG2_FRACTION) / 2**LOG2_FRACTION
        return on_grid

    def forward(self, planes: Tensor, quality: Tensor) -> Coded:
        """Code a batch at these qualities.

        In training, bits are counted with uniform noise in place of rounding and pixels are
        decoded from rounded latents with straight-through gradients; in evaluation both are
        rounded.

        Args:
            planes: about mid-grey (b, 3, h, w), see `colour`; sides are multiples of 16.
            quality: of each sample (b,), 0…1.
        """
        latents = self.analysis(planes)
        side = self.hyper.analyse(latents)
        with torch.autocast(planes.device.type, enabled=False):
            side = side.float().clamp(self.hyper.side.low, self.hyper.side.high)
            rounded_side = round_straight(side)
            counted_side = side + torch.rand_like(side) - 0.5 if self.training else rounded_side
            side_bits = self.hyper.side_bits(counted_side).sum(dim=(1, 2, 3))
        log2_scale = self.hyper.synthesise(rounded_side, latents.shape[2], latents.shape[3])
        with torch.autocast(planes.device.type, enabled=False):
            log2_gain = self.log2_gain(quality)[:, :, None, None]
            gain, step = torch.exp2(log2_gain), torch.exp2(-log2_gain)
            predicted = self.shape.predicted
            # What the neighbours decode to, but for the means' effect on their rounding.
            coarse = round_straight(latents[:, :predicted] * gain[:, :predicted])
            means = self.neighbours(coarse * step[:, :predicted])
            centred = torch.cat((latents[:, :predicted] - means, latents[:, predicted:]), dim=1)
            scaled = centred * gain
            expected = log2_scale.float() + log2_gain
            with torch.no_grad():  # the context knows the symbols before the dead zone's choice
                correction = self.context(torch.floor(scaled + 0.5), expected)
            symbols = floor_straight(scaled, self.context.offset(expected + correction))
            counted = scaled + torch.rand_like(scaled) - 0.5 if self.training else symbols
            if not self.training:  # training sees the bits that a skipped latent would cost
                coded_here = table_index(expected) > 0
                symbols = symbols * coded_here
                counted = symbols
            correction = self.context(symbols, expected)
            latent_bits = logistic_bits(counted, expected + correction)
            if not self.training:
                latent_bits = latent_bits * coded_here
            decoded = symbols * step
            decoded = torch.cat((decoded[:, :predicted] + means, decoded[:, predicted:]), dim=1)
        out = self.synthesis(decoded, quality)
        bits = latent_bits.sum(dim=(1, 2, 3)) + side_bits
        return Coded(out, bits, side_bits, latents, decoded, latent_bits, symbols, expected)


def lambda_of_quality(quality: Tensor) -> Tensor:
    """Return the rate-distortion slope λ of a quality 0…1."""
    return torch.exp2(LOG2_LAMBDA_LOW + quality * (LOG2_LAMBDA_HIGH - LOG2_LAMBDA_LOW))
