"""Read the figures of a summary, parts of which may be missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from . import wording as w


def part(block: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of a summary block; empty if there is none."""
    found = block.get(name)
    return found if isinstance(found, Mapping) else {}


def psnr(block: Mapping[str, Any], figure: str) -> float | None:
    """Return a PSNR of a summary block (`pooled`, `undamaged` or `p5`) in dB.

    It is infinite if all frames are exact, which JSON cannot write; None if nothing was measured.
    """
    found = part(block, "psnr_db")
    value = found.get(figure)
    if w.present(value):
        return float(value)
    return math.inf if whole(found.get("exact")) else None


def mean_backlog(block: Mapping[str, Any]) -> str:
    """Format the mean backlog, which the summary has rounded down: 0 B only if nothing waited."""
    found = part(block, "backlog_bytes")
    if found.get("mean") == 0 and whole(found.get("peak")):
        return f"<{w.NBSP}1{w.NBSP}B"
    return w.known(found.get("mean"), w.size)


def whole(value: Any) -> int:
    """Return a count from the summary; 0 if there is none."""
    return int(value) if w.present(value) else 0


def summed(block: Mapping[str, Any], name: str) -> int | None:
    """Return the sum of a part's counts by cause; None if the block has no such part."""
    found = block.get(name)
    return sum(whole(n) for n in found.values()) if isinstance(found, Mapping) else None
