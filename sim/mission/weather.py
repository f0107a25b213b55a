"""The weather over the stations of a scenario: which fade each link has.

```
weather: drawn ─────────► RainSeries of the station ─► RainFade of the link ───┐
weather: availability ──► ConstantFade of the link ────────────────────────────┼─► contacts
weather: none ──────────► NoFade ──────────────────────────────────────────────┘
```
"""

from __future__ import annotations

from collections.abc import Callable

from ...link.channel.fade import ConstantFade, Fade, NoFade
from ...link.channel.rain_fade import RainFade
from ...link.channel.rain_series import RainSeries
from ..scenario.ground import StationSpec
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from ..scenario.weather import WeatherSpec
from .link import budget_of

DEFAULT = WeatherSpec(rain="drawn")
"""The weather of a scenario that says nothing about it."""


def weather_of(scenario: Scenario) -> Callable[[SatelliteSpec, StationSpec], Fade]:
    """Return a function that gives the fade between a satellite and a station.

    All satellites share the weather that is drawn for a station. It depends on the seed and on the
    station's name, so another satellite or station does not change it.

    Args:
        scenario: The scenario; the function takes its satellites with a `link` and its stations
            with a `receiver`.
    """
    weather = scenario.weather or DEFAULT

    def fade(satellite: SatelliteSpec, station: StationSpec) -> Fade:
        if weather.is_clear:
            return NoFade()
        budget = budget_of(satellite, station)
        frequency, tilt = budget.transmitter.frequency_hz, budget.transmitter.polarization_tilt_deg
        if weather.availability is not None:
            return ConstantFade(
                frequency,
                budget.site,
                weather.availability,
                budget.receiver.aperture_m(frequency),
                tilt,
            )
        series = RainSeries(scenario.seed, station.name)
        return RainFade(series, frequency, budget.site, tilt)

    return fade
