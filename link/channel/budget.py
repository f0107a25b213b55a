"""The link budget: from transmitter, receiver and atmosphere to Es/N0.

```
EIRP − free space − gases − fade + G/T(sky noise) + 228.6 − 10 log Rs − losses = Es/N0
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .atmosphere.site import SiteClimate

Polarization = Literal["circular", "horizontal", "vertical"]


@dataclass(frozen=True, slots=True)
class Transmitter:
    """A satellite's transmitter.

    Attributes:
        frequency_hz: Carrier frequency in Hz.
        eirp_dbw: Equivalent isotropically radiated power towards the station in dBW.
        symbol_rate: Channel symbols per second.
        roll_off: Roll-off of the pulse shape, 0 to 1; the carrier occupies
            `symbol_rate × (1 + roll_off)`.
        pointing_loss_db: Loss by pointing and by the edge of coverage, in dB.
        implementation_loss_db: Loss of modulator and demodulator against the ideal, in dB.
        polarization: Polarization of the carrier; it decides how rain attenuates it.
        power_dbw: Power of the amplifier, if the EIRP comes from it; only for the budget's lines.
        antenna_gain_dbi: Gain of the antenna, if the EIRP comes from it.
        line_loss_db: Loss between amplifier and antenna, if the EIRP comes from them.
    """

    frequency_hz: float
    eirp_dbw: float
    symbol_rate: float
    roll_off: float = 0.2
    pointing_loss_db: float = 0.0
    implementation_loss_db: float = 0.0
    polarization: Polarization = "circular"
    power_dbw: float | None = None
    antenna_gain_dbi: float = 0.0
    line_loss_db: float = 0.0

    @property
    def bandwidth_hz(self) -> float:
        """Occupied bandwidth in Hz."""
        return self.symbol_rate * (1 + self.roll_off)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A ground station's antenna and receiver.

    Either G/T is given or diameter; the system noise temperature says how much a noisy sky matters.

    Attributes:
        g_over_t_db_per_k: Figure of merit under a clear sky at `reference_elevation_deg`; None
            computes it.
        diameter_m: Diameter of the dish; None if only G/T is known.
        efficiency: Aperture efficiency of the dish, 0 to 1.
        system_temperature_k: System noise temperature under a clear sky at
            `reference_elevation_deg`, in kelvin.
        reference_elevation_deg: Elevation at which G/T and system temperature are stated.
        largest_symbol_rate: Largest symbol rate of the demodulator, in symbols per second.
        bands: Bands that the station receives, such as ``("S", "X")``; empty: any.
        pointing_loss_db: Pointing loss of the dish in dB.
        polarization_loss_db: Loss by unlike polarizations in dB.
    """

    g_over_t_db_per_k: float | None = None
    diameter_m: float | None = None
    efficiency: float = 0.6
    system_temperature_k: float = 150.0
    reference_elevation_deg: float = 5.0
    largest_symbol_rate: float = float("inf")
    bands: tuple[str, ...] = ()
    pointing_loss_db: float = 0.0
    polarization_loss_db: float = 0.0


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

    def es_n0_db(
        self, elevation_deg: ArrayLike, slant_range_m: ArrayLike, fade_db: ArrayLike = 0.0
    ) -> NDArray[np.float64]:
        """Return Es/N0 at the demodulator in dB; the implementation loss is already taken off.

        Args:
            elevation_deg: Elevation in degrees; all three are broadcast together.
            slant_range_m: Distance to the satellite in metres.
            fade_db: Attenuation of the path beyond the clear sky's gases, in dB.
        """
        raise NotImplementedError

    def lines(
        self, elevation_deg: float, slant_range_m: float, fade_db: float = 0.0
    ) -> list[BudgetLine]:
        """Return the budget line by line, from the transmitter to Es/N0.

        Args:
            elevation_deg: Elevation in degrees.
            slant_range_m: Distance to the satellite in metres.
            fade_db: Attenuation of the path beyond the clear sky's gases, in dB.
        """
        raise NotImplementedError


def band_of(frequency_hz: float) -> str | None:
    """Return the letter of the band that a frequency lies in (IEEE Std 521), None if unnamed."""
    edges = (
        ("VHF", 30e6), ("UHF", 300e6), ("L", 1e9), ("S", 2e9), ("C", 4e9), ("X", 8e9),
        ("Ku", 12e9), ("K", 18e9), ("Ka", 27e9), ("V", 40e9), ("", 75e9),
    )  # fmt: skip
    name: str | None = None
    for letter, edge in edges:
        if frequency_hz >= edge:
            name = letter
    return name or None
