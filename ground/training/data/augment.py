"""Random crops of the training pictures, changed to look like other places and sensors.

The training pictures are few, and most show one state in one season. Variety is made by flips and
quarter turns, rescaling, other band orders and mixtures (false colour, infrared), grey, contrast
and gamma. Each batch depends on the seed and the step alone, so a resumed run sees the same
pictures as one that was never interrupted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .corpus import Corpus, TrainingPicture, sampling_weights


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """Shares of the samples that each change is applied to.

    `shrink` and `enlarge` sum to at most one, and so do the four changes of the bands: one of each
    set is chosen at most.
    """

    shrink: float = 0.4
    """Rescaled to 0.5 to 1 of the size."""
    enlarge: float = 0.15
    """Rescaled to 1 to 1.6 of the size: smooth pictures, as from oversampled sensors."""
    permute: float = 0.15
    """Bands in another order."""
    mix: float = 0.15
    """Bands mixed at random (false colour)."""
    saturate: float = 0.15
    """Colour saturation multiplied by 0 to 1.6."""
    grey: float = 0.15
    """Three equal bands."""
    contrast: float = 0.35
    """Contrast about the mean multiplied by 0.2 to 1.3, and the mean shifted."""
    gamma: float = 0.15
    """Gamma 0.6 to 1.6."""

    def scaled(self, factor: float) -> AugmentSettings:
        """Return all shares times a factor in 0…1.

        With the usual shares one crop in ten is left as it is. The last stage of a training changes
        fewer, so that the codec fits real pictures best.
        """
        return AugmentSettings(*(factor * getattr(self, field.name) for field in fields(self)))


class CropSampler:
    """Draws batches of augmented crops from a corpus that it holds on the training device.

    Args:
        corpus: Pictures to draw from.
        crop: Side of a crop, pixels.
        batch: Crops of a batch.
        seed: Seed of everything that is drawn.
        device: Device of the corpus and the batches.
        settings: Shares of the changes.
        scales_a_batch: Different rescalings within a batch.
        area_power: See `sampling_weights`.
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        crop: int,
        batch: int,
        seed: int,
        device: torch.device,
        settings: AugmentSettings | None = None,
        scales_a_batch: int = 4,
        area_power: float = 0.6,
    ) -> None:
        self.pictures = corpus.pictures
        self.crop = crop
        self.batch = batch
        self.seed = seed
        self.settings = settings or AugmentSettings()
        self.scales_a_batch = min(scales_a_batch, batch)
        self.device = device
        self.flat = torch.from_numpy(np.array(corpus.flat)).to(device)
        self.weights = sampling_weights(corpus, area_power)

    def draw(self, step: int) -> Tensor:
        """Return the batch of one step: (batch, 3, crop, crop), integer grey levels 0…255."""
        rng = np.random.default_rng((self.seed, step))
        groups = []
        for size in _shares(self.batch, self.scales_a_batch):
            scale = self._scale(rng)
            groups.append(self._crops(rng, size, scale))
        levels = torch.cat(groups)
        return self._recolour(rng, levels)

    def _scale(self, rng: np.random.Generator) -> float:
        choice = rng.random()
        if choice < self.settings.shrink:
            return float(rng.uniform(0.5, 1.0))
        if choice < self.settings.shrink + self.settings.enlarge:
            return float(rng.uniform(1.0, 1.6))
        return 1.0

    def _crops(self, rng: np.random.Generator, count: int, scale: float) -> Tensor:
        side = max(16, round(self.crop / scale))
        indices = rng.choice(len(self.pictures), size=count, p=self.weights)
        crops = torch.stack([self._crop(rng, self.pictures[i], side) for i in indices])
        levels = crops.permute(0, 3, 1, 2).float()
        if side != self.crop:
            size = (self.crop, self.crop)
            levels = functional.interpolate(
                levels, size, mode="bicubic", align_corners=False, antialias=True
            )
        return levels

    def _crop(self, rng: np.random.Generator, picture: TrainingPicture, side: int) -> Tensor:
        size = picture.height * picture.width * 3
        whole = self.flat[picture.offset : picture.offset + size]
        whole = whole.view(picture.height, picture.width, 3)
        rows, columns = min(side, picture.height), min(side, picture.width)
        row = int(rng.integers(0, picture.height - rows + 1))
        column = int(rng.integers(0, picture.width - columns + 1))
        part = whole[row : row + rows, column : column + columns]
        if rows < side or columns < side:  # the picture is smaller than the crop: mirror it
            row_index = _mirror(rows, side, self.device)
            part = part[row_index][:, _mirror(columns, side, self.device)]
        quarter_turns, flip = int(rng.integers(0, 4)), rng.random() < 0.5
        part = torch.rot90(part, quarter_turns, (0, 1))
        return part.flip(0) if flip else part

    def _recolour(self, rng: np.random.Generator, levels: Tensor) -> Tensor:
        count = levels.shape[0]
        matrices = np.stack([_colour_matrix(rng, self.settings) for _ in range(count)])
        contrast = np.ones(count)
        shift = np.zeros(count)
        gamma = np.ones(count)
        for i in range(count):
            if rng.random() < self.settings.contrast:
                contrast[i] = math.exp(rng.uniform(math.log(0.2), math.log(1.3)))
                shift[i] = rng.normal(0.0, 25.0)
            if rng.random() < self.settings.gamma:
                gamma[i] = math.exp(rng.uniform(math.log(0.6), math.log(1.6)))
        matrix = torch.from_numpy(matrices).float().to(self.device)
        mean = levels.mean(dim=(1, 2, 3), keepdim=True)
        out = torch.einsum("boc,bchw->bohw", matrix, levels)
        out = (out - mean) * _column(contrast, self.device) + mean + _column(shift, self.device)
        out = out.clamp(0, 255)
        bent = 255.0 * (out / 255.0).clamp_min(1e-4) ** _column(gamma, self.device)
        out = torch.where(_column(gamma, self.device) == 1, out, bent)
        return out.round()


