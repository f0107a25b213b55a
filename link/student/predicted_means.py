"""Predict the means of the first channels' latents from the decoded latents around them.

This is linear prediction from a causal neighbourhood, as in lossless image coding, for the first
principal components only. It replaces the network that predicts means in a mean-scale hyperprior
(Minnen et al., arXiv 1809.02736).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .entropy_model import LATENT_FRACTION, MANTISSA_BITS, MANTISSAS, EntropyModel, Group
from .planes import Integers, TileShape
from .range_coder import CodeError

LARGEST_LATENT: Final = 1 << 20
"""Bound on |ŷ| that no picture exceeds: y has 18 bits."""


class PredictedMeans:
    """The predicted channels' ŷ decoded so far, and the means that are predicted from it.

    All numbers are integers in float64, far below 2^53.
    """

    def __init__(self, model: EntropyModel, shape: TileShape) -> None:
        self.model, self.shape = model, shape
        self._decoded = np.zeros((4, model.predicted, shape.plane))

    def means(self, number: int, group: Group, phase: int) -> NDArray[np.float64] | None:
        """Return μ (channels, plane) of a group in a phase; None if its means are not predicted."""
        if group.first >= self.model.predicted:
            return None
        shape, channels = self.shape, group.last - group.first
        total = np.full((channels, shape.plane), 0.5)
        for source in self.model.means[number][phase]:
            known = self._decoded[source.phase, : source.weights.shape[1]]
            terms = (source.weights @ known).reshape(-1, channels, shape.plane)
            for term, (down, right) in zip(terms, source.places, strict=True):
                distance = down * shape.stride + right
                if distance > 0:
                    total[:, :-distance] += term[:, distance:]
                elif distance < 0:
                    total[:, -distance:] += term[:, :distance]
                else:
                    total += term
        np.floor(total, out=total)
        return total

    def keep(self, group: Group, phase: int, decoded: NDArray[np.float64]) -> None:
        """Store ŷ of a group in a phase (channels, plane), zero outside the tile."""
        own = self._decoded[phase, group.first : group.last]
        np.multiply(decoded, self.shape.mask[phase], out=own)

    def check(self, group: Group, phase: int) -> None:
        """Refuse latents that no encoder makes, before sums of them overflow.

        Raises:
            CodeError: A latent is larger than any picture's.
        """
        own = self._decoded[phase, group.first : group.last]
        if own.max() > LARGEST_LATENT or own.min() < -LARGEST_LATENT:
            raise CodeError("latents beyond any picture's")

    def latents(self) -> NDArray[np.int32]:
        """Return ŷ (channels, rows, columns), in 2^-4."""
        return self.shape.join(self._decoded).astype(np.int32)


def rescale(symbols: Integers, gain: Integers) -> Integers:
    """Return ŷ − μ of symbols k at log₂-gains in 1/32 octave, which broadcast to their shape.

    Raises:
        CodeError: A latent is larger than any picture's.
    """
    down = -gain.astype(np.int64)
    size = np.abs(symbols).astype(np.int64)
    if size.size and int(size.max()) > LARGEST_LATENT:
        raise CodeError("symbols beyond any picture's")
    size *= MANTISSAS[down & 31]
    size <<= (down >> 5) + LATENT_FRACTION
    size += 1 << (MANTISSA_BITS - 1)
    size >>= MANTISSA_BITS
    if size.size and int(size.max()) > LARGEST_LATENT:
        raise CodeError("latents beyond any picture's")
    return signed(size, symbols)


def signed(size: Integers, like: Integers) -> Integers:
    """Return magnitudes with the signs of the integers `like`; `size` is overwritten."""
    sign = like >> (8 * like.itemsize - 1)
    size ^= sign
    size -= sign
    return size
