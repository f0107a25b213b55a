"""What a link does over its passes, and its budget at the best and the worst moment of a run.

```
flight ─► links with a budget ─► AdaptiveLink ─┬─► LinkPass: Es/N0 over time, segments
                                               └─► LinkMoment: the budget line by line
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...link.channel.adaptive import AdaptiveLink, es_n0_over
from ...link.channel.budget import BudgetLine
from ...link.channel.downlink import Downlink, RateSegment
from ...link.channel.fade import NoFade
from ...link.clock import TICKS_PER_SECOND
from ..orbit.passes import Pass
from .flight import Flight
from .link import adaptive_link, has_budget, why_no_contact
from .weather import weather_of

Array = NDArray[np.float64]

_STEP_S: Final = 5.0
"""Distance of two moments at which a pass is looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkPass:
    """A pass of a link with a budget.

    Attributes:
        index: Index of the pass in the flight.
        one: The pass.
        segments: What is sent and received, from AOS to LOS.
        time_s: Times from AOS to LOS, at most five seconds apart, culmination among them.
        es_n0_db: Es/N0 at these times in dB, with the weather as it is.
        clear_db: Es/N0 at these times in dB under a clear sky.
        fade_db: The excess attenuation at these times in dB.
    """

    index: int
    one: Pass
    segments: tuple[RateSegment, ...]
    time_s: Array
    es_n0_db: Array
    clear_db: Array
    fade_db: Array

    @property
    def received_bytes(self) -> int:
        """Bytes that the pass carries in modes that are received."""
        units = sum(
            (segment.end - segment.start) * segment.bits_per_second
            for segment in self.segments
            if segment.packet_loss < 1.0
        )
        return units // (8 * TICKS_PER_SECOND)

    @property
    def carried_bytes(self) -> int:
        """Bytes that the pass carries, received or not."""
        return Downlink(self.segments).capacity


@dataclass(frozen=True, slots=True)
class LinkMoment:
    """A link's budget at one moment of the run.

    Attributes:
        time_s: When, in seconds of the run.
        elevation_deg: Elevation of the satellite in degrees.
        slant_range_m: Distance to the satellite in metres.
        mode: Name of the mode that is sent; empty if none.
        loss_cause: Why what is sent is lost; empty if it is received, or nothing is sent.
        es_n0_db: Es/N0 in dB.
        lines: The budget, from the transmitter to the margin and the rate.
    """

    time_s: float
    elevation_deg: float
    slant_range_m: float
    mode: str
    loss_cause: str
    es_n0_db: float
    lines: tuple[BudgetLine, ...]


class LinkOverRun:
    """A link between one satellite and one station over a whole run.

    Args:
        satellite: Index of the satellite.
        station: Index of the station.
        reason: Why the station cannot receive the satellite at all; empty if it can.
        passes: Index and pass of each of the link's passes, in order of AOS.
        link: Makes the rate model; called only if it is needed.
    """

    def __init__(
        self,
        satellite: int,
        station: int,
        reason: str,
        passes: Sequence[tuple[int, Pass]],
        link: Callable[[], AdaptiveLink],
    ) -> None:
        self.satellite = satellite
        self.station = station
        self.reason = reason
        self.number_of_passes = len(passes)
        self._passes = passes
        self._make = link
        self._link: AdaptiveLink | None = None
        self._found: list[LinkPass] | None = None

    @property
    def link(self) -> AdaptiveLink:
        """The rate model."""
        if self._link is None:
            self._link = self._make()
        return self._link

    @property
    def passes(self) -> Sequence[LinkPass]:
        """All passes, in order of AOS; none if the station cannot receive the satellite."""
        if self._found is None:
            self._found = [] if self.reason or not self._passes else self._all()
        return self._found

    def _all(self) -> list[LinkPass]:
        link, passes = self.link, [one for _, one in self._passes]
        times = [_times(one) for one in passes]
        every, ends = np.concatenate(times), np.cumsum([len(time) for time in times])[:-1]
        # Elevation and range do not depend on which of the link's passes is asked.
        es_n0 = np.split(es_n0_over(link.budget, passes[0], every, link.fade), ends)
        clear = np.split(es_n0_over(link.budget, passes[0], every, NoFade()), ends)
        fade = np.split(link.fade.attenuation_db(every, passes[0].elevation_deg_at(every)), ends)
        return [
            LinkPass(index, one, tuple(segments), *curves)
            for (index, one), segments, *curves in zip(
                self._passes,
                link.segments_of(passes),
                times,
                es_n0,
                clear,
                fade,
                strict=True,
            )
        ]

    def best(self) -> LinkMoment | None:
        """Return the moment of the largest Es/N0; None without a pass."""
        found = [(float(p.es_n0_db.max()), p, int(p.es_n0_db.argmax())) for p in self.passes]
        top = max(found, key=lambda item: item[0], default=None)
        return None if top is None else self.moment(top[1], float(top[1].time_s[top[2]]))

    def worst(self) -> LinkMoment | None:
        """Return the moment of the smallest Es/N0; None without a pass."""
        found = [(float(p.es_n0_db.min()), p, int(p.es_n0_db.argmin())) for p in self.passes]
        low = min(found, key=lambda item: item[0], default=None)
        return None if low is None else self.moment(low[1], float(low[1].time_s[low[2]]))

    def moment(self, over: LinkPass, time_s: float) -> LinkMoment:
        """Return the budget at a moment of one of the link's passes.

        Args:
            over: The pass.
            time_s: The moment in seconds of the run, from AOS to LOS.
        """
        link, at = self.link, np.array([time_s])
        elevation = float(over.one.elevation_deg_at(at)[0])
        distance = float(over.one.slant_range_m_at(at)[0])
        fade = float(link.fade.attenuation_db(at, np.array([elevation]))[0])
        lines = link.budget.lines(elevation, distance, fade)
        es_n0 = lines[-1].value
        segment = _segment_at(over.segments, time_s)
        lost = segment.loss_cause if segment.packet_loss >= 1.0 else ""
        lines += _mode_lines(link, es_n0, segment, lost)
        return LinkMoment(time_s, elevation, distance, segment.mode, lost, es_n0, tuple(lines))


