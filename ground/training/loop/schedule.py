"""What changes with the step: the learning rate, and when the networks go onto integer grids."""

from __future__ import annotations

from .settings import TrainSettings

WARM_UP_STEPS = 200
SMALLEST_FACTOR = 0.01
"""The learning rate falls to this share of its value."""


def learning_rate(step: int, settings: TrainSettings) -> float:
    """Return the factor on the learning rate: warm-up, constant, then linear to one per cent.

    The rate is constant until the last `decay` share of the steps. A run can therefore be prolonged
    from any checkpoint before the decay.
    """
    warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
    decay_start = settings.steps * (1 - settings.decay)
    remaining = (settings.steps - step) / max(settings.steps - decay_start, 1)
    return warm_up * min(1.0, max(remaining, SMALLEST_FACTOR))


def trains_integers(step: int, settings: TrainSettings) -> bool:
    """Return whether a step belongs to the last ones, which train integer networks.

    A teacher never becomes one.
    """
    return settings.model != "teacher" and step >= settings.steps * (1 - settings.grids)
