"""Logs of a training run: `training.csv`, `evaluation.csv`, and lines on standard error."""

from __future__ import annotations

import csv
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .evaluate import Summary

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunLog:
    """Appends to the logs in a run's folder.

    Args:
        out: Folder of the run.
    """

    out: Path

    def steps(self, step: int, minutes: float, measures: list[Tensor]) -> None:
        """Log the means of the last steps' measures, see `Trainer.advance`."""
        loss, bpp, side, error, gradient = torch.stack(measures).mean(dim=0).tolist()
        row: dict[str, object] = {
            "step": step,
            "minutes": round(minutes, 2),
            "loss": round(loss, 5),
            "bpp": round(bpp, 4),
            "side_bpp": round(side, 5),
            "mse": round(error, 3),
            "gradient": round(gradient, 4),
        }
        self._append("training.csv", row)
        log.info(" ".join(f"{name} {value}" for name, value in row.items()))

    def evaluation(self, step: int, minutes: float, summary: Summary, took_s: float) -> None:
        """Log held-out results; `took_s` is the time of the evaluation in seconds."""
        mean, groups = summary.mean, summary.groups
        row: dict[str, object] = {
            "step": step,
            "minutes": round(minutes, 2),
            "bd_rate": round(mean.percent / 100, 5),
            "coverage": round(mean.coverage, 4),
        }
        row.update({f"bd_rate {name}": round(r.percent / 100, 4) for name, r in groups.items()})
        row.update({f"coverage {name}": round(r.coverage, 3) for name, r in groups.items()})
        self._append("evaluation.csv", row)
        log.info(
            "step %d: BD-rate %+.1f %%, coverage %.0f %% (%.0f s)",
            step,
            mean.percent,
            100 * mean.coverage,
            took_s,
        )

    def _append(self, name: str, row: dict[str, object]) -> None:
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if is_new:
                writer.writeheader()
            writer.writerow(row)
