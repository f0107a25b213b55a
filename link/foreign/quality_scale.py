"""The qualities of a codec that is not downpass's own, as steps from coarsest to finest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_STEPS: Final = 4096
_HUNDREDTHS: Final = 100


@dataclass(frozen=True, slots=True)
class QualityScale:
    """Whole numbers from the coarsest quality to the finest, or hundredths from 0 to 1.

    Attributes:
        ends: Coarsest and finest quality, of which either may be the larger; None for 0 to 1.
        single: Whether the codec knows no quality, so that there is one step.
    """

    ends: tuple[int, int] | None = None
    single: bool = False

    @property
    def steps(self) -> int:
        """Number of steps."""
        if self.single:
            return 1
        if self.ends is None:
            return _HUNDREDTHS + 1
        return abs(self.ends[1] - self.ends[0]) + 1

    @property
    def has_fractions(self) -> bool:
        """Whether some qualities are no whole numbers."""
        return self.ends is None and not self.single

    def step(self, quality: float) -> int:
        """Return the step for a quality from 0 to 100."""
        return round(quality / 100 * (self.steps - 1))

    def value(self, step: int) -> float | int:
        """Return what the codec is given for a step."""
        if self.ends is None:
            return step / _HUNDREDTHS
        coarsest, finest = self.ends
        return coarsest + step if finest > coarsest else coarsest - step

    def text(self, step: int) -> str:
        """Return the same as text: `12`, or `0.37`."""
        value = self.value(step)
        return str(value) if isinstance(value, int) else f"{value:.2f}"
