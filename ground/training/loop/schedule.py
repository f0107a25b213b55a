"""Learning-rate schedule: warm-up, constant, then linear decay."""

from __future__ import annotations

from .settings import TrainSettings


def learning_rate(step: int, settings: TrainSettings) -> float:
    """Return the factor on the rate: warm-up, constant, then linear to one per cent.

    A constant rate until the end is in sight lets a run be prolonged from any checkpoint
    before the decay.
    """
    warm = min(1.0, (step + 1) / 200)
    start = settings.steps * (1 - settings.decay)
    left = (settings.steps - step) / max(settings.steps - start, 1)
    return warm * min(1.0, max(left, 0.01))
