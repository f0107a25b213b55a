"""The time axis of all pictures over time: UTC, with ticks at round hours or days."""

from __future__ import annotations

from datetime import datetime, timedelta

from matplotlib.axes import Axes

from .wording import NBSP, date, short_date

_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
    *(86400 * days for days in (1, 2, 5, 10, 30, 90, 365)),
)


def ticks(start: datetime, duration_s: float, most: int) -> list[tuple[float, str]]:
    """Return about `most` round times within the run, as (seconds since its start, label)."""
    step = next((s for s in _STEPS_S if duration_s / s <= most), _STEPS_S[-1])
    midnight = datetime(start.year, start.month, start.day, tzinfo=start.tzinfo)
    offset = (start - midnight).total_seconds()
    found = []
    moment = -(-offset // step) * step
    while moment - offset <= duration_s:
        when = midnight + timedelta(seconds=moment)
        clock = f"{when:%H:%M}" if step >= 60 else f"{when:%H:%M:%S}"
        label = short_date(when) if step >= 86400 else clock
        found.append((moment - offset, label))
        moment += step
    return found


def time_axis(axes: Axes, start: datetime, duration_s: float, narrow: bool) -> None:
    """Set the axes' limits to the run's length, with ticks at round times."""
    axes.set_xlim(0, max(duration_s, 1.0))
    found = ticks(start, max(duration_s, 1.0), 4 if narrow else 9)
    axes.set_xticks([seconds for seconds, _ in found], [label for _, label in found])
    axes.tick_params(axis="x", labelsize=11 if narrow else 12)
    if found and found[-1][0] > 0.99 * duration_s:
        # The picture ends there: a label about the last tick would be cut off.
        axes.get_xticklabels()[-1].set_horizontalalignment("right")


def axis_name(start: datetime) -> str:
    """Return the axis' caption: "UTC, from 2 Dec 2024 00:00"."""
    return f"UTC, from {date(start)}{NBSP}{start:%H:%M}"
