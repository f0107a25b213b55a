"""Frames without pixels: their size follows from the codec's rate or budget."""

from __future__ import annotations

from ...link.clock import TICKS_PER_SECOND
from ...payload.processors import REQUANTISE_PERCENT
from ..model.records import FrameRecord
from ..model.setup import Capture, Encoded, Situation
from ..scenario.satellite import SatelliteSpec
from .rate_policy import FixedRate, RatePolicy

MODELLED = "modelled"


class RatedFrames:
    """Frame source with sizes from the rate or budget, and times from the encode rate."""

    time_kind = MODELLED

    def __init__(
        self, satellite: SatelliteSpec, codec: str = "", policy: RatePolicy | None = None
    ) -> None:
        """Prepare for one satellite.

        Args:
            satellite: The satellite.
            codec: The codec whose encode rate gives the times; by default the satellite's own.
            policy: Decides the settings; by default the one setting of the satellite's codec.
        """
        self._policy = policy or FixedRate(satellite.codec.setting)
        self._rate = round(satellite.processor.rate_of(codec or satellite.codec.name))

    def encode(self, capture: Capture, situation: Situation) -> Encoded:
        """Return the size that the rate or the budget allows."""
        setting = self._policy.setting(capture, situation)
        size = setting.budget(capture.width, capture.height)
        if size is None:
            raise ValueError("a quality says nothing about sizes; the scenario should not have it")
        return Encoded(max(1, size), self.ticks(capture), setting)

    def requantise(self, record: FrameRecord, budgets: tuple[int, ...]) -> Encoded:
        """Return the size of the last budget, and the modelled time of requantisation."""
        size = min(budgets[-1], record.encoded_bytes)
        return Encoded(size, self.requantise_ticks(record.capture), record.setting)

    def requantise_ticks(self, capture: Capture) -> int:
        """Return the modelled time of requantisation, rounded up to a whole tick."""
        return -(-self.ticks(capture) * REQUANTISE_PERCENT // 100)

    def ticks(self, capture: Capture) -> int:
        """Return the modelled encode time, rounded up to a whole tick."""
        return -(-capture.samples * TICKS_PER_SECOND // self._rate)
