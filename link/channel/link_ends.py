"""The two ends of a link, as their datasheets describe them: a transmitter and a receiver."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .antenna import dish_diameter_m, dish_gain_dbi

Polarization = Literal["circular", "horizontal", "vertical"]


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


def _in_range(name: str, value: float, least: float, most: float) -> None:
    """Raise a `ValueError` unless a figure is finite and within its range."""
    if not (math.isfinite(value) and least <= value <= most):
        raise ValueError(f"{name}: {value:g}; allowed is {least:g} to {most:g}")
