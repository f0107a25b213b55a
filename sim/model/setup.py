"""What the simulation needs to know before it starts, worked out to whole ticks and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ...link.channel.downlink import Downlink
from ...payload.encoders.base import Setting
from ...payload.recorder import DownlinkOrder, DropRule


class EncodeOrder(StrEnum):
    """Which waiting frame the processor takes next."""

    PRIORITY = "priority"
    FIFO = "fifo"


class Arbitration(StrEnum):
    """Which satellite gets an antenna that several ask for."""

    FIRST_COME = "first-come"  # the one that came into view first
    PRIORITY = "priority"  # the one with the most important frame to send
    BACKLOG = "backlog"  # the one with most bytes to send


@dataclass(frozen=True, slots=True)
class Capture:
    """One frame that the imager will take.

    Attributes:
        number: unique in the run, rising with time for each satellite.
        start, end: ticks between which the imager records; the frame exists from `end` on.
        access: index of the access that it belongs to.
        target: index of the target.
        priority: the target's.
        raw_bytes: size in working memory.
        samples: pixels × bands, which the encode time goes by.
        width, height: pixels.
    """

    number: int
    start: int
    end: int
    access: int
    target: int
    priority: int
    raw_bytes: int
    samples: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Situation:
    """A satellite's state at the moment when the processor begins to encode a frame.

    Attributes:
        time: The tick.
        recorder_used: Bytes in the recorder.
        recorder_capacity: Bytes that the recorder holds.
        queued_bytes: Raw bytes in working memory that wait for encoding, this frame included.
    """

    time: int
    recorder_used: int
    recorder_capacity: int
    queued_bytes: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder made of a frame.

    Attributes:
        size: Bytes.
        ticks: How long encoding takes.
        setting: The setting that the frame was encoded at; None if the source has no settings.
    """

    size: int
    ticks: int
    setting: Setting | None = None


class FrameSource(Protocol):
    """Where encoded frames come from: a real encoder, or sizes that follow from a rate."""

    time_kind: str
    """`modelled`, `measured on host` or `measured on board`."""

    def encode(self, capture: Capture, situation: Situation) -> Encoded | None:
        """Encode one frame; return None if the encoder has stopped for good."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A stretch of a pass during which the station can receive.

    Attributes:
        satellite, station: indices.
        downlink: the bytes it carries, from `downlink.start` to `downlink.end`.
        pass_index: row of the pass in the geometry; an outage may split a pass in two.
    """

    satellite: int
    station: int
    downlink: Downlink
    pass_index: int


@dataclass(frozen=True, slots=True)
class PowerSetup:
    """Battery, sun and loads: nanojoules and milliwatts.

    Attributes:
        capacity, charge: of the battery, nanojoules.
        low, resume: nanojoules; at `low` work stops, at `resume` it goes on.
        solar: milliwatts in sunlight.
        idle, imaging, encoding, transmitting: milliwatts.
        eclipses: (start, end) ticks, in order.
    """

    capacity: int
    charge: int
    low: int
    resume: int
    solar: int
    idle: int
    imaging: int
    encoding: int
    transmitting: int
    eclipses: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SatelliteSetup:
    """One satellite, ready to run.

    Attributes:
        acknowledge_ticks: how long until the satellite hears that a packet came.
        encoding_milliwatts: what encoding draws beyond idling, for the energy account; None where
            that is not known.
    """

    name: str
    captures: tuple[Capture, ...]
    working_memory: int
    encode_order: EncodeOrder
    recorder_capacity: int
    downlink_order: DownlinkOrder
    drop_rule: DropRule
    packet: int
    acknowledge_ticks: int
    encoding_milliwatts: int | None
    power: PowerSetup | None = None


@dataclass(frozen=True, slots=True)
class StationSetup:
    """One ground station: its name and how many satellites it serves at a time."""

    name: str
    antennas: int


@dataclass(frozen=True, slots=True)
class MissionSetup:
    """Everything that the simulation runs on, but for the encoder."""

    duration: int
    seed: int
    satellites: tuple[SatelliteSetup, ...]
    stations: tuple[StationSetup, ...]
    contacts: tuple[Contact, ...]
    arbitration: Arbitration
    targets: tuple[str, ...]
