"""The learned codec as it is trained: transforms, entropy model and all rates in one module.

    x ── g_a ── y ──┬── |y| ── h_a ── ẑ ── h_s ── log₂ scales ──┐
                    │                                           │   correction from coded |k|
                    └─ k = round((y - μ) · g(q)) ───────────────┴── bits
                                   │      μ from decoded neighbours
                       ŷ = μ + k / g(q) ── g_s ── x̂

The entropy model is a scale hyperprior (Ballé et al., arXiv 1802.01436) with a spatial and channel
context (Minnen et al., arXiv 1809.02736; He et al., arXiv 2203.10886). The quality q acts through a
gain per channel and through biases in g_s, so g_a, h_a and h_s run once a frame at any rate.

| module             | network                  |
| ------------------ | ------------------------ |
| `analysis`         | g_a                      |
| `hyper`            | h_a, h_s                 |
| `predicted_means`  | context for the means    |
| `scale_context`    | context for the scales   |
| `synthesis`        | g_s                      |
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from .analysis import Analysis
from .hyper import Hyper
from .layers import KnotTable
from .logistic_prior import logistic_bits
from .predicted_means import MeanPredictor
from .scale_context import ScaleContext, table_index
from .shape import LOG2_FRACTION, CodecShape
from .straight_through import floor_straight, round_straight, with_gradient_of
from .synthesis import Synthesis

MEAN_ROUNDS = 4
"""How often the means of all latents are computed from each other, see `Codec.forward`."""


@dataclass(frozen=True, slots=True)
class CodedLatents:
    """What the encoder makes of a batch: symbols, what they cost, and the decoded latents.

    Attributes:
        bits: Bits of each sample, latents and side information together (b,).
        side_bits: Bits of each sample's side information (b,).
        latents: Latents y, as g_a gives them (b, N, h/16, w/16).
        decoded: Decoded latents ŷ, the same shape.
        latent_bits: Bits of each latent.
        symbols: Symbol k of each latent.
        log2_scales: log₂ of each latent's scale in steps, before the context's correction.
    """

    bits: Tensor
    side_bits: Tensor
    latents: Tensor
    decoded: Tensor
    latent_bits: Tensor
    symbols: Tensor
    log2_scales: Tensor


@dataclass(frozen=True, slots=True)
class Coded(CodedLatents):
    """Outputs of one forward pass of the codec.

    Attributes:
        planes: Decoded planes x̂ relative to mid-grey (b, 3, h, w), neither rounded nor clipped.
    """

    planes: Tensor

    @classmethod
    def of(cls, latents: CodedLatents, planes: Tensor) -> Coded:
        """Return what the encoder made, with the decoded planes."""
        values = {field.name: getattr(latents, field.name) for field in fields(CodedLatents)}
        return cls(**values, planes=planes)


class Codec(nn.Module):
    """Transforms and entropy model, as they are trained together.

    The names of the submodules are those of a checkpoint's arrays.

    Args:
        shape: Widths of the networks; those of the shipped codec by default.
    """

    def __init__(self, shape: CodecShape | None = None) -> None:
        super().__init__()
        self.shape = shape or CodecShape()
        self.analysis = Analysis(self.shape)
        self.hyper = Hyper(self.shape)
        self.gain = KnotTable(self.shape.latents)
        self.neighbours = MeanPredictor(self.shape.predicted)
        self.context = ScaleContext(self.shape.latents)
        self.synthesis = Synthesis(self.shape)

    @property
    def on_grids(self) -> bool:
        """Whether the networks compute in integers."""
        return self.analysis.pixels.on

    def log2_gain(self, quality: Tensor) -> Tensor:
        """Return log₂ of each channel's gain (b, N), rounded if the codec is on its grids."""
        value: Tensor = self.gain(quality)
        if not self.on_grids:
            return value
        on_grid: Tensor = round_straight(value * 2**LOG2_FRACTION) / 2**LOG2_FRACTION
        return on_grid

    def forward(self, planes: Tensor, quality: Tensor) -> Coded:
        """Code a batch at these qualities.

        Symbols and bits are those of the real codec, in training too: a latent below the smallest
        scale is skipped and costs nothing. With uniform noise in place of rounding it would cost
        0.15 bit, which adds up to 0.4 bit/px, so that the objective would hardly see low rates.
        Gradients reach the entropy model from the real symbols, the latents from the noisy ones'
        bits, and pixels are decoded from rounded latents with straight-through gradients (after
        Minnen and Singh, arXiv 2007.08739).

        Args:
            planes: Planes relative to mid-grey (b, 3, h, w), see `data.colour`. The sides are
                multiples of 16.
            quality: Quality of each sample (b,), 0…1.
        """
        coded = self.encode(planes, quality)
        return Coded.of(coded, self.synthesis(coded.decoded, quality))

    def encode(self, planes: Tensor, quality: Tensor) -> CodedLatents:
        """Code a batch at these qualities without decoding pixels; see `forward`."""
        return self.encode_latents(self.analysis(planes), quality)

    def encode_latents(self, latents: Tensor, quality: Tensor) -> CodedLatents:
        """Code latents y (b, N, h/16, w/16), wherever they come from; see `forward`."""
        side = self.hyper.analyse(latents)
        device = latents.device.type
        with torch.autocast(device, enabled=False):
            side = side.float().clamp(self.hyper.side.low, self.hyper.side.high)
            rounded_side = round_straight(side)
            side_bits = self.hyper.side_bits(rounded_side.detach())
            if self.training:
                noisy = side + torch.rand_like(side) - 0.5
                side_bits = with_gradient_of(side_bits, self.hyper.side_bits(noisy, fixed=True))
            side_bits = side_bits.sum(dim=(1, 2, 3))
        log2_scale = self.hyper.synthesise(rounded_side, latents.shape[2], latents.shape[3])
        with torch.autocast(device, enabled=False):
            log2_gain = self.log2_gain(quality)[:, :, None, None]
            gain, step = torch.exp2(log2_gain), torch.exp2(-log2_gain)
            predicted = self.shape.predicted
            expected = log2_scale.float() + log2_gain
            means = self._means(latents[:, :predicted], gain[:, :predicted], expected)
            centred = torch.cat((latents[:, :predicted] - means, latents[:, predicted:]), dim=1)
            scaled = centred * gain
            symbols = floor_straight(scaled, self.context.offset(expected))
            is_coded = table_index(expected) > 0
            symbols = with_gradient_of(symbols * is_coded, symbols)
            corrected = expected + self.context(symbols, expected)
            latent_bits = logistic_bits(symbols.detach(), corrected) * is_coded
            if self.training:
                noisy = scaled + torch.rand_like(scaled) - 0.5
                relaxed = logistic_bits(noisy, corrected.detach())
                latent_bits = with_gradient_of(latent_bits, relaxed)
            decoded = symbols * step
            decoded = torch.cat((decoded[:, :predicted] + means, decoded[:, predicted:]), dim=1)
        bits = latent_bits.sum(dim=(1, 2, 3)) + side_bits
        return CodedLatents(bits, side_bits, latents, decoded, latent_bits, symbols, expected)

    def _means(self, latents: Tensor, gain: Tensor, expected: Tensor) -> Tensor:
        """Return the means μ of the predicted channels, from what is decoded around them.

        A latent's mean depends on decoded neighbours, whose own means depend on theirs. All are
        computed at once, a few times over: each time, more of the coding order is as it really is.
        Gradients go through the last time alone.
        """
        expected = expected[:, : latents.shape[1]]
        offset, is_coded = self.context.offset(expected), table_index(expected) > 0
        decoded = torch.zeros_like(latents)
        with torch.no_grad():
            for _ in range(MEAN_ROUNDS):
                means = self.neighbours(decoded)
                symbols = floor_straight((latents - means) * gain, offset) * is_coded
                decoded = means + symbols / gain
        result: Tensor = self.neighbours(with_gradient_of(decoded, latents))
        return result
