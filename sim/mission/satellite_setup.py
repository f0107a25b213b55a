"""Converts a satellite's specification to whole ticks, bytes, milliwatts and nanojoules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...link.clock import to_whole_milliseconds
from ...payload import processors
from ...payload.power import NANOJOULES_PER_JOULE
from ...payload.recorder import DownlinkOrder, DropRule
from ..model.setup import (
    Capture,
    EncodeOrder,
    PowerSetup,
    SatelliteSetup,
    ShrinkSetup,
    TransferSetup,
)
from ..orbit.geometry import Geometry
from ..scenario.satellite import SatelliteSpec
from ..scenario.spacecraft import RecorderSpec
from ..scenario.transfer import TransferSpec

_PROCESSING_S: Final = 0.2
"""Time at the station and on board between a PDU and the answer, if the scenario has no delay."""


def satellite_setup(
    satellite: SatelliteSpec, captures: Sequence[Capture], geometry: Geometry
) -> SatelliteSetup:
    """Return the simulation's setup of a satellite.

    Args:
        satellite: The satellite as the scenario describes it.
        captures: The frames that the satellite will capture.
        geometry: The satellite's geometry, for the eclipses.
    """
    policy, transmitter = satellite.policy, satellite.transmitter
    return SatelliteSetup(
        name=satellite.name,
        captures=tuple(captures),
        working_memory=satellite.processor.working_memory,
        encode_order=EncodeOrder(policy.encode),
        recorder_capacity=satellite.recorder.capacity,
        downlink_order=DownlinkOrder(policy.downlink),
        drop_rule=DropRule(policy.drop),
        packet=transmitter.packet,
        acknowledge_ticks=to_whole_milliseconds(transmitter.acknowledge_delay),
        encoding_milliwatts=_encoding_milliwatts(satellite),
        power=_power_setup(satellite, geometry),
        transfer=_transfer_setup(transmitter.transfer),
        shrink=_shrink_setup(satellite.recorder),
    )


def _shrink_setup(recorder: RecorderSpec) -> ShrinkSetup | None:
    """Return how frames are requantised when the recorder is full; None if they are dropped."""
    if recorder.when_full == "drop":
        return None
    least = recorder.least_bpp
    return ShrinkSetup(None if least is None else round(least * 1_000_000))


def _transfer_setup(transfer: TransferSpec) -> TransferSetup | None:
    """Return the setup of a transfer by CFDP; None for resumable transfer."""
    if transfer.mode == "resumable":
        return None
    uplink = transfer.uplink
    return TransferSetup(
        acknowledged=transfer.mode == "acknowledged",
        immediate_nak=transfer.nak == "immediate",
        uplink_rate=max(1, round(uplink.rate)),
        uplink_delay=to_whole_milliseconds(_PROCESSING_S if uplink.delay is None else uplink.delay),
        uplink_packet=uplink.packet,
        uplink_loss=uplink.packet_loss,
        ack_ticks=to_whole_milliseconds(transfer.ack_timeout),
        nak_ticks=to_whole_milliseconds(transfer.nak_timeout),
        limit=transfer.limit,
        gives_up=transfer.on_limit == "cancel",
        inactivity_ticks=to_whole_milliseconds(transfer.inactivity_timeout),
    )


def _encoding_milliwatts(satellite: SatelliteSpec) -> int | None:
    """Return the power that encoding draws beyond idling, from the power budget or the profile.

    None means unknown: the scenario gives the processor by its rates and has no power budget.
    """
    if satellite.power is not None:
        return _milliwatts(satellite.power.loads.encoding)
    if satellite.processor.profile is None:
        return None
    profile = processors.profile(satellite.processor.profile)
    return _milliwatts(profile.active_w - profile.idle_w)


def _power_setup(satellite: SatelliteSpec, geometry: Geometry) -> PowerSetup | None:
    power = satellite.power
    if power is None:
        return None
    capacity = round(power.battery * NANOJOULES_PER_JOULE)
    loads = power.loads
    return PowerSetup(
        capacity=capacity,
        charge=round(capacity * power.initial_charge),
        low=round(capacity * power.min_charge),
        resume=round(capacity * power.resume_charge),
        solar=_milliwatts(power.solar),
        idle=_milliwatts(loads.idle),
        imaging=_milliwatts(loads.imaging),
        encoding=_milliwatts(loads.encoding),
        transmitting=_milliwatts(loads.transmitting),
        eclipses=tuple(
            (to_whole_milliseconds(w.start_s), to_whole_milliseconds(w.end_s))
            for w in geometry.eclipses
        ),
    )


def _milliwatts(watts: float) -> int:
    return round(watts * 1000)
