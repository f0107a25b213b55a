"""What a scenario holds: every field with its meaning, its unit and its bounds.

The models are the one source: the JSON Schema and docs/scenario.md are made from them.
Values are SI numbers (seconds, bytes, bits per second, metres, watts, joules; degrees for
angles), whatever unit the file used. Everything is frozen. From Python, SI numbers may be
given as they are; from a file (see `load`), numbers that have a unit must carry it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, TypeGuard

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from ...link.serial.constants import DEFAULT_BAUD
from ...link.serial.portname import LONGEST_NAME
from ...link.student.frame_layout import BLOCK
from ...payload import processors
from ...payload.encoders.base import Setting, choice_label
from ...payload.encoders.traits import lossless_codecs
from ..board.emulators import PORTS, board_fault
from . import stations
from .fields import Bands, LocalTime, Moment, Place, Ring, ScenePath
from .source import SceneReference, Source
from .tle import tle_epoch, tle_lines
from .units import (
    BitsPerSecond,
    Bytes,
    Degrees,
    DegreesPerSecond,
    Joules,
    Metres,
    Number,
    SamplesPerSecond,
    Seconds,
    Watts,
    Whole,
    fault,
    shown,
)

CodecName = Literal["jpeg2000", "jpegxl", "jpegls", "ccsds121", "avif", "student"]

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Name = Annotated[str, StringConstraints(strict=True, pattern=_NAME)]
Share = Annotated[float, Number(0, 1)]
Priority = Annotated[int, Whole(1, 9)]


# Field and message of each clash between fields.
Clashes = Iterator[tuple[str, str]]


class Model(BaseModel):
    """Frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def clashes(cls, _given: Mapping[str, Any]) -> Clashes:
        """Fields that do not fit each other, found without the rest being valid.

        The loader asks this of the raw mapping too, so that a fault elsewhere in the file does
        not hide a clash until the next try.
        """
        yield from ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for at, message in self.clashes({key: getattr(self, key) for key in self.model_fields_set}):
            raise fault(message, at)
        return self