def links_over_run(flight: Flight) -> Iterator[LinkOverRun]:
    """Yield every link with a budget that has a pass, by satellite and station.

    Args:
        flight: Geometry of the run.
    """
    scenario, weather = flight.scenario, weather_of(flight.scenario)
    passes: dict[tuple[int, int], list[tuple[int, Pass]]] = {}
    for index, one in enumerate(flight.passes):
        passes.setdefault((one.satellite, one.station), []).append((index, one))
    for (satellite, station), own in sorted(passes.items()):
        sender, receiver = scenario.satellites[satellite], scenario.stations[station]
        if has_budget(sender, receiver):
            yield LinkOverRun(
                satellite,
                station,
                why_no_contact(sender, receiver),
                own,
                lambda s=sender, r=receiver: adaptive_link(s, r, weather(s, r)),  # type: ignore[misc]
            )


def _times(one: Pass) -> Array:
    inner = np.arange(np.floor(one.aos_s / _STEP_S) + 1.0, np.ceil(one.los_s / _STEP_S)) * _STEP_S
    return np.unique(np.concatenate(([one.aos_s, one.culmination_s, one.los_s], inner)))


def _segment_at(segments: Sequence[RateSegment], time_s: float) -> RateSegment:
    tick = time_s * TICKS_PER_SECOND
    return next((s for s in segments if tick < s.end), segments[-1])


def _mode_lines(
    link: AdaptiveLink, es_n0_db: float, segment: RateSegment, lost: str
) -> Iterator[BudgetLine]:
    """Yield the lines below Es/N0: what the mode needs, what is left, and what it carries."""
    sent = next((mode for mode in link.modes if mode.name == segment.mode), None)
    mode = sent or link.modes[0]
    yield BudgetLine(
        "required Es/N0",
        mode.required_es_n0_db,
        "dB",
        f"threshold of {mode.name}" + (", which is sent" if sent else ", the most robust mode"),
    )
    how = "Es/N0 − required Es/N0"
    if lost:
        how += f"; frames are lost ({lost})"
    yield BudgetLine("margin", es_n0_db - mode.required_es_n0_db, "dB", how)
    rate = segment.bits_per_second
    per_symbol = rate / link.budget.transmitter.symbol_rate
    # Two decimals are shown, which have to say something of 9600 Bd, too.
    unit, size = next(
        (unit, size)
        for unit, size in (("Mbit/s", 1e6), ("kbit/s", 1e3), ("bit/s", 1.0))
        if rate >= size or size == 1.0
    )
    yield BudgetLine(
        "information rate",
        rate / size,
        unit,
        f"symbol rate × {per_symbol:.4f} bit of data a symbol, after all framing"
        if sent
        else "nothing is sent: no mode closes with its margin, or no report has arrived yet",
    )
