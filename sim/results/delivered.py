"""Which delivered frames are written as pictures, and whether the disk has room for them.

Twelve hours of 29-megapixel frames are 54 GB of GeoTIFF, which few people mean to have. So what
all frames would take is estimated from the timetable before the run: above two gigabytes a
sample is written, unless all frames are asked for.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ...link.errors import InputError
from ..mission.preparation import Mission, View

Choice = Literal["all", "sample", "none"]
CHOICES: Final[tuple[Choice, ...]] = ("all", "sample", "none")

LARGEST_BY_DEFAULT: Final = 2_000_000_000
"""Bytes up to which all frames are written if nobody chooses."""
SAMPLE_FRAMES: Final = 24
_RESERVE: Final = 256_000_000
"""Bytes of the disk that stay free for tables, report and whoever else writes."""
_HEADER: Final = 16_384


@dataclass(frozen=True, slots=True)
class DeliveredPlan:
    """What becomes of the delivered frames' pixels.

    Attributes:
        folder: Where pictures are written; None where none are.
        choice: All, a sample or none.
        by_default: Whether nobody chose.
        estimate: Bytes that the pictures of all planned frames would take at most.
        planned: Frames with pixels in the timetable.
        seed: The scenario's.
    """

    folder: Path | None
    choice: Choice
    by_default: bool
    estimate: int
    planned: int
    seed: int

    def chosen(self, sizes: Mapping[int, int]) -> frozenset[int]:
        """Return the numbers of the frames to write.

        A sample is drawn from the seed: 24 frames at most, and two gigabytes at most.

        Args:
            sizes: Of each delivered frame, by number, the largest that its picture may be.
        """
        if self.folder is None or self.choice == "none":
            return frozenset()
        if self.choice == "all":
            return frozenset(sizes)
        # Numbers in order, so that the same frames give the same sample whoever counts them.
        order = sorted(sizes)
        random.Random(f"{self.seed}/delivered").shuffle(order)  # noqa: S311 - no secret
        taken: list[int] = []
        room = LARGEST_BY_DEFAULT
        for number in order[:SAMPLE_FRAMES]:
            room -= sizes[number]
            if taken and room < 0:
                break
            taken.append(number)
        return frozenset(taken)

    def check_room(self, size: int) -> None:
        """Stop before the disk is full.

        Args:
            size: Bytes of the picture to write, at most.

        Raises:
            InputError: Less than the reserve would be left.
        """
        if self.folder is None:
            return
        free, reserve = _room(self.folder)
        if free < size + reserve:
            raise InputError(
                f"{self.folder}: the disk is nearly full ({_size(free)} left); {_ALLOWED}"
            )

    def block(self, written: int, delivered: int) -> dict[str, Any]:
        """Return what summary.json says of the pictures."""
        return {
            "choice": self.choice,
            "written": written,
            "delivered": delivered,
            "estimated_bytes": self.estimate,
            "how": _how(self, written, delivered),
        }


_ALLOWED: Final = "allowed: --delivered sample or none, or an --out on another disk"


def plan_delivered(
    mission: Mission, folder: Path | None, choice: Choice | None = None
) -> DeliveredPlan:
    """Decide which frames will be written, before the run.

    Args:
        mission: The run.
        folder: Where to; None writes none.
        choice: What the command line says; without it the scenario's `report.delivered`, and
            without that all frames up to two gigabytes, and a sample above.

    Raises:
        InputError: The disk has no room for them.
    """
    scenario = mission.flight.scenario
    sizes = [picture_bytes(view) for view in mission.views if view.scene is not None]
    choice = choice or scenario.report.delivered
    by_default = choice is None
    if choice is None:
        choice = "all" if sum(sizes) <= LARGEST_BY_DEFAULT else "sample"
    if folder is None:
        choice, by_default = "none", False
    if choice == "none":
        folder = None
    plan = DeliveredPlan(folder, choice, by_default, sum(sizes), len(sizes), scenario.seed)
    if folder is not None:
        most = sum(sizes)
        if choice == "sample":
            most = min(most, max(max(sizes, default=0), LARGEST_BY_DEFAULT))
            most = min(most, SAMPLE_FRAMES * max(sizes, default=0))
        free, reserve = _room(folder)
        if most > max(0, free - reserve):
            count = len(sizes) if choice == "all" else min(len(sizes), SAMPLE_FRAMES)
            raise InputError(
                f"{folder}: {count} delivered frames may take {_size(most)}, and "
                f"{_size(free)} of the disk are left; {_ALLOWED}"
            )
    return plan


def picture_bytes(view: View) -> int:
    """Return what a picture of this size takes at most: its samples as they are, and overviews.

    Noise does not compress, and overviews add a third.
    """
    return view.samples * (1 if view.bit_depth <= 8 else 2) * 4 // 3 + _HEADER


def _how(plan: DeliveredPlan, written: int, delivered: int) -> str:
    """Say in a sentence how many frames were written and how they were chosen."""
    of = f"{written:,} of {delivered:,} delivered frames with pixels are written as GeoTIFF"
    if plan.choice == "none":
        return f"{of}: none were asked for."
    if plan.choice == "sample":
        why = (
            f", because all {plan.planned:,} planned ones may take {_size(plan.estimate)}"
            if plan.by_default
            else ""
        )
        return f"{of}: a sample drawn with seed {plan.seed}{why} (--delivered all writes all)."
    if written < delivered:
        return f"{of}: all whose header arrived."
    return f"{of}."


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 10**9 else f"{count / 1e6:.1f} MB"


def _room(folder: Path) -> tuple[int, int]:
    """Return the bytes that are free where a folder lies, and how many of them stay free."""
    usage = shutil.disk_usage(folder)
    return usage.free, min(_RESERVE, usage.total // 20)
