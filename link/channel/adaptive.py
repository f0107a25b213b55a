"""A link whose mode is constant, follows a prediction, or follows what the station measures.

```
                     ┌─ CCM  one mode ────────────────────────────────────┐
Es/N0 over a pass ───┼─ VCM  the mode that a prediction allows ───────────┼─► mode that is sent ─┐
                     └─ ACM  the mode that the last measurement allows ───┘                      ▼
Es/N0 with the weather as it is ─► modes that are received ─────────────────► segments: rate, loss
```

Constant, variable and adaptive coding and modulation are those of ETSI EN 302 307-1 (DVB-S2),
annex D; CCSDS 131.2-B and 131.3-B have the same. A frame is received if Es/N0 is at or above the
threshold of its mode and lost if it is below. Between the two lie a few tenths of a decibel,
which a table of thresholds does not contain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ..clock import to_whole_milliseconds
from .budget import LinkBudget
from .downlink import MARGIN, PACKET_LOSS, RAIN, RateSegment
from .fade import Fade, NoFade
from .level_steps import SampledCurve, Spans, Steps, edges
from .modulation import Mode
from .rate_model import PassGeometry

Array = NDArray[np.float64]

_STEP_S: Final = 10.0
_LONGEST_TOGETHER_S: Final = 400_000.0
"""Length of the passes that are computed at once, in seconds; it bounds memory to some 100 MB."""


class LinkCurves:
    """Es/N0 of a link over its passes: as it is, under a clear sky, and as it is predicted.

    Args:
        budget: The link budget.
        geometry: Any pass of the link; elevation and range at a time do not depend on which.
        spans: The passes from AOS to LOS.
        fade: The excess attenuation as it is.
        step_s: Distance of the nodes at which the curves are sampled first, in seconds; a fade
            that is smooth between closer nodes alone has these.
    """

    def __init__(
        self,
        budget: LinkBudget,
        geometry: PassGeometry,
        spans: Spans,
        fade: Fade,
        step_s: float,
    ) -> None:
        self._budget = budget
        self._geometry = geometry
        self._step_s = step_s
        self.spans = spans
        self.clear = self.under(NoFade())
        self.actual = self.clear if isinstance(fade, NoFade) else self.under(fade)

    def under(self, fade: Fade) -> SampledCurve:
        """Return Es/N0 in dB with an excess attenuation."""

        def es_n0_db(time_s: Array) -> Array:
            return es_n0_over(self._budget, self._geometry, time_s, fade)

        return SampledCurve(es_n0_db, self.spans, min(self._step_s, fade.step_s))


class Coding(Protocol):
    """Decides which mode is sent when."""

    def sent(self, curves: LinkCurves, modes: Sequence[Mode]) -> Steps:
        """Return the number of the mode that is sent, counted from 1; 0 where nothing is sent.

        Args:
            curves: Es/N0 of the link.
            modes: Modes in ascending order of required Es/N0.
        """


@dataclass(frozen=True, slots=True)
class ConstantCoding:
    """CCM: the first mode is sent from AOS to LOS, whether or not it is received."""

    def sent(self, curves: LinkCurves, modes: Sequence[Mode]) -> Steps:  # noqa: ARG002
        """See `Coding.sent`."""
        return Steps.constant(curves.spans, 1)


@dataclass(frozen=True, slots=True)
class VariableCoding:
    """VCM: the mode follows a prediction, so the station need not report anything.

    Attributes:
        predicted: The excess attenuation for which the link is sized, such as that of a fixed
            availability.
        margin_db: By how much the predicted Es/N0 must exceed a mode's threshold, in dB.
    """

    predicted: Fade
    margin_db: float

    def sent(self, curves: LinkCurves, modes: Sequence[Mode]) -> Steps:
        """See `Coding.sent`."""
        plain = isinstance(self.predicted, NoFade)
        curve = curves.clear if plain else curves.under(self.predicted)
        return curve.steps(thresholds_db(modes) + self.margin_db)


@dataclass(frozen=True, slots=True)
class AdaptiveCoding:
    """ACM: the mode follows the Es/N0 that the station measured a reaction time ago.

    The satellite goes up to a mode if the measured Es/N0 exceeds its threshold by margin and
    hysteresis, and down from it if the margin is gone. Until the first report arrives, it sends
    dummy frames, on which the station measures, and no data.

    Attributes:
        margin_db: Margin in dB.
        hysteresis_db: Hysteresis in dB.
        reaction_s: Reaction time in seconds: measuring, reporting, changing the mode, and the
            path in both directions.
    """

    margin_db: float
    hysteresis_db: float
    reaction_s: float

    def sent(self, curves: LinkCurves, modes: Sequence[Mode]) -> Steps:
        """See `Coding.sent`."""
        keep = thresholds_db(modes) + self.margin_db
        kept = curves.actual.steps(keep)
        if self.hysteresis_db:
            kept = _with_hysteresis(kept, curves.actual.steps(keep + self.hysteresis_db))
        return kept.later(curves.spans, to_whole_milliseconds(self.reaction_s), before=0)


@dataclass(frozen=True, slots=True)
class AdaptiveLink:
    """A rate model: a link budget with modes, a coding, and the weather.

    Attributes:
        budget: The link budget.
        modes: Modes that may be sent, with both threshold and rate ascending.
        bits_per_second: Information rate of each mode.
        coding: Decides which mode is sent.
        fade: The excess attenuation of the path as it is.
        packet_loss: Probability that a packet is lost although its mode is received.
        step_s: Distance in seconds of the nodes at which curves are sampled before crossings are
            searched for. Between nodes at its multiples, the geometry must be smooth.

    Raises:
        ValueError: There is not one rate for each mode, or thresholds do not ascend.
    """

    budget: LinkBudget
    modes: tuple[Mode, ...]
    bits_per_second: tuple[int, ...]
    coding: Coding
    fade: Fade
    packet_loss: float = 0.0
    step_s: float = _STEP_S

    def __post_init__(self) -> None:
        levels = thresholds_db(self.modes)
        if not self.modes or len(self.modes) != len(self.bits_per_second):
            raise ValueError(
                f"{len(self.bits_per_second)} rates for {len(self.modes)} modes; "
                "allowed is one rate for each mode, and at least one mode"
            )
        if np.any(np.diff(levels) <= 0.0):
            raise ValueError(f"thresholds {levels.tolist()} dB; allowed is an ascending order")

    def segments(self, geometry: PassGeometry) -> list[RateSegment]:
        """Return the segments of one pass; see `rate_model.RateModel`."""
        return self.segments_of([geometry])[0]

    def segments_of(self, passes: Sequence[PassGeometry]) -> list[list[RateSegment]]:
        """Return the segments of passes of one satellite over one station, in order of AOS."""
        found: list[list[RateSegment]] = []
        together: list[PassGeometry] = []
        total_s = 0.0
        for one in passes:
            if together and total_s + one.los_s - one.aos_s > _LONGEST_TOGETHER_S:
                found += self._together(together)
                together, total_s = [], 0.0
            together.append(one)
            total_s += one.los_s - one.aos_s
        return found + (self._together(together) if together else [])

    def _together(self, passes: Sequence[PassGeometry]) -> list[list[RateSegment]]:
        """Return the segments of passes that are computed at once."""
        spans = Spans(
            np.array([one.aos_s for one in passes]), np.array([one.los_s for one in passes])
        )
        curves = LinkCurves(self.budget, passes[0], spans, self.fade, self.step_s)
        levels = thresholds_db(self.modes)
        sent = self.coding.sent(curves, self.modes)
        received = curves.actual.steps(levels)
        clear = received if curves.clear is curves.actual else curves.clear.steps(levels)
        return self._segments(spans, sent, received, clear)

    def _segments(
        self, spans: Spans, sent: Steps, received: Steps, clear: Steps
    ) -> list[list[RateSegment]]:
        """Join the three steps: what is sent, is received, and would be under a clear sky."""
        span, tick = edges(sent, received, clear)
        mode = sent.at(span, tick)
        # 0: received, or nothing sent; 1: lost by rain; 2: lost because the margin is too small.
        lost = np.where(mode <= received.at(span, tick), 0, 1)
        lost = np.where((lost > 0) & (mode > clear.at(span, tick)), 2, lost)
        kept = np.ones(len(span), dtype=np.bool_)
        kept[1:] = np.any((span[1:] != span[:-1], np.diff(mode) != 0, np.diff(lost) != 0), axis=0)
        span, tick, mode, lost = span[kept], tick[kept], mode[kept], lost[kept]
        last = np.append(span[1:] != span[:-1], True)
        end = np.where(last, spans.end[span], np.append(tick[1:], 0))
        kinds = [(0, self.packet_loss, PACKET_LOSS, "")]
        kinds += [
            (rate, self.packet_loss, PACKET_LOSS, mode.name)
            for mode, rate in zip(self.modes, self.bits_per_second, strict=True)
        ]
        losses = ("", RAIN, MARGIN)
        found: list[list[RateSegment]] = [[] for _ in range(len(spans))]
        for owner, start, stop, number, why in zip(
            span.tolist(), tick.tolist(), end.tolist(), mode.tolist(), lost.tolist(), strict=True
        ):
            rate, loss, cause, name = kinds[number]
            if why:
                loss, cause = 1.0, losses[why]
            found[owner].append(RateSegment(start, stop, rate, loss, cause, name))
        return found


def es_n0_over(budget: LinkBudget, geometry: PassGeometry, time_s: Array, fade: Fade) -> Array:
    """Return Es/N0 in dB of a link at times of a pass.

    Args:
        budget: The link budget.
        geometry: The pass.
        time_s: Times in seconds of the run, shape ``(n,)``.
        fade: The excess attenuation.
    """
    elevation_deg = geometry.elevation_deg_at(time_s)
    return budget.es_n0_db(
        elevation_deg, geometry.slant_range_m_at(time_s), fade.attenuation_db(time_s, elevation_deg)
    )


def thresholds_db(modes: Sequence[Mode]) -> Array:
    """Return the required Es/N0 of modes in dB, shape ``(n,)``."""
    return np.array([mode.required_es_n0_db for mode in modes])


def _with_hysteresis(kept: Steps, reached: Steps) -> Steps:
    """Return the mode of a controller that goes up at one set of levels and down at another.

    Args:
        kept: The highest mode that need not be left.
        reached: The highest mode to which the controller goes up; nowhere above `kept`.
    """
    span, tick = edges(kept, reached)
    most, least = kept.at(span, tick).tolist(), reached.at(span, tick).tolist()
    counts: list[int] = []
    last, mode = -1, 0
    for owner, high, low in zip(span.tolist(), most, least, strict=True):
        # At the first report there is no mode to hold on to.
        mode = high if owner != last else max(min(mode, high), low)
        last = owner
        counts.append(mode)
    return Steps(span, tick, np.array(counts, dtype=np.intp))
