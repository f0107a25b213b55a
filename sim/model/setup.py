"""Input of the simulation, in whole ticks and bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ...link.channel.downlink import Downlink
from ...link.channel.transfer.pdus import PduFormat
from ...payload.encoders.base import Setting
from ...payload.recorder import DownlinkOrder, DropRule


class EncodeOrder(StrEnum):
    """The rule for which waiting frame the processor takes next."""

    PRIORITY = "priority"
    FIFO = "fifo"


class Arbitration(StrEnum):
    """The rule for which satellite gets an antenna when several ask for it."""

    FIRST_COME = "first-come"  # the satellite that came into view first
    PRIORITY = "priority"  # the satellite with the most important frame to send
    BACKLOG = "backlog"  # the satellite with the most bytes to send


@dataclass(frozen=True, slots=True)
class Capture:
    """One frame that the imager will take.

    Attributes:
        number: Number of the frame, unique in the run and rising with time for each satellite.
        start: Tick at which the imager begins to record.
        end: Tick at which the imager stops recording; the frame exists from then on.
        access: Index of the access that the frame belongs to.
        target: Index of the target.
        priority: Priority of the target.
        raw_bytes: Size in working memory, in bytes.
        samples: Pixels × bands; the encode time is proportional to it.
        width: Width in pixels.
        height: Height in pixels.
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
    """A satellite's state when the processor begins to encode a frame.

    Attributes:
        time: Current tick.
        recorder_used: Bytes in the recorder.
        recorder_capacity: Capacity of the recorder in bytes.
        queued_bytes: Raw bytes in working memory that wait for encoding, this frame included.
    """

    time: int
    recorder_used: int
    recorder_capacity: int
    queued_bytes: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """Result of encoding a frame.

    Attributes:
        size: Size in bytes.
        ticks: Encode time in ticks.
        setting: The setting that the frame was encoded at; None if the source has no settings.
        wrong_tiles: Number of tiles that a board encoded wrongly; None if no board encoded them.
    """

    size: int
    ticks: int
    setting: Setting | None = None
    wrong_tiles: int | None = None


class FrameSource(Protocol):
    """A source of encoded frames: a real encoder, or a model that derives sizes from a rate."""

    time_kind: str
    """`modelled`, `measured on host` or `measured on board`."""

    def encode(self, capture: Capture, situation: Situation) -> Encoded | None:
        """Encode one frame; return None if the encoder has stopped for good."""


@dataclass(frozen=True, slots=True)
class ShrinkSetup:
    """How far frames are requantised when the recorder is full.

    Attributes:
        least_microbits: Floor in millionths of a bit per pixel; None for one step a frame.
    """

    least_microbits: int | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A part of a pass during which the station can receive.

    Attributes:
        satellite: Index of the satellite.
        station: Index of the station.
        downlink: The bytes that the contact carries, from `downlink.start` to `downlink.end`.
        pass_index: Index of the pass. An outage may split a pass into several contacts.
        light_ticks: Time of the signal over the longest distance, one way; 0 if nothing needs it.
    """

    satellite: int
    station: int
    downlink: Downlink
    pass_index: int
    light_ticks: int = 0


@dataclass(frozen=True, slots=True)
class PowerSetup:
    """Battery, solar power and loads, in nanojoules and milliwatts.

    Attributes:
        capacity: Capacity of the battery, in nanojoules.
        charge: Energy in the battery at the start, in nanojoules.
        low: Energy at which work stops, in nanojoules.
        resume: Energy at which work continues, in nanojoules.
        solar: Power of the solar panels in sunlight, in milliwatts.
        idle: Power drawn all the time, in milliwatts.
        imaging: Additional power drawn while imaging, in milliwatts.
        encoding: Additional power drawn while encoding, in milliwatts.
        transmitting: Additional power drawn while transmitting, in milliwatts.
        eclipses: Start and end tick of each eclipse, in order.
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
class TransferSetup:
    """A file transfer by CFDP, in ticks and bytes.

    Attributes:
        acknowledged: Whether it is acknowledged (class 2) or not (class 1).
        immediate_nak: Whether a gap is requested as soon as it shows, and not only after the EOF.
        uplink_rate: Information rate of the uplink in bits per second.
        uplink_delay: Ticks from the end of a PDU on the uplink until the satellite acts on it,
            without the signal's way there and back.
        uplink_packet: Bytes of the largest PDU on the uplink.
        uplink_loss: Probability that a PDU on the uplink is lost.
        ack_ticks: Time after which an EOF or Finished that is not acknowledged is sent again.
        nak_ticks: Time after which missing data is requested again.
        limit: How often each is done in a row without an answer.
        gives_up: Whether a transaction that reaches its limit ends; otherwise it is suspended
            until the next contact.
        inactivity_ticks: Time after which the ground ends an unacknowledged file whose EOF was
            lost.
        name_bytes: Bytes of a file's name in its metadata.
        pdus: Lengths of the PDUs' header fields.
    """

    acknowledged: bool
    immediate_nak: bool = False
    uplink_rate: int = 4000
    uplink_delay: int = 0
    uplink_packet: int = 256
    uplink_loss: float = 0.0
    ack_ticks: int = 5_000_000
    nak_ticks: int = 5_000_000
    limit: int = 10
    gives_up: bool = False
    inactivity_ticks: int = 30_000_000
    name_bytes: int = 16
    pdus: PduFormat = field(default_factory=PduFormat)


@dataclass(frozen=True, slots=True)
class SatelliteSetup:
    """One satellite, ready to run.

    Attributes:
        acknowledge_ticks: Time from the arrival of a packet to its acknowledgement on board.
        encoding_milliwatts: Power that encoding draws beyond idling, to compute its energy; None
            if unknown.
        shrink: How frames are requantised when the recorder is full; None to drop them at once.
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
    transfer: TransferSetup | None = None
    shrink: ShrinkSetup | None = None


@dataclass(frozen=True, slots=True)
class StationSetup:
    """One ground station.

    Attributes:
        name: Name of the station.
        antennas: Number of its antennas.
        turn_around: Ticks that an antenna needs between two satellites.
    """

    name: str
    antennas: int
    turn_around: int = 0


@dataclass(frozen=True, slots=True)
class MissionSetup:
    """Everything that the simulation needs, except the encoders."""

    duration: int
    seed: int
    satellites: tuple[SatelliteSetup, ...]
    stations: tuple[StationSetup, ...]
    contacts: tuple[Contact, ...]
    arbitration: Arbitration
    targets: tuple[str, ...]
