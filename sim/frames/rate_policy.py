"""Rate policies: they decide at which setting each frame is encoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ...payload.encoders.base import Setting
from ..model.setup import Capture, MissionSetup, Situation
from ..scenario.satellite import SatelliteSpec
from .lookahead import Lookahead, Points

_STEPS: Final = 64


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


@dataclass(frozen=True, slots=True)
class BacklogRate:
    """Fewer bits the fuller the recorder is, in proportion: a rule to follow by hand.

    Attributes:
        least_bpp: Rate with a full recorder, in bits per pixel.
        most_bpp: Rate with an empty one.
    """

    least_bpp: float
    most_bpp: float

    def planned(self, capture: Capture) -> None:  # noqa: ARG002
        """Return None: no setting is known before the run."""
        return

    def setting(self, capture: Capture, situation: Situation) -> Setting:  # noqa: ARG002
        """Return the rate for what the recorder holds, in steps of a sixty-fourth of the range."""
        capacity = situation.recorder_capacity
        full = -(-situation.recorder_used * _STEPS // capacity) if capacity else _STEPS
        bpp = self.most_bpp - (self.most_bpp - self.least_bpp) * full / _STEPS
        return Setting(bpp=bpp)


def rate_policy(
    satellite: SatelliteSpec,
    setup: MissionSetup,
    index: int,
    measure: Callable[[Capture, Sequence[Setting]], Points | None],
) -> RatePolicy:
    """Return the rate policy that a satellite's codec has in the scenario.

    Args:
        satellite: The satellite.
        setup: The mission.
        index: Index of the satellite.
        measure: Returns a frame's curve, see `lookahead`.
    """
    codec = satellite.codec
    least_bpp = codec.lowest_bpp
    if codec.bpp is None or least_bpp is None:
        return FixedRate(codec.setting)
    if codec.policy == "backlog":
        return BacklogRate(least_bpp, codec.bpp)
    return Lookahead(setup, index, least_bpp=least_bpp, most_bpp=codec.bpp, measure=measure)