def _shares(total: int, parts: int) -> list[int]:
    """Return whole numbers that sum to `total` and differ by at most one."""
    return [total // parts + (i < total % parts) for i in range(parts)]


def _mirror(size: int, wanted: int, device: torch.device) -> Tensor:
    """Return `wanted` indices into an axis of `size`, which mirror it beyond its end."""
    index = np.arange(wanted) % (2 * size)
    index = np.where(index < size, index, 2 * size - 1 - index)
    return torch.from_numpy(index).to(device)


def _column(values: np.ndarray, device: torch.device) -> Tensor:
    """Return one value a sample as a tensor (b, 1, 1, 1)."""
    return torch.from_numpy(values).float().to(device).view(-1, 1, 1, 1)


def _colour_matrix(rng: np.random.Generator, settings: AugmentSettings) -> np.ndarray:
    """Return a 3 x 3 matrix whose rows sum to one, so that grey stays grey."""
    choice = rng.random()
    if choice < settings.grey:
        row = rng.dirichlet((1.0, 1.0, 1.0))
        return np.repeat(row[None], 3, axis=0)
    choice -= settings.grey
    if choice < settings.permute:
        return np.eye(3)[rng.permutation(3)]
    choice -= settings.permute
    if choice < settings.mix:
        matrix = np.eye(3)[rng.permutation(3)] + rng.normal(0.0, 0.35, (3, 3))
        matrix += (1.0 - matrix.sum(axis=1, keepdims=True)) / 3.0
        return matrix
    choice -= settings.mix
    if choice < settings.saturate:
        amount = rng.uniform(0.0, 1.6)
        return amount * np.eye(3) + (1 - amount) * np.full((3, 3), 1 / 3)
    return np.eye(3)
