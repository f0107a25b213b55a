"""The imager: takes the frames of the timetable, while the battery allows it."""

from __future__ import annotations

from typing import Final

from .events import Event
from .onboard import Onboard
from .processor import Processor
from .ticks import Process

NO_POWER: Final = "no power"


class Imager:
    """Records each capture of the timetable and hands the raw frame to the processor."""

    def __init__(self, onboard: Onboard, processor: Processor) -> None:
        self._onboard = onboard
        self._processor = processor

    def run(self) -> Process:
        """Take the frames of the timetable. A frame is missed if the battery is low during it."""
        onboard = self._onboard
        env, bus = onboard.env, onboard.bus
        for capture in onboard.setup.captures:
            yield env.timeout(capture.start - env.now)
            powered = onboard.has_power
            if bus is None:
                yield env.timeout(capture.end - env.now)
            elif powered:
                bus.draw(bus.setup.imaging)
                yield env.timeout(capture.end - env.now) | bus.low
                bus.draw(-bus.setup.imaging)
                powered = env.now == capture.end
            if powered:
                self._processor.accept(capture)
            else:
                onboard.missed[capture.number] = NO_POWER
                onboard.log(Event.MISS, frame=capture.number, target=capture.target, cause=NO_POWER)
