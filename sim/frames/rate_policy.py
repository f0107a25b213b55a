"""Rate policies: they decide at which setting each frame is encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ...payload.encoders.base import Setting
from ..model.setup import Capture, Situation
from ..scenario.satellite import SatelliteSpec


class RatePolicy(Protocol):
    """Decides the setting of each frame of one satellite.

    `planned` allows frames to be encoded before the simulation reaches them. To keep runs
    repeatable, the same capture and situation must always get the same setting.
    """

    def planned(self, capture: Capture) -> Setting | None:
        """Return a frame's setting if it is known before the run, or None."""

    def setting(self, capture: Capture, situation: Situation) -> Setting:
        """Return a frame's setting; called when the processor begins to encode it.

        Args:
            capture: The frame. If `planned` returned a setting for it, return the same one.
            situation: The satellite's state at this moment.
        """


@dataclass(frozen=True, slots=True)
class FixedRate:
    """One setting for all frames.

    Attributes:
        value: The setting.
    """

    value: Setting

    def planned(self, capture: Capture) -> Setting:  # noqa: ARG002
        """Return the setting, which is always known."""
        return self.value

    def setting(self, capture: Capture, situation: Situation) -> Setting:  # noqa: ARG002
        """Return the setting."""
        return self.value


def rate_policy(satellite: SatelliteSpec) -> RatePolicy:
    """Choose the rate policy of a satellite: always the one setting of its codec."""
    return FixedRate(satellite.codec.setting)
