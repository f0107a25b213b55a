"""Links of a scenario: the budget, modes and coding between one satellite and one station.

```
transmitter.link ─┐
                  ├─► why no contact? ─► LinkBudget ─► modes, rates, coding, fade ─► AdaptiveLink
station.receiver ─┘
```
"""

from __future__ import annotations

from typing import Final

from ...link.channel.adaptive import (
    AdaptiveCoding,
    AdaptiveLink,
    Coding,
    ConstantCoding,
    VariableCoding,
)
from ...link.channel.budget import LinkBudget
from ...link.channel.fade import ConstantFade, Fade, NoFade
from ...link.channel.framing import LARGEST_PACKET, Framing, information_rate
from ...link.channel.link_ends import Receiver, Transmitter
from ...link.channel.transfer.pdus import PduFormat
from ..scenario.ground import StationSpec
from ..scenario.link import LinkSpec, ReceiverSpec
from ..scenario.satellite import SatelliteSpec
from ..scenario.spacecraft import TransmitterSpec
from .climate import site_climate

OTHER_BAND: Final = "band not received"
TOO_FAST: Final = "symbol rate too high for the station"


def has_budget(satellite: SatelliteSpec, station: StationSpec) -> bool:
    """Return whether the rate between the two comes from a link budget, and not from a table."""
    return satellite.transmitter.link is not None and station.receiver is not None


def why_no_contact(satellite: SatelliteSpec, station: StationSpec) -> str:
    """Return why a station cannot receive a satellite at all; empty if it can."""
    link, receiver = satellite.transmitter.link, station.receiver
    if link is None or receiver is None:
        return ""
    if not receiver.receives(link.frequency):
        return OTHER_BAND
    return "" if receiver.demodulates(link.symbol_rate) else TOO_FAST


def budget_of(satellite: SatelliteSpec, station: StationSpec) -> LinkBudget:
    """Return the link budget between a satellite and a station.

    Raises:
        ValueError: `has_budget` does not hold.
    """
    link, receiver = satellite.transmitter.link, station.receiver
    if link is None or receiver is None:
        raise ValueError(f"no link budget between {satellite.name} and {station.name}")
    return LinkBudget(_transmitter(link), _receiver(receiver), site_climate(station))


def adaptive_link(satellite: SatelliteSpec, station: StationSpec, fade: Fade) -> AdaptiveLink:
    """Return the rate model of a link with a budget.

    Args:
        satellite: The sender; its transmitter has a `link`.
        station: The receiver; it has a `receiver`.
        fade: The excess attenuation of the path as it is.

    Raises:
        ValueError: `has_budget` does not hold.
    """
    budget, link = budget_of(satellite, station), satellite.transmitter.link
    assert link is not None  # noqa: S101 - checked by budget_of
    framing = Framing(
        pilots=link.pilots,
        transfer_frame_bytes=link.transfer_frame,
        packet_data_bytes=_packet_data_bytes(satellite.transmitter),
    )
    modes = link.used_modes
    return AdaptiveLink(
        budget=budget,
        modes=modes,
        bits_per_second=tuple(information_rate(mode, link.symbol_rate, framing) for mode in modes),
        coding=_coding(link, budget),
        fade=fade,
        packet_loss=satellite.transmitter.packet_loss,
    )


def _packet_data_bytes(transmitter: TransmitterSpec) -> int:
    """Return the bytes that a space packet carries: a part of a file, with CFDP a PDU."""
    if transmitter.transfer.mode == "resumable":
        return transmitter.packet
    # The largest PDUs are three bytes longer than a packet may be.
    return min(LARGEST_PACKET, transmitter.packet + PduFormat().file_data_overhead(0))


def _coding(link: LinkSpec, budget: LinkBudget) -> Coding:
    match link.coding:
        case "ccm":
            return ConstantCoding()
        case "vcm":
            return VariableCoding(_predicted(link, budget), link.margin)
        case "acm":
            return AdaptiveCoding(link.margin, link.hysteresis, link.reaction_time)


def _predicted(link: LinkSpec, budget: LinkBudget) -> Fade:
    if link.availability is None:
        return NoFade()
    return ConstantFade(
        link.frequency,
        budget.site,
        link.availability,
        budget.receiver.aperture_m(link.frequency),
        budget.transmitter.polarization_tilt_deg,
    )


def _transmitter(link: LinkSpec) -> Transmitter:
    if link.eirp is not None:
        return Transmitter(
            link.frequency,
            link.eirp,
            link.symbol_rate,
            link.roll_off,
            link.pointing_loss,
            link.implementation_loss,
            link.polarization,
        )
    if link.power is None or link.antenna_gain is None:
        raise ValueError("a link has neither EIRP nor power and antenna gain")
    return Transmitter.of_amplifier(
        link.frequency,
        link.power,
        link.antenna_gain,
        link.symbol_rate,
        line_loss_db=link.line_loss or 0.0,
        roll_off=link.roll_off,
        pointing_loss_db=link.pointing_loss,
        implementation_loss_db=link.implementation_loss,
        polarization=link.polarization,
    )


def _receiver(receiver: ReceiverSpec) -> Receiver:
    return Receiver(
        g_over_t_db_per_k=receiver.g_over_t,
        diameter_m=receiver.diameter,
        efficiency=receiver.efficiency,
        system_temperature_k=receiver.system_temperature,
        reference_elevation_deg=receiver.reference_elevation,
        pointing_loss_db=receiver.pointing_loss,
        polarization_loss_db=receiver.polarization_loss,
    )
