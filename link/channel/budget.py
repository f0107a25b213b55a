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
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .antenna import (
    BOLTZMANN_DBW_PER_K_HZ,
    dish_diameter_m,
    dish_gain_dbi,
    free_space_loss_db,
    sky_temperature_k,
)
from .atmosphere.gases import gas_attenuation_db
from .atmosphere.site import SiteClimate

Polarization = Literal["circular", "horizontal", "vertical"]

LEAST_RECEIVER_K = 30.0
"""Least noise temperature of feed, spillover and amplifier: a stated system temperature from which
the sky's noise leaves less is taken to have been stated for a clearer sky."""


@dataclass(frozen=True, slots=True)
class Transmitter:
    """A satellite's transmitter.

    Attributes:
        frequency_hz: Carrier frequency in Hz, 1 to 100 GHz.
        eirp_dbw: Equivalent isotropically radiated power towards the station in dBW.
        symbol_rate: Channel symbols per second.
        roll_off: Roll-off of the pulse shape, 0 to 1; the carrier occupies
            `symbol_rate × (1 + roll_off)`.
        pointing_loss_db: Loss by pointing and by the edge of coverage, in dB.
        implementation_loss_db: Loss of modulator and demodulator against the ideal, in dB.
        polarization: Polarization of the carrier; it decides how rain attenuates it.
        power_dbw: Power of the amplifier, if the EIRP comes from it; for the budget's lines.
        antenna_gain_dbi: Gain of the antenna, if the EIRP comes from it.
        line_loss_db: Loss between amplifier and antenna, if the EIRP comes from them.

    Raises:
        ValueError: A figure is not finite or outside its range.
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

    def __post_init__(self) -> None:
        _in_range("frequency in Hz", self.frequency_hz, 1e8, 1e11)
        _in_range("EIRP in dBW", self.eirp_dbw, -100, 150)
        _in_range("symbol rate", self.symbol_rate, 1, 1e11)
        _in_range("roll-off", self.roll_off, 0, 1)
        for name, loss in (
            ("pointing loss in dB", self.pointing_loss_db),
            ("implementation loss in dB", self.implementation_loss_db),
            ("line loss in dB", self.line_loss_db),
        ):
            _in_range(name, loss, 0, 100)

    @classmethod
    def of_amplifier(
        cls,
        frequency_hz: float,
        power_w: float,
        antenna_gain_dbi: float,
        symbol_rate: float,
        *,
        line_loss_db: float = 0.0,
        roll_off: float = 0.2,
        pointing_loss_db: float = 0.0,
        implementation_loss_db: float = 0.0,
        polarization: Polarization = "circular",
    ) -> Transmitter:
        """Return the transmitter of an amplifier, a line and an antenna.

        Args:
            frequency_hz: Carrier frequency in Hz.
            power_w: Power of the amplifier in W.
            antenna_gain_dbi: Gain of the antenna in dBi.
            symbol_rate: Channel symbols per second.
            line_loss_db: Loss between amplifier and antenna in dB.
            roll_off: Roll-off of the pulse shape.
            pointing_loss_db: Loss by pointing and by the edge of coverage, in dB.
            implementation_loss_db: Loss of modulator and demodulator, in dB.
            polarization: Polarization of the carrier.
        """
        _in_range("power in W", power_w, 1e-6, 1e6)
        power_dbw = 10 * math.log10(power_w)
        return cls(
            frequency_hz,
            power_dbw + antenna_gain_dbi - line_loss_db,
            symbol_rate,
            roll_off,
            pointing_loss_db,
            implementation_loss_db,
            polarization,
            power_dbw,
            antenna_gain_dbi,
            line_loss_db,
        )

    @property
    def bandwidth_hz(self) -> float:
        """Occupied bandwidth in Hz."""
        return self.symbol_rate * (1 + self.roll_off)

    @property
    def polarization_tilt_deg(self) -> float:
        """Tilt of the polarization to the horizontal in degrees, as ITU-R P.838 takes it."""
        return {"circular": 45.0, "horizontal": 0.0, "vertical": 90.0}[self.polarization]


@dataclass(frozen=True, slots=True)
class Receiver:
    """A ground station's antenna and receiver.

    Either G/T or the diameter is given. The system temperature decides how much the sky's noise
    matters: it holds under a clear sky at `reference_elevation_deg`, and the sky's part of it
    changes with elevation and weather. If only G/T is known, the default of 150 K is an assumption:
    a low-noise amplifier of 50 to 70 K, feed and spillover, and the sky at low elevation.

    Attributes:
        g_over_t_db_per_k: Figure of merit under a clear sky at `reference_elevation_deg`, in dB/K;
            None computes it from the dish.
        diameter_m: Diameter of the dish in metres; None if only G/T is known.
        efficiency: Aperture efficiency of the dish, 0 to 1.
        system_temperature_k: System noise temperature under a clear sky at
            `reference_elevation_deg`, in K.
        reference_elevation_deg: Elevation at which G/T and system temperature are stated.
        largest_symbol_rate: Largest symbol rate of the demodulator, in symbols per second.
        bands: Bands that the station receives, such as ``("S", "X")``; empty: any.
        pointing_loss_db: Pointing loss of the dish in dB.
        polarization_loss_db: Loss by unlike polarizations in dB.

    Raises:
        ValueError: Neither G/T nor a diameter is given, or a figure is outside its range.
    """

    g_over_t_db_per_k: float | None = None
    diameter_m: float | None = None
    efficiency: float = 0.6
    system_temperature_k: float = 150.0
    reference_elevation_deg: float = 10.0
    largest_symbol_rate: float = float("inf")
    bands: tuple[str, ...] = ()
    pointing_loss_db: float = 0.0
    polarization_loss_db: float = 0.0

    def __post_init__(self) -> None:
        if self.g_over_t_db_per_k is None and self.diameter_m is None:
            raise ValueError("neither G/T nor a diameter; allowed is one of them or both")
        if self.g_over_t_db_per_k is not None:
            _in_range("G/T in dB/K", self.g_over_t_db_per_k, -50, 80)
        if self.diameter_m is not None:
            _in_range("diameter in m", self.diameter_m, 0.01, 100)
        _in_range("efficiency", self.efficiency, 0.01, 1)
        _in_range("system temperature in K", self.system_temperature_k, 10, 10_000)
        _in_range("reference elevation in deg", self.reference_elevation_deg, 0, 90)
        _in_range("pointing loss in dB", self.pointing_loss_db, 0, 100)
        _in_range("polarization loss in dB", self.polarization_loss_db, 0, 100)
        if not self.largest_symbol_rate > 0:
            raise ValueError(f"largest symbol rate: {self.largest_symbol_rate}; allowed: above 0")

    def gain_dbi(self, frequency_hz: float) -> float:
        """Return the gain of the antenna: from G/T if it is given, else from the dish."""
        if self.g_over_t_db_per_k is not None:
            return self.g_over_t_db_per_k + 10 * math.log10(self.system_temperature_k)
        assert self.diameter_m is not None  # noqa: S101 - checked above
        return dish_gain_dbi(self.diameter_m, frequency_hz, self.efficiency)

    def aperture_m(self, frequency_hz: float) -> float:
        """Return the diameter of the dish in metres; without one, that which gives the gain."""
        if self.diameter_m is not None:
            return self.diameter_m
        return dish_diameter_m(self.gain_dbi(frequency_hz), frequency_hz, self.efficiency)

    def receives(self, frequency_hz: float) -> bool:
        """Return whether a frequency lies in one of the station's bands."""
        return not self.bands or band_of(frequency_hz) in self.bands


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


def _in_range(name: str, value: float, least: float, most: float) -> None:
    """Raise a `ValueError` unless a figure is finite and within its range."""
    if not (math.isfinite(value) and least <= value <= most):
        raise ValueError(f"{name}: {value:g}; allowed is {least:g} to {most:g}")


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
