"""Decide which delivered frames are written as pictures, and check that the disk has room.

Twelve hours of 29-megapixel frames are 54 GB of GeoTIFF, which few users want. The size of all
frames is therefore estimated from the timetable before the run. Above two gigabytes a sample is
written, unless the user chooses all frames.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ...link.errors import InputError
from ...link.plurals import counted
from ..mission.preparation import Mission
from ..mission.views import View

Choice = Literal["all", "sample", "none"]
CHOICES: Final[tuple[Choice, ...]] = ("all", "sample", "none")

LARGEST_BY_DEFAULT: Final = 2_000_000_000
"""Bytes up to which all frames are written by default."""
SAMPLE_FRAMES: Final = 24
_RESERVE: Final = 256_000_000
"""Bytes of the disk that stay free for tables, report and other programs."""
_HEADER: Final = 16_384


@dataclass(frozen=True, slots=True)
class DeliveredPlan:
    """Which pictures of delivered frames are written, and where.

    Attributes:
        folder: Where pictures are written; None if none are.
        choice: All, a sample or none.
        by_default: Whether neither the command line nor the scenario chose.
        estimate: Bytes that the pictures of all planned frames would take at most.
        planned: Frames with pixels in the timetable.
        seed: Seed of the scenario.
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
            sizes: Bytes of each delivered frame's picture at most, by frame number.
        """
        if self.folder is None or self.choice == "none":
            return frozenset()
        if self.choice == "all":
            return frozenset(sizes)
        # Sorted, so that the same frames give the same sample in whatever order they come.
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
        """Return the block `pictures` of summary.json."""
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
        mission: What was planned.
        folder: Where pictures are written; None writes none.
        choice: Choice of the command line. Without it the scenario's `report.delivered` holds,
            and without that all frames up to two gigabytes, and a sample above.

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
                f"{folder}: {counted(count, 'delivered frame')} may take {_size(most)}, and "
                f"{_size(free)} of the disk are left; {_ALLOWED}"
            )
    return plan


def picture_bytes(view: View) -> int:
    """Return the largest size of a picture in bytes: uncompressed samples, and overviews.

    Noise does not compress, and overviews add a third.
    """
    return view.samples * (1 if view.bit_depth <= 8 else 2) * 4 // 3 + _HEADER


def _how(plan: DeliveredPlan, written: int, delivered: int) -> str:
    """Return a sentence on how many frames were written and how they were chosen."""
    frames, verb = ("frame", "is") if delivered == 1 else ("frames", "are")
    of = f"{written:,} of {delivered:,} delivered {frames} with pixels {verb} written as GeoTIFF"
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
    """Return the free bytes of a folder's disk, and how many of them must stay free."""
    usage = shutil.disk_usage(folder)
    return usage.free, min(_RESERVE, usage.total // 20)