def one_of(found: object, allowed: Sequence[str]) -> str:
    """What is allowed, and which of it was probably meant."""
    close = difflib.get_close_matches(str(found)[:64].casefold(), allowed, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"allowed: {', '.join(allowed)}{hint}"


def _exactly_one(given: Mapping[str, Any], keys: Sequence[str]) -> Clashes:
    found = [key for key in keys if given.get(key) is not None]
    if len(found) != 1:
        yield (
            found[-1] if found else "",
            (
                f"found {' and '.join(found) if found else 'none of them'}; "
                f"allowed: exactly one of {', '.join(keys)}"
            ),
        )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


class TleOrbit(Model):
    """An orbit from a two-line element set, propagated with SGP4."""

    tle: Annotated[str, Field(strict=True), AfterValidator(tle_lines)] = Field(
        description="Two-line element set, two lines or three with the satellite's name first.",
    )

    @property
    def line1(self) -> str:
        """The first line of elements."""
        return self.tle.splitlines()[-2]

    @property
    def line2(self) -> str:
        """The second line of elements."""
        return self.tle.splitlines()[-1]

    @property
    def epoch(self) -> datetime:
        """The moment at which the elements hold."""
        return tle_epoch(self.line1)


class KeplerOrbit(Model):
    """A circular orbit, by its elements at the scenario's start."""

    altitude: Annotated[float, Metres(least="160 km", most="50000 km")] = Field(
        description="Height above the Earth's equatorial radius.", examples=["500 km"]
    )
    inclination: Annotated[float, Degrees(least="0 deg", most="180 deg")] = Field(
        description="Angle between the orbit and the equator.", examples=["97.4 deg"]
    )
    raan: Annotated[float, Degrees(least="0 deg", most="360 deg")] = Field(
        default=0.0, description="Right ascension of the ascending node.", examples=["30 deg"]
    )
    anomaly: Annotated[float, Degrees(least="0 deg", most="360 deg")] = Field(
        default=0.0,
        description="Where the satellite is at the start, counted from the ascending node.",
        examples=["120 deg"],
    )


def _true(value: object) -> bool:
    if value is not True:
        raise fault(f"found {shown(value)}; allowed: true (or give inclination and raan instead)")
    return True


class SunSynchronousOrbit(Model):
    """A circular orbit that passes over at the same local time all year."""

    altitude: Annotated[float, Metres(least="160 km", most="5500 km")] = Field(
        description="Height above the Earth's equatorial radius; it sets the inclination.",
        examples=["500 km"],
    )
    sun_synchronous: Annotated[
        Literal[True], BeforeValidator(_true), WithJsonSchema({"const": True})
    ] = Field(description="Always `true`: it says which form of orbit this is.", examples=[True])
    local_time: LocalTime = Field(
        description="Local mean solar time at which the satellite crosses the node.",
        examples=["10:30"],
    )
    node: Literal["descending", "ascending"] = Field(
        default="descending", description="The node that `local_time` speaks of."
    )
    anomaly: Annotated[float, Degrees(least="0 deg", most="360 deg")] = Field(
        default=0.0,
        description="Where the satellite is at the start, counted from the ascending node.",
        examples=["120 deg"],
    )


def orbit_form(value: object) -> str:
    """Which of the three forms a mapping means, by the keys that only one form has."""
    if isinstance(value, TleOrbit):
        return "tle"
    if isinstance(value, SunSynchronousOrbit):
        return "sun-synchronous"
    if isinstance(value, Mapping):
        if "tle" in value:
            return "tle"
        if {"sun_synchronous", "local_time", "node"} & value.keys():
            return "sun-synchronous"
    return "kepler"


_FORMS = {
    "tle": ("{tle: …}", {"tle"}),
    "sun-synchronous": (
        "{altitude, sun_synchronous: true, local_time, node, anomaly}",
        {"altitude", "sun_synchronous", "local_time", "node", "anomaly"},
    ),
    "kepler": (
        "{altitude, inclination, raan, anomaly}",
        {"altitude", "inclination", "raan", "anomaly"},
    ),
}


def _one_form(value: object) -> object:
    """Refuse what is no orbit's mapping, or mixes the forms, before one form is tried."""
    if isinstance(value, Model):
        return value
    allowed = "allowed: exactly one of " + ", ".join(text for text, _ in _FORMS.values())
    if not isinstance(value, Mapping) or not value:
        raise fault(f"found {shown(value)}; {allowed}")
    form = orbit_form(value)
    others = set().union(*(keys for _, keys in _FORMS.values())) - _FORMS[form][1]
    foreign = sorted(others & value.keys())
    if foreign:
        mark = {"tle": "tle", "sun-synchronous": "sun_synchronous"}.get(form, form)
        mark = mark if mark in value else next(k for k in ("local_time", "node") if k in value)
        raise fault(f"found {mark} beside {' and '.join(foreign)}; {allowed}")
    return value


Orbit = Annotated[
    Annotated[TleOrbit, Tag("tle")]
    | Annotated[KeplerOrbit, Tag("kepler")]
    | Annotated[SunSynchronousOrbit, Tag("sun-synchronous")],
    Discriminator(orbit_form),
    BeforeValidator(_one_form),
]


class Imager(Model):
    """The camera, and how the satellite points it."""

    swath: Annotated[float, Metres(above="0 m", most="5000 km", usual="10.24 km")] = Field(
        description="Width of a frame, across the track.", examples=["10.24 km"]
    )
    gsd: Annotated[float, Metres(least="1 cm", most="100 km", usual="20 m")] = Field(
        description="Ground sample distance: the size of a pixel on the ground.",
        examples=["20 m"],
    )
    bands: Bands = Field(
        description=(
            "Which bands of a scene the imager sees, numbered from 1; "
            "a plain number N takes the first N."
        ),
        examples=[[1, 2, 3], 4],
    )
    bit_depth: Annotated[int, Whole(1, 16)] = Field(
        default=12,
        description=(
            "Bits per sample, before compression. Scenes of more bits lose their lowest ones, and "
            "delivered frames have a scale that makes up for them; those of fewer keep their own."
        ),
        examples=[12],
    )
    frame_length: Annotated[float, Metres(above="0 m", most="5000 km", usual="10.24 km")] = Field(
        description="Length of a frame, along the track.", examples=["10.24 km"]
    )
    off_nadir_limit: Annotated[float, Degrees(least="0 deg", most="70 deg")] = Field(
        default=25.0,
        description=(
            "How far from straight down the imager may be turned; "
            "`0 deg` for one that only looks straight down."
        ),
        examples=["25 deg"],
    )
    slew_rate: Annotated[float, DegreesPerSecond(above="0 deg/s", most="90 deg/s")] = Field(
        default=1.0,
        description="How fast the satellite turns from one target to the next.",
        examples=["1 deg/s"],
    )
    settle_time: Annotated[float, Seconds(least="0 s", most="1 h", usual="5 s")] = Field(
        default=5.0, description="How long it calms down after a turn.", examples=["5 s"]
    )
    min_sun_elevation: Annotated[float, Degrees(least="-90 deg", most="90 deg")] | None = Field(
        default=10.0,
        description=(
            "Lowest sun above the target's horizon at which an image is worth taking; "
            "`null` images by day and by night."
        ),
        examples=["10 deg"],
    )
    duty_cycle: Annotated[float, Number(0, 1, above=0)] = Field(
        default=1.0, description="Largest share of any one orbit spent imaging.", examples=[0.2]
    )

    @property
    def frame_width_px(self) -> int:
        """Pixels across the track."""
        return round(self.swath / self.gsd)

    @property
    def frame_height_px(self) -> int:
        """Pixels along the track."""
        return round(self.frame_length / self.gsd)

    @model_validator(mode="after")
    def _holds_a_pixel(self) -> Self:
        if self.frame_width_px < 1 or self.frame_height_px < 1:
            raise fault(
                f"found {self.gsd:g} m, larger than a frame of {self.swath:g} m x "
                f"{self.frame_length:g} m; allowed: at least one pixel each way",
                "gsd",
            )
        if self.frame_width_px * self.frame_height_px * len(self.bands) > 2**31:
            raise fault(
                f"found a frame of {self.frame_width_px} x {self.frame_height_px} px in "
                f"{len(self.bands)} bands; allowed: at most 2^31 samples, so shorten it",
                "frame_length",
            )
        return self


EncodeRates = dict[CodecName, Annotated[float, SamplesPerSecond(least="1 px/s", most="1000 Gpx/s")]]


def _known_profile(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value in processors.names()):
        return value
    raise fault(f"found {shown(value)}; {one_of(value, processors.names())}")


class Processor(Model):
    """The onboard computer, by name or by own figures."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["profile"]}, {"required": ["encode_rate", "working_memory"]}]
        }
    )

    profile: Annotated[
        str | None,
        BeforeValidator(_known_profile),
        WithJsonSchema({"enum": [*processors.names(), None]}),
    ] = Field(
        default=None,
        description="A named profile of a real onboard computer; own figures override it.",
        examples=["zynq-7020"],
    )
    encode_rate: EncodeRates = Field(
        default_factory=dict,
        description=(
            "How fast each codec encodes, in samples (pixels x bands) per second. "
            "What is not given comes from the profile."
        ),
        examples=[{"jpeg2000": "2 Mpx/s"}],
        validate_default=False,
    )
    working_memory: Annotated[int, Bytes(least="1 kB", most="100 TB", usual="512 MB")] = Field(
        default=0,
        description="Memory for raw frames that wait to be encoded. Default: the profile's.",
        examples=["512 MB"],
    )
    encode_time: Literal["modelled", "host"] = Field(
        default="modelled",
        description=(
            "`modelled` takes the time from `encode_rate`; "
            "`host` measures it on the machine that runs the simulation."
        ),
    )

    def has_rate_of(self, codec: str) -> bool:
        """Whether it is known how fast a codec encodes here."""
        return any(name == codec for name in self.encode_rate)

    def rate_of(self, codec: str) -> float:
        """How fast a codec encodes, in samples per second.

        Raises:
            KeyError: neither the profile nor the scenario knows.
        """
        return {str(name): rate for name, rate in self.encode_rate.items()}[codec]

    @model_validator(mode="before")
    @classmethod
    def _fill_from_profile(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or not isinstance(value.get("profile"), str):
            return value
        if value["profile"] not in processors.names():
            return value  # the field's own check says so, beside all other faults
        profile = processors.profile(value["profile"])
        filled = dict(value)
        filled.setdefault("working_memory", f"{profile.working_memory_bytes} B")
        rates = value.get("encode_rate", {})
        if isinstance(rates, Mapping):
            known = {
                codec: f"{rate:.15g} px/s"
                for codec, rate in profile.encode_rate.items()
                if codec in CodecName.__args__  # type: ignore[attr-defined]
            }
            filled["encode_rate"] = known | dict(rates)
        return filled

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.profile is None:
            missing = [key for key in ("encode_rate", "working_memory") if not getattr(self, key)]
            if missing:
                raise fault(
                    f"found neither profile nor {' and '.join(missing)}; allowed: a profile "
                    f"({', '.join(processors.names())}), or both figures"
                )
        return self


class Loads(Model):
    """What draws power; the loads add up while they run together."""

    idle: Annotated[float, Watts(least="0 W", most="100 kW")] = Field(
        description="Always drawn: the platform, with computer and receiver on.",
        examples=["10 W"],
    )
    imaging: Annotated[float, Watts(least="0 W", most="100 kW")] = Field(
        description="Drawn besides while imaging.", examples=["20 W"]
    )
    encoding: Annotated[float, Watts(least="0 W", most="100 kW")] = Field(
        description="Drawn besides while encoding.", examples=["8 W"]
    )
    transmitting: Annotated[float, Watts(least="0 W", most="100 kW")] = Field(
        description="Drawn besides while sending.", examples=["30 W"]
    )


class Power(Model):
    """The battery and what fills and empties it; work waits while it is low."""

    battery: Annotated[float, Joules(above="0 Wh", most="1000 kWh")] = Field(
        description="Usable energy when full.", examples=["80 Wh"]
    )
    initial_charge: Share = Field(
        default=1.0, description="Charge at the start, 0 to 1.", examples=[1.0]
    )
    min_charge: Share = Field(
        default=0.3,
        description="At or below this charge imaging, encoding and sending wait.",
        examples=[0.3],
    )
    resume_charge: Share = Field(
        default=0.4, description="At this charge they go on; above `min_charge`.", examples=[0.4]
    )
    solar: Annotated[float, Watts(least="0 W", most="1000 kW")] = Field(
        description="What the panels give while the satellite is in sunlight.", examples=["60 W"]
    )
    loads: Loads = Field(description="What draws power.")

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Charges in the wrong order."""
        low, high = given.get("min_charge", 0.3), given.get("resume_charge", 0.4)
        # Nearer than this, the work would start and stop without end.
        if _is_number(low) and _is_number(high) and high < low + 0.01:
            at = "resume_charge" if "resume_charge" in given else "min_charge"
            yield (
                at,
                (
                    f"found resume_charge {shown(high)} with min_charge {shown(low)}; "
                    "allowed: resume_charge at least 0.01 above min_charge"
                ),
            )


class Recorder(Model):
    """The mass memory, which holds encoded frames until they are delivered."""

    capacity: Annotated[int, Bytes(least="1 kB", most="1000 TB")] = Field(
        description="How many encoded bytes it holds.", examples=["8 GB"]
    )


_Rate = Annotated[float, BitsPerSecond(least="1 bit/s", most="1 Tbit/s")]


class RateStep(Model):
    """One step of the downlink's rate."""

    elevation: Annotated[float, Degrees(least="-90 deg", most="90 deg")] = Field(
        description="From this elevation of the satellite above the station's horizon up …",
        examples=["5 deg"],
    )
    rate: _Rate = Field(
        description="… the link carries this many information bits per second.",
        examples=["50 Mbit/s"],
    )


def _rate_steps(value: object) -> object:
    """A plain rate is one step that holds at every elevation."""
    if isinstance(value, str | int | float) or value is None:
        return [{"elevation": "-90 deg", "rate": value}]
    if not isinstance(value, list | tuple) or not value:
        raise fault(
            f"found {shown(value)}; allowed: a rate such as 150 Mbit/s, or a list of steps "
            "such as {elevation: 5 deg, rate: 50 Mbit/s}"
        )
    return value


def _rising(steps: tuple[RateStep, ...]) -> tuple[RateStep, ...]:
    for low, high in pairwise(steps):
        if high.elevation <= low.elevation:
            raise fault(
                f"found elevation {high.elevation:g} deg after {low.elevation:g} deg; "
                "allowed: elevations that rise from step to step"
            )
    return steps


class Transmitter(Model):
    """The downlink's sending end."""

    rate: Annotated[
        tuple[RateStep, ...],
        BeforeValidator(_rate_steps, json_schema_input_type=_Rate | tuple[RateStep, ...]),
        AfterValidator(_rising),
    ] = Field(
        description=(
            "Information rate: one rate, or steps that rise in elevation. The step with the "
            "largest elevation at or below the satellite's holds; below the lowest, no link."
        ),
        examples=["150 Mbit/s", [{"elevation": "5 deg", "rate": "50 Mbit/s"}]],
    )
    packet: Annotated[int, Bytes(least="16 B", most="65536 B", usual="1024 B")] = Field(
        default=1024, description="Payload of one packet.", examples=["1024 B"]
    )
    packet_loss: Annotated[float, Number(0, 1)] = Field(
        default=0.0,
        description="Probability that a packet is lost, drawn from the seed.",
        examples=[1e-4],
    )
    acknowledge_delay: Annotated[float, Seconds(least="0 s", most="1 h", usual="0.5 s")] = Field(
        default=0.5,
        description=(
            "How long the station's acknowledgement takes. What was sent later than this "
            "before LOS is not known to have arrived and is sent again."
        ),
        examples=["0.5 s"],
    )


class CodecChoice(Model):
    """The codec and exactly one of its settings: quality, bpp or bytes."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [key]} for key in ("quality", "bpp", "bytes")],
            "if": {"properties": {"name": {"const": "student"}}, "required": ["name"]},
            "then": {"properties": {"tile": {"multipleOf": BLOCK}}},
        }
    )

    name: CodecName = Field(description="Which codec encodes the frames.")
    quality: Annotated[float, Number(0, 100)] | None = Field(
        default=None,
        description=(
            "Quality on the codec's scale, 0 (worst) to 100 (best). 100 is lossless with "
            f"{lossless_codecs()}; the student is never lossless."
        ),
        examples=[80],
    )
    bpp: Annotated[float, Number(0, 1024 * 16, above=0)] | None = Field(
        default=None,
        description="Encoded bits per pixel of a frame, all bands together.",
        examples=[0.5],
    )
    bytes: Annotated[int, Bytes(least="64 B", most="100 GB", usual="100 kB")] | None = Field(
        default=None, description="Encoded size of a frame at most.", examples=["100 kB"]
    )
    tile: Annotated[int, Whole(16, 16384)] = Field(
        default=512,
        description=(
            "Side of a tile in pixels. Tiles are coded alone, so a loss costs one tile. "
            f"The student's are multiples of {BLOCK}."
        ),
        examples=[512],
    )

    @model_validator(mode="after")
    def _whole_blocks(self) -> Self:
        if self.name == "student" and self.tile % BLOCK:
            raise fault(
                f"found {self.tile}; allowed for the student: multiples of {BLOCK}, such as "
                f"{max(BLOCK, round(self.tile / BLOCK) * BLOCK)}",
                "tile",
            )
        return self

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """None or several of the settings."""
        return _exactly_one(given, ("quality", "bpp", "bytes"))

    @property
    def setting(self) -> Setting:
        """The setting, as encoders take it."""
        return Setting(self.quality, self.bpp, self.bytes)

    @property
    def label(self) -> str:
        """Codec and setting as people write them: `jpeg2000:0.5bpp`."""
        return choice_label(self.name, self.setting)


def _port_name(value: object) -> str:
    wrong = board_fault(value) if isinstance(value, str) else f"allowed: {PORTS}"
    if wrong or not isinstance(value, str):
        raise fault(f"found {shown(value)}; {wrong}")
    return value


PortName = Annotated[
    str,
    BeforeValidator(_port_name),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}),
]


class EncoderChoice(Model):
    """Where frames are encoded: in this process, or on a board at the end of a serial line."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"backend": {"const": "board"}}, "required": ["backend"]},
            "then": {"required": ["port"]},
        }
    )

    backend: Literal["in-process", "board"] = Field(
        default="in-process",
        examples=["board"],
        description=(
            "`board` streams every tile to the board at `port`; its bitstreams are what flies, "
            "and its encode times count in place of the processor's `encode_rate`."
        ),
    )
    port: PortName | None = Field(
        default=None,
        description=(
            "The board's port: the path of a serial device, `socket://HOST:PORT`, "
            "`rfc2217://HOST:PORT`, `loop://`, or `emulator:NAME` (see `downpass board list`). "
            "Satellites that name the same port share the board."
        ),
        examples=["/dev/ttyUSB0", "emulator:zynq-a9"],
    )
    baud: Annotated[int, Whole(300, 20_000_000)] = Field(
        default=DEFAULT_BAUD, description="Bits per second of the line.", examples=[921600]
    )
    give_up_after: Annotated[float, Seconds(least="1 s", most="1 d", usual="60 s")] = Field(
        default=60.0,
        description=(
            "How long the board may be away. After that nothing more is encoded, and the run "
            "ends with what was finished and exit status 1."
        ),
        examples=["60 s"],
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """A board without a port, or a port without a board."""
        board = given.get("backend") == "board"
        if board and given.get("port") is None:
            yield (
                "port",
                (f"missing with backend board; allowed: {PORTS}"),
            )
        if not board and given.get("port") is not None:
            found = shown(given.get("backend", "in-process"))
            yield "port", f"found a port with backend {found}; allowed: backend board with a port"


class Policy(Model):
    """Who goes first, and who goes when the recorder is full."""

    encode: Literal["priority", "fifo"] = Field(
        default="priority",
        description=(
            "Which raw frame is encoded next: the highest `priority`, "
            "or first in, first out (`fifo`)."
        ),
    )
    downlink: Literal["priority", "fifo", "newest"] = Field(
        default="priority", description="Which stored frame is sent next."
    )
    drop: Literal["lowest-priority", "oldest", "newest"] = Field(
        default="lowest-priority", description="Which frame goes when the recorder is full."
    )


class Satellite(Model):
    """One satellite: where it flies, what it sees, computes, stores and sends."""

    name: Name = Field(description="Its name, unique in the scenario.", examples=["sat-a"])
    orbit: Orbit = Field(description="Where it flies, in one of three forms.")
    imager: Imager = Field(description="The camera.")
    processor: Processor = Field(description="The onboard computer.")
    power: Power | None = Field(
        default=None,
        description="Battery, panels and loads; without it there is always power enough.",
    )
    recorder: Recorder = Field(description="The mass memory.")
    transmitter: Transmitter = Field(description="The downlink's sending end.")
    codec: CodecChoice = Field(description="How frames are compressed.")
    encoder: EncoderChoice = Field(
        default=EncoderChoice(), description="Where frames are encoded: here, or on a board."
    )
    policy: Policy = Field(default=Policy(), description="Who goes first, and who is dropped.")

    @model_validator(mode="after")
    def _can_encode(self) -> Self:
        processor = self.processor
        if self.encoder.backend == "board":
            if self.codec.quality is None:
                key = "bpp" if self.codec.bpp is not None else "bytes"
                raise fault(
                    f"found {key} with encoder.backend board; allowed: quality, because a board "
                    "codes tiles alone and sees no frame's budget",
                    f"codec.{key}",
                )
            if processor.encode_time == "host":
                raise fault(
                    "found host with encoder.backend board; allowed: modelled (the default), "
                    "which the board's own times take the place of",
                    "processor.encode_time",
                )
            return self
        if self.codec.name not in processor.encode_rate and processor.encode_time == "modelled":
            raise fault(
                f"found codec {self.codec.name}, for which the processor has no encode_rate; "
                f"allowed: {', '.join(processor.encode_rate) or 'none so far'}, "
                "or give processor.encode_rate a rate for it",
                "codec.name",
            )
        return self


class Target(Model):
    """A place to image: a point or a polygon."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [key]} for key in ("at", "polygon")]}
    )

    name: Name = Field(description="Its name, unique in the scenario.", examples=["lisbon"])
    at: Place | None = Field(
        default=None,
        description="A point: [latitude, longitude] in degrees.",
        examples=[[38.72, -9.14]],
    )
    polygon: Ring | None = Field(
        default=None,
        description="An area, by its corners as [latitude, longitude]; it closes by itself.",
        examples=[[[30.2, 30.4], [31.5, 30.6], [31.3, 32.3]]],
    )
    priority: Priority = Field(default=5, description="1 (low) to 9 (high).", examples=[5])
    scenes: tuple[ScenePath, ...] = Field(
        default=(),
        description=(
            "Rasters that show it (GeoTIFF, JPEG 2000, PNG, JPEG, WebP or BMP), relative to the "
            "scenario file. Without any, frame sizes come from codec.bpp or codec.bytes, and "
            "there are no pixels and no PSNR."
        ),
        examples=[["scenes/x.tif"]],
    )
    scene_fit: Literal["mirror", "repeat", "clip", "refuse"] = Field(
        default="mirror",
        description=(
            "What a frame shows where it is larger than its scene: the scene `mirror`ed at its "
            "right and lower edges, or `repeat`ed side by side, so that the frame has the "
            "imager's full size; `clip` makes the frame as small as the scene, and `refuse` does "
            "not run."
        ),
        examples=["mirror"],
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """No place, or two."""
        return _exactly_one(given, ("at", "polygon"))


class Outage(Model):
    """A time in which a station is out of service."""

    from_: Moment = Field(
        alias="from", description="When it begins.", examples=["2024-12-02T05:00:00Z"]
    )
    to: Moment = Field(description="When it ends.", examples=["2024-12-02T06:00:00Z"])

    @model_validator(mode="after")
    def _ends_after(self) -> Self:
        if self.to <= self.from_:
            raise fault(
                f"found from {self.from_:%Y-%m-%dT%H:%M:%SZ} to {self.to:%Y-%m-%dT%H:%M:%SZ}; "
                "allowed: from before to"
            )
        return self


class Station(Model):
    """A ground station, with its own figures or those of the shipped table."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        reference = handler(schema)
        mapping = handler.resolve_ref_schema(reference)
        whole = dict(mapping)
        named = {"type": "string", "enum": list(stations.names())}
        use = named | {"description": "A station of the shipped table, whose figures hold."}
        whole["properties"] = {"use": use} | dict(whole["properties"])
        whole.pop("required")
        whole["anyOf"] = [{"required": ["use"]}, {"required": ["name", "at"]}]
        mapping.clear()
        mapping |= {"anyOf": [named, whole], "description": whole.pop("description")}
        return reference

    name: Name = Field(description="Its name, unique in the scenario.", examples=["mine"])
    at: Place = Field(description="[latitude, longitude] in degrees.", examples=[[52.0, 4.4]])
    altitude: Annotated[float, Metres(least="-500 m", most="9 km", usual="10 m")] = Field(
        default=0.0, description="Height above the ellipsoid.", examples=["10 m"]
    )
    elevation_mask: Annotated[float, Degrees(least="0 deg", most="89 deg")] = Field(
        default=5.0, description="A pass begins and ends at this elevation.", examples=["5 deg"]
    )
    antennas: Annotated[int, Whole(1, 100)] = Field(
        default=1, description="How many satellites it serves at once.", examples=[1]
    )
    outages: tuple[Outage, ...] = Field(default=(), description="When it is out of service.")

    @model_validator(mode="before")
    @classmethod
    def _look_up(cls, value: Any) -> Any:
        return stations.look_up(value)


class Report(Model):
    """How much the report shows, and which delivered frames are written."""

    delivered: Literal["all", "sample", "none"] | None = Field(
        default=None,
        description=(
            "Which delivered frames are written as GeoTIFF: all, a sample drawn from the seed, "
            "or none. Without it all frames up to an estimated 2 GB, and a sample above."
        ),
        examples=["sample"],
    )

    sample_frames: Annotated[int, Whole(0, 64)] = Field(
        default=4, description="How many frames are shown beside their original.", examples=[4]
    )


class Realtime(Model):
    """The run held to the clock on the wall."""

    factor: Annotated[float, Number(0, 1000, above=0)] = Field(
        default=1.0,
        description="Seconds on the wall for one simulated second; 0.01 is a hundredfold pace.",
        examples=[0.01],
    )


def _paced(value: object) -> object:
    """Plain true is a mapping with its defaults, plain false is none."""
    if value is True:
        return {}
    return None if value is False else value


class Scenario(Model):
    """A whole scenario file."""

    name: Name = Field(
        description="Names the run's folder: letters, digits, dot, dash, underscore.",
        examples=["quickstart"],
    )
    description: str = Field(
        default="", strict=True, max_length=10_000, description="What it is about, for the report."
    )
    start: Moment = Field(description="When it begins, in UTC.", examples=["2024-12-02T00:00:00Z"])
    duration: Annotated[float, Seconds(above="0 s", most="3653 d")] = Field(
        description="How long it lasts.", examples=["24 h"]
    )
    seed: Annotated[int, Whole(0, 2**63 - 1)] = Field(
        default=1, description="Same file and same seed give the same results.", examples=[1]
    )
    satellites: tuple[Satellite, ...] = Field(
        min_length=1, max_length=1000, description="At least one."
    )
    targets: tuple[Target, ...] = Field(
        min_length=1, max_length=100_000, description="At least one."
    )
    stations: tuple[Station, ...] = Field(
        min_length=1,
        max_length=1000,
        description="At least one: a name of the shipped table, or a mapping.",
    )
    arbitration: Literal["first-come", "priority", "backlog"] = Field(
        default="first-come",
        description=(
            "Who gets an antenna that two satellites want: who came first, who holds the "
            "frame of highest priority, or who holds the most bytes."
        ),
    )
    realtime: Annotated[
        Realtime | None,
        BeforeValidator(_paced, json_schema_input_type=bool | Realtime | None),
    ] = Field(
        default=None,
        description=(
            "Whether the run keeps pace with the clock on the wall. What falls behind is said, "
            "and is no fault."
        ),
        examples=[True, {"factor": 0.01}],
    )
    report: Report = Field(default=Report(), description="What the report shows.")

    _source: Source = PrivateAttr(default_factory=Source)

    @property
    def source(self) -> Source:
        """The file it came from, and the line of every field."""
        return self._source

    @property
    def end(self) -> datetime:
        """When the scenario ends."""
        return self.start + timedelta(seconds=self.duration)

    def seconds(self, moment: datetime) -> float:
        """Seconds from the scenario's start to a moment."""
        return (moment - self.start).total_seconds()

    def scene_paths(self) -> list[SceneReference]:
        """Every scene that a target names, with where the file names it."""
        return [
            SceneReference(path, f"targets.{i}.scenes.{j}", self.source, i)
            for i, target in enumerate(self.targets)
            for j, path in enumerate(target.scenes)
        ]

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Names used twice, and a quality where there are no pixels."""
        for what, one in (
            ("satellites", "satellite"),
            ("targets", "target"),
            ("stations", "station"),
        ):
            seen: dict[str, int] = {}
            for i, item in _items(given, what):
                name = _part(item, "name") or _part(item, "use")
                if isinstance(item, str):
                    name = item
                if not isinstance(name, str):
                    continue
                if name in seen:
                    yield (
                        f"{what}.{i}.name",
                        (
                            f"found a second {one} called {shown(name)}, the first is number "
                            f"{seen[name]}; allowed: each name once"
                        ),
                    )
                seen.setdefault(name, i)
        blank = next((t for _, t in _items(given, "targets") if not _part(t, "scenes")), None)
        if blank is None:
            return
        for i, satellite in _items(given, "satellites"):
            codec = _part(satellite, "codec")
            settings = [_part(codec, key) for key in ("quality", "bpp", "bytes")]
            if settings[0] is not None and settings[1:] == [None, None]:
                yield (
                    f"satellites.{i}.codec.quality",
                    (
                        f"found a quality, and target {shown(_part(blank, 'name'))} has no "
                        "scenes; allowed: bpp or bytes where a target has no pixels to measure"
                    ),
                )


def _items(given: Mapping[str, Any], key: str) -> list[tuple[int, Any]]:
    found = given.get(key)
    return list(enumerate(found)) if isinstance(found, list | tuple) else []


def _part(item: object, key: str) -> Any:
    """A mapping's value or a model's attribute, None where there is none."""
    return item.get(key) if isinstance(item, Mapping) else getattr(item, key, None)
