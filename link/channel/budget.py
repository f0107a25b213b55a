"""The link budget: from transmitter, receiver and atmosphere to Es/N0.

```
EIRP − free space − gases − fade − losses + G/T(sky) + 228.6 dBW/K/Hz − 10 log Rs = Es/N0
                    └───────────────► noise of the sky ──┘
```

The clear sky is the site's median atmosphere (gases only). All else that attenuates (rain, clouds,
scintillation) is the fade that the caller gives. What absorbs also radiates, so both raise the
system noise temperature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .antenna import (
    BOLTZMANN_DBW_PER_K_HZ,
    free_space_loss_db,
    sky_temperature_k,
)
from .atmosphere.gases import gas_attenuation_db
from .atmosphere.site import SiteClimate
from .link_ends import Receiver, Transmitter

LEAST_RECEIVER_K = 30.0
"""Least noise temperature of feed, spillover and amplifier: a stated system temperature from which
the sky's noise leaves less is taken to have been stated for a clearer sky."""


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One line of a link budget, as an engineer checks it.

    Attributes:
        name: What it is.
        value: The figure.
        unit: Its unit.
        how: How it was computed, with the numbers that went in.
    """

    name: str
    value: float
    unit: str
    how: str


@dataclass(frozen=True, slots=True)
class LinkBudget:
    """The budget of one link between a satellite and a station.

    Attributes:
        transmitter: What the satellite sends with.
        receiver: What the station receives with.
        site: Climate of the station.
    """

    transmitter: Transmitter
    receiver: Receiver
    site: SiteClimate
    _receiver_k: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        clear = float(sky_temperature_k(self.gases_db(self.receiver.reference_elevation_deg)))
        own = max(self.receiver.system_temperature_k - clear, LEAST_RECEIVER_K)
        object.__setattr__(self, "_receiver_k", own)

    def es_n0_db(
        self, elevation_deg: ArrayLike, slant_range_m: ArrayLike, fade_db: ArrayLike = 0.0
    ) -> NDArray[np.float64]:
        """Return Es/N0 at the demodulator in dB; the implementation loss is already taken off.

        Args:
            elevation_deg: Elevation in degrees; all three are broadcast together.
            slant_range_m: Distance to the satellite in metres.
            fade_db: Attenuation of the path beyond the clear sky's gases, in dB.
        """
        elevation = np.asarray(elevation_deg, dtype=np.float64)
        fade = np.asarray(fade_db, dtype=np.float64)
        gases = self.gases_db(elevation)
        sent, received = self.transmitter, self.receiver
        absorbed = gases + fade
        merit = received.gain_dbi(sent.frequency_hz) - 10 * np.log10(
            self._receiver_k + sky_temperature_k(absorbed)
        )
        fixed = (
            sent.eirp_dbw
            - sent.pointing_loss_db
            - received.pointing_loss_db
            - received.polarization_loss_db
            - sent.implementation_loss_db
            - BOLTZMANN_DBW_PER_K_HZ
            - 10 * math.log10(sent.symbol_rate)
        )
        es_n0: NDArray[np.float64] = (
            fixed - free_space_loss_db(sent.frequency_hz, slant_range_m) - absorbed + merit
        )
        return es_n0

    def gases_db(self, elevation_deg: ArrayLike) -> NDArray[np.float64]:
        """Return the attenuation of the clear sky's gases in dB.

        Args:
            elevation_deg: Elevation in degrees, any shape.
        """
        return gas_attenuation_db(self.transmitter.frequency_hz, elevation_deg, self.site)

    def system_temperature_k(
        self, elevation_deg: ArrayLike, fade_db: ArrayLike = 0.0
    ) -> NDArray[np.float64]:
        """Return the system noise temperature in K, with the noise of the sky that is seen.

        Args:
            elevation_deg: Elevation in degrees.
            fade_db: Attenuation of the path beyond the clear sky's gases, in dB; all of it is taken
                to absorb, so scintillation within it counts for more noise than it makes.
        """
        fade = np.asarray(fade_db, dtype=np.float64)
        temperature: NDArray[np.float64] = self._receiver_k + sky_temperature_k(
            self.gases_db(elevation_deg) + fade
        )
        return temperature

    def lines(
        self, elevation_deg: float, slant_range_m: float, fade_db: float = 0.0
    ) -> list[BudgetLine]:
        """Return the budget line by line, from the transmitter to Es/N0.

        Args:
            elevation_deg: Elevation in degrees.
            slant_range_m: Distance to the satellite in metres.
            fade_db: Attenuation of the path beyond the clear sky's gases, in dB.
        """
        sent, received = self.transmitter, self.receiver
        ghz = sent.frequency_hz / 1e9
        found: list[BudgetLine] = []

        def line(name: str, value: float, unit: str, how: str) -> float:
            found.append(BudgetLine(name, float(value) + 0.0, unit, how))
            return float(value)

        if sent.power_dbw is not None:
            line("transmitter power", sent.power_dbw, "dBW", f"{10 ** (sent.power_dbw / 10):.4g} W")
            line("line loss", -sent.line_loss_db, "dB", "given")
            line("transmitter antenna gain", sent.antenna_gain_dbi, "dBi", "given")
        eirp = line(
            "EIRP",
            sent.eirp_dbw,
            "dBW",
            "given" if sent.power_dbw is None else "power − line loss + antenna gain",
        )
        pointing = line("pointing loss, satellite", -sent.pointing_loss_db, "dB", "given")
        space = line(
            "free-space loss",
            -float(free_space_loss_db(sent.frequency_hz, slant_range_m)),
            "dB",
            f"20 log(4π d f / c), d = {slant_range_m / 1000:.1f} km, f = {ghz:.6g} GHz (P.525)",
        )
        gases = line(
            "gases",
            -float(self.gases_db(elevation_deg)),
            "dB",
            f"P.676-12 annex 2 at {elevation_deg:.2f}°, median water vapour",
        )
        fade = line("fade", -fade_db, "dB", "rain, clouds and scintillation beyond the clear sky")
        station = line("pointing loss, station", -received.pointing_loss_db, "dB", "given")
        polarization = line("polarization loss", -received.polarization_loss_db, "dB", "given")
        gain = line(
            "receiver antenna gain",
            received.gain_dbi(sent.frequency_hz),
            "dBi",
            f"η (π D f / c)², D = {received.diameter_m:g} m, η = {received.efficiency:g}"
            if received.g_over_t_db_per_k is None
            else f"stated G/T {received.g_over_t_db_per_k:g} dB/K "
            f"+ 10 log {received.system_temperature_k:g} K",
        )
        sky = float(sky_temperature_k(-gases - fade))
        temperature = float(self.system_temperature_k(elevation_deg, fade_db))
        line(
            "sky noise",
            sky,
            "K",
            "275 K (1 − 10^(−A/10)) + 2.7 K 10^(−A/10), A = gases + fade (P.618 §3)",
        )
        line(
            "system noise temperature",
            temperature,
            "K",
            f"receiver {temperature - sky:.1f} K + sky; stated {received.system_temperature_k:g} K "
            f"under a clear sky at {received.reference_elevation_deg:g}°",
        )
        merit = line(
            "G/T", gain - 10 * math.log10(temperature), "dB/K", "gain − 10 log temperature"
        )
        boltzmann = line("−k", -BOLTZMANN_DBW_PER_K_HZ, "dBW/K/Hz", "−10 log 1.380649e-23 J/K")
        density = line(
            "C/N0",
            eirp + pointing + space + gases + fade + station + polarization + merit + boltzmann,
            "dBHz",
            "sum of EIRP, losses, G/T and −k",
        )
        rate = line(
            "symbol rate",
            10 * math.log10(sent.symbol_rate),
            "dBHz",
            f"10 log {sent.symbol_rate:.6g} Bd; {sent.bandwidth_hz:.6g} Hz occupied at roll-off "
            f"{sent.roll_off:g}",
        )
        loss = line("implementation loss", -sent.implementation_loss_db, "dB", "given")
        line("Es/N0", density - rate + loss, "dB", "C/N0 − symbol rate − implementation loss")
        return found
