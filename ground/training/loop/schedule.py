"""What changes with the step: the learning rate, and when the networks go onto integer grids."""

from __future__ import annotations

import time

from .settings import TrainSettings

WARM_UP_STEPS = 200
SMALLEST_FACTOR = 0.01
"""The learning rate falls to this share of its value."""


FINISH_GRIDS = 0.25
"""Last share of a finish by the clock that trains integer networks."""


def learning_rate(step: int, settings: TrainSettings) -> float:
    """Return the factor on the learning rate: warm-up, constant, then linear to one per cent.

    The rate is constant until the last `decay` share of the steps. A run can therefore be prolonged
    from any checkpoint before the decay.
    """
    warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
    decay_start = settings.steps * (1 - settings.decay)
    remaining = (settings.steps - step) / max(settings.steps - decay_start, 1)
    return warm_up * min(1.0, max(remaining, SMALLEST_FACTOR))


def lesson_weight(step: int, settings: TrainSettings) -> float:
    """Return the factor on the distillation terms: one, then linear to zero over a last share.

    A student that imitates to the end keeps what the teacher's objective is not; without lessons at
    the end it settles on its own optimum.
    """
    if settings.anneal <= 0:
        return 1.0
    return min(1.0, max((settings.steps - step) / (settings.steps * settings.anneal), 0.0))


class Finish:
    """The end of a run by the clock: how far the rate has come down.

    On a shared machine nobody knows how many steps an hour has. With a finish, the learning rate
    falls linearly over a given time, and the last quarter of it trains integers. Equal seeds
    then give equal weights only if the steps take equal times.

    Args:
        minutes: Wall-clock time from now to the end; infinite for a run that ends by its steps.

    Attributes:
        share: Share of the time, 0…1, that had passed when a run last asked.
    """

    def __init__(self, minutes: float) -> None:
        self.share = 0.0
        self._seconds = 60 * minutes
        self._started = time.monotonic()

    def passed(self) -> float:
        """Return the share of the time that has passed, 0…1."""
        passed = time.monotonic() - self._started
        return min(1.0, passed / self._seconds) if self._seconds > 0 else 1.0

    @property
    def factor(self) -> float:
        """Factor on the learning rate."""
        return max(1.0 - self.share, SMALLEST_FACTOR)

    @property
    def trains_integers(self) -> bool:
        """Whether the networks are to be on their grids."""
        return self.share >= 1.0 - FINISH_GRIDS


def trains_integers(step: int, settings: TrainSettings) -> bool:
    """Return whether a step belongs to the last ones, which train integer networks.

    A teacher never becomes one.
    """
    return settings.model != "teacher" and step >= settings.steps * (1 - settings.grids)
