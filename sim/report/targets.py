"""What became of the targets: frames taken and delivered, and the targets never imaged."""

from __future__ import annotations

from collections import Counter

from . import wording as w
from .data import ReportData, names

_MOST_NAMES = 10


def outcomes(data: ReportData) -> dict[str, tuple[int, int]]:
    """Return for each target how many frames were taken and how many were delivered."""
    target = names(data.frames, "target")
    taken = Counter(target)
    delivered = Counter(target[names(data.frames, "state") == "delivered"])
    return {site.name: (taken[site.name], delivered[site.name]) for site in data.targets}


def never_imaged(data: ReportData) -> list[str]:
    """Return the names of targets of which no frame was taken, in the scenario's order."""
    taken = set(names(data.frames, "target"))
    return list(dict.fromkeys(site.name for site in data.targets if site.name not in taken))


def sentence(data: ReportData) -> str:
    """Return how many targets were never imaged, which, and why; empty if all were."""
    missing = never_imaged(data)
    if not missing:
        return ""
    every = len({site.name for site in data.targets})
    subject = (
        f"None of the {w.plural(every, 'target')} was imaged"
        if len(missing) == every
        else f"{w.count(len(missing))} of {w.plural(every, 'target')} "
        f"{'was' if len(missing) == 1 else 'were'} never imaged"
    )
    seen = set(names(data.accesses, "target"))
    unseen = sum(name not in seen for name in missing)
    why = []
    if unseen:
        why.append(
            "never in view" if unseen == len(missing) else f"{w.count(unseen)} never in view"
        )
    if unseen < len(missing):
        skipped = len(missing) - unseen
        why.append(
            "in view, but skipped" if not unseen else f"{w.count(skipped)} in view, but skipped"
        )
    listed = w.some([w.short(name, 60) for name in missing], _MOST_NAMES)
    return f"{subject} ({', '.join(why)}): {listed}."
