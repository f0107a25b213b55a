"""Gather what the report shows of links with a budget: passes to draw, fades and budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...link.clock import to_seconds
from ..mission.flight import Flight
from ..mission.link_moments import LinkMoment, LinkOverRun, LinkPass, links_over_run
from . import wording as w
from .data import BudgetRow, LinkPassView, LinkView, ModeSpan

Array = NDArray[np.float64]

MOST_LINKS: Final = 12
"""Of more links than these, the report shows those with the most passes."""

FADED_DB: Final = 1.0
"""Excess attenuation in dB from which a moment counts as faded."""

_THREE_EACH: Final = 3
"""Up to so many links, best, median and worst pass are drawn of each; of more, the median."""


def link_views(flight: Flight) -> tuple[list[LinkView], int]:
    """Return the links with a budget that the report shows, and how many it leaves out.

    Args:
        flight: Geometry of the run.
    """
    every = list(links_over_run(flight))
    chosen = sorted(every, key=lambda one: -one.number_of_passes)[:MOST_LINKS]
    chosen = [one for one in every if one in chosen]
    few = sum(not one.reason for one in chosen) <= _THREE_EACH
    return [_view(flight, one, few) for one in chosen], len(every) - len(chosen)


def _view(flight: Flight, one: LinkOverRun, few: bool) -> LinkView:
    scenario = flight.scenario
    satellite = scenario.satellites[one.satellite].name
    station = scenario.stations[one.station].name
    passes = one.passes
    fades = np.concatenate([over.fade_db for over in passes]) if passes else np.zeros(0)
    weights = np.concatenate([_lengths_s(over.time_s) for over in passes] or [np.zeros(0)])
    best, worst = one.best(), one.worst()
    return LinkView(
        satellite=satellite,
        station=station,
        passes=one.number_of_passes,
        no_contact=one.reason,
        largest_fade_db=float(fades.max(initial=0.0)),
        time_s=float(sum(over.one.duration_s for over in passes)),
        faded_s=float(weights[fades > FADED_DB].sum()),
        received_bytes=sum(over.received_bytes for over in passes),
        lost_bytes=sum(over.carried_bytes - over.received_bytes for over in passes),
        best=_title(flight, best),
        worst=_title(flight, worst),
        budget=_budget(best, worst),
        drawn=[
            _pass_view(one, over, which, satellite, station) for which, over in _chosen(passes, few)
        ],
    )


def _lengths_s(time_s: Array) -> Array:
    """Return for each moment the seconds that are nearest to it; they add up to the pass."""
    middle = (time_s[1:] + time_s[:-1]) / 2.0
    return np.diff(middle, prepend=time_s[0], append=time_s[-1])


def _chosen(passes: Sequence[LinkPass], few: bool) -> list[tuple[str, LinkPass]]:
    """Return the passes to draw: best, median and worst by bytes received; of a tie the first."""
    if not passes:
        return []
    order = sorted(passes, key=lambda over: -over.received_bytes)
    total = f"of {w.plural(len(order), 'pass')}"
    middle = order[(len(order) - 1) // 2]
    if not few:
        return [(f"median {total}", middle)]
    named = {f"best {total}": order[0], f"median {total}": middle, f"worst {total}": order[-1]}
    if len(order) == 1:
        named = {"the only pass": order[0]}
    elif len(order) == 2:
        named.pop(f"median {total}")
    return list(named.items())


def _pass_view(
    one: LinkOverRun, over: LinkPass, which: str, satellite: str, station: str
) -> LinkPassView:
    required = {mode.name: mode.required_es_n0_db for mode in one.link.modes}
    return LinkPassView(
        satellite=satellite,
        station=station,
        which=which,
        max_elevation_deg=over.one.max_elevation_deg,
        time_s=over.time_s,
        es_n0_db=over.es_n0_db,
        clear_db=over.clear_db,
        spans=[
            ModeSpan(
                to_seconds(segment.start),
                to_seconds(segment.end),
                segment.mode,
                required.get(segment.mode, float("nan")),
                segment.loss_cause if segment.packet_loss >= 1.0 else "",
            )
            for segment in over.segments
        ],
        received_bytes=over.received_bytes,
        lost_bytes=over.carried_bytes - over.received_bytes,
    )


def _title(flight: Flight, moment: LinkMoment | None) -> str:
    if moment is None:
        return ""
    sent = f"{moment.mode} is sent" if moment.mode else "nothing is sent"
    lost = f" and lost ({moment.loss_cause})" if moment.loss_cause else ""
    return (
        f"{w.instant(flight.scenario.start, moment.time_s)}, "
        f"{w.degrees(moment.elevation_deg)}, {moment.slant_range_m / 1000:,.0f}{w.NBSP}km, "
        f"{sent}{lost}"
    )


def _budget(best: LinkMoment | None, worst: LinkMoment | None) -> list[BudgetRow]:
    if best is None or worst is None:
        return []
    return [
        BudgetRow(good.name, good.value, bad.value, good.unit, good.how)
        for good, bad in zip(best.lines, worst.lines, strict=True)
    ]
