"""The parts of a satellite: imager, processor, power, recorder and transmitter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from ...payload import processors
from .base import Clashes, Model, exactly_one, is_number, one_of
from .codec import CodecName
from .fields import Bands
from .link import LinkSpec
from .rate import RateSteps
from .transfer import Mode, TransferSpec, mode_alone
from .units import (
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

Share = Annotated[float, Number(0, 1)]


class StripSpec(Model):
    """Limits on the strips that an imager of mode `strip` takes."""

    min_length: Annotated[float, Metres(least="0 m", most="40000 km", usual="50 km")] = Field(
        default=0.0,
        description="Least length of a strip; a shorter one is extended beyond the area.",
        examples=["50 km"],
    )
    max_length: Annotated[float, Metres(above="0 m", most="40000 km", usual="1000 km")] | None = (
        Field(
            default=None,
            description="Greatest length of a strip. By default, nothing limits it.",
            examples=["1000 km"],
        )
    )
    max_gap: Annotated[float, Metres(least="0 m", most="5000 km", usual="100 km")] = Field(
        default=0.0,
        description=(
            "Ground outside the area, such as a strait, up to this length does not end a strip; "
            "it is imaged as well."
        ),
        examples=["100 km"],
    )
    max_per_orbit: (
        Annotated[float, Metres(above="0 m", most="40000 km", usual="1000 km")] | None
    ) = Field(
        default=None,
        description=(
            "Greatest total length of all strips in any span of one orbit period. It acts "
            "beside `duty_cycle`."
        ),
        examples=["1000 km"],
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash if the lengths are in the wrong order."""
        low, high = given.get("min_length"), given.get("max_length")
        if is_number(low) and is_number(high) and low > high:
            yield (
                "max_length",
                (
                    f"found {high:g} m with min_length {low:g} m; "
                    "allowed: max_length at least min_length"
                ),
            )


class ImagerSpec(Model):
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
            "a single number N selects the first N."
        ),
        examples=[[1, 2, 3], 4],
    )
    bit_depth: Annotated[int, Whole(1, 16)] = Field(
        default=12,
        description=(
            "Bits per sample, before compression. A scene with more bits loses its lowest ones, "
            "and its delivered frames have a scale that compensates for this. A scene with fewer "
            "bits keeps its own depth."
        ),
        examples=[12],
    )
    frame_length: Annotated[float, Metres(above="0 m", most="5000 km", usual="10.24 km")] = Field(
        description="Length of a frame, along the track.", examples=["10.24 km"]
    )
    off_nadir_limit: Annotated[float, Degrees(least="0 deg", most="70 deg")] = Field(
        default=25.0,
        description=(
            "Largest angle from nadir to which the imager may be turned; "
            "`0 deg` if it only looks straight down."
        ),
        examples=["25 deg"],
    )
    slew_rate: Annotated[float, DegreesPerSecond(above="0 deg/s", most="90 deg/s")] = Field(
        default=1.0,
        description="How fast the satellite turns from one target to the next.",
        examples=["1 deg/s"],
    )
    settle_time: Annotated[float, Seconds(least="0 s", most="1 h", usual="5 s")] = Field(
        default=5.0, description="How long the satellite settles after a turn.", examples=["5 s"]
    )
    min_sun_elevation: Annotated[float, Degrees(least="-90 deg", most="90 deg")] | None = Field(
        default=10.0,
        description=(
            "Lowest elevation of the sun at the target at which images are taken; "
            "`null` takes them by day and by night."
        ),
        examples=["10 deg"],
    )
    duty_cycle: Annotated[float, Number(0, 1, above=0)] = Field(
        default=1.0,
        description="Largest share of imaging in any span of one orbit period.",
        examples=[0.2],
    )
    mode: Literal["frame", "strip"] = Field(
        default="frame",
        description=(
            "How an area is imaged. `frame`: once in each access, by frames around the best view. "
            "`strip`: by a push-broom imager's strips, consecutive frames at one roll angle; "
            "wherever the imager sees some of the area, and with a turn between strips only. "
            "Targets with `area` need it. Points get one frame in either mode."
        ),
    )
    strip: StripSpec = Field(default=StripSpec(), description="Limits on strips, for mode `strip`.")

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

    @model_validator(mode="after")
    def _strips_fit(self) -> Self:
        strip, frame = self.strip, self.frame_length
        if self.mode == "frame" and strip != StripSpec():
            raise fault("found limits on strips with mode frame; allowed: mode: strip", "strip")
        most = strip.max_length
        if most is not None and math.floor(most / frame) < max(
            1, math.ceil(strip.min_length / frame)
        ):
            raise fault(
                f"found {most:g} m with frames of {frame:g} m and min_length "
                f"{strip.min_length:g} m; allowed: room for a whole number of frames",
                "strip.max_length",
            )
        return self


EncodeRates = dict[CodecName, Annotated[float, SamplesPerSecond(least="1 px/s", most="1000 Gpx/s")]]


def _known_profile(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value in processors.names()):
        return value
    raise fault(f"found {shown(value)}; {one_of(value, processors.names())}")


class ProcessorSpec(Model):
    """The onboard computer, given by a named profile or by figures of your own."""

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
        description="Named profile of a real onboard computer; figures of your own override it.",
        examples=["zynq-7020"],
    )
    encode_rate: EncodeRates = Field(
        default_factory=dict,
        description=(
            "How fast each codec encodes, in samples (pixels x bands) per second. "
            "Rates that are not given come from the profile."
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
        """Return whether the encode rate of a codec is known."""
        return any(name == codec for name in self.encode_rate)

    def rate_of(self, codec: str) -> float:
        """Return the encode rate of a codec in samples per second.

        Raises:
            KeyError: Neither the profile nor the scenario gives the rate.
        """
        return {str(name): rate for name, rate in self.encode_rate.items()}[codec]

    @model_validator(mode="before")
    @classmethod
    def _fill_from_profile(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or not isinstance(value.get("profile"), str):
            return value
        if value["profile"] not in processors.names():
            return value  # the field's own check reports it with all other faults
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
    """The power that each activity draws. Loads that are on at the same time add up."""

    idle: Annotated[float, Watts(least="0 W", most="100 kW")] = Field(
        description="Always drawn, by the platform with its computer and receiver on.",
        examples=["10 W"],
    )
    imaging: Annotated[float, Watts(least="0 W", most="100 kW")] = Field(
        description="Drawn in addition while imaging.", examples=["20 W"]
    )
    encoding: Annotated[float, Watts(least="0 W", most="100 kW")] = Field(
        description="Drawn in addition while encoding.", examples=["8 W"]
    )
    transmitting: Annotated[float, Watts(least="0 W", most="100 kW")] = Field(
        description="Drawn in addition while sending.", examples=["30 W"]
    )


class Power(Model):
    """The battery, the solar panels and the loads. Work waits while the charge is low."""

    battery: Annotated[float, Joules(above="0 Wh", most="1000 kWh")] = Field(
        description="Usable energy when full.", examples=["80 Wh"]
    )
    initial_charge: Share = Field(
        default=1.0, description="Charge at the start, 0 to 1.", examples=[1.0]
    )
    min_charge: Share = Field(
        default=0.3,
        description="At or below this charge, imaging, encoding and sending wait.",
        examples=[0.3],
    )
    resume_charge: Share = Field(
        default=0.4,
        description="At this charge they resume; it must be above `min_charge`.",
        examples=[0.4],
    )
    solar: Annotated[float, Watts(least="0 W", most="1000 kW")] = Field(
        description="Power of the solar panels while the satellite is in sunlight.",
        examples=["60 W"],
    )
    loads: Loads = Field(description="The power that each activity draws.")

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash if the charges are in the wrong order."""
        low, high = given.get("min_charge", 0.3), given.get("resume_charge", 0.4)
        # If they were closer, work would start and stop endlessly.
        if is_number(low) and is_number(high) and high < low + 0.01:
            at = "resume_charge" if "resume_charge" in given else "min_charge"
            yield (
                at,
                (
                    f"found resume_charge {shown(high)} with min_charge {shown(low)}; "
                    "allowed: resume_charge at least 0.01 above min_charge"
                ),
            )


class RecorderSpec(Model):
    """The mass memory, which holds encoded frames until they are delivered."""

    capacity: Annotated[int, Bytes(least="1 kB", most="1000 TB")] = Field(
        description="How many encoded bytes the recorder holds.", examples=["8 GB"]
    )
    when_full: Literal["drop", "shrink"] = Field(
        default="drop",
        description=(
            "What happens if a new frame does not fit. `drop`: frames are dropped, as "
            "`policy.drop` says. `shrink`, with the student only: before that, frames of which "
            "nothing was sent are requantised on board to a quarter of their bytes, the lowest "
            "priority first and the oldest among equals, but never for a frame of a lower "
            "priority. It takes the processor's time and energy: 0.8 times those of encoding, "
            "unless `encode_time` is `host`."
        ),
        examples=["shrink"],
    )
    least_bpp: Annotated[float, Number(0, 1024 * 16, above=0)] | None = Field(
        default=None,
        description=(
            "With `shrink`: the rate below which no frame is requantised. By default a frame is "
            "requantised once, whatever its rate."
        ),
        examples=[0.1],
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash for a floor of what is never done."""
        if given.get("least_bpp") is not None and given.get("when_full", "drop") == "drop":
            yield "least_bpp", "found least_bpp with when_full drop; allowed: with shrink"


LARGEST_SEGMENT = 65535 - 8
"""Bytes of a file in one CFDP PDU at most: its data field begins with an offset of 8 bytes."""


class TransmitterSpec(Model):
    """The satellite's transmitter for the downlink."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["rate"]}, {"required": ["link"]}]}
    )

    rate: RateSteps | None = Field(
        default=None,
        description=(
            "Information rate: one rate, or steps in order of rising elevation. The step that "
            "holds has the largest elevation at or below the satellite's; below the lowest step, "
            "there is no link. A station's own `rate` replaces it there."
        ),
        examples=["150 Mbit/s", [{"elevation": "5 deg", "rate": "50 Mbit/s"}]],
    )
    link: LinkSpec | None = Field(
        default=None,
        description=(
            "Instead of `rate`: the carrier and its modes, from which rate and losses are computed "
            "for each station."
        ),
    )
    packet: Annotated[int, Bytes(least="16 B", most="65536 B", usual="1024 B")] = Field(
        default=1024, description="Payload size of one packet.", examples=["1024 B"]
    )
    packet_loss: Annotated[float, Number(0, 1)] = Field(
        default=0.0,
        description=(
            "Probability that a packet is lost. Losses are drawn from the seed. With a `link`, "
            "this is what is lost although the mode is received."
        ),
        examples=[1e-4],
    )
    acknowledge_delay: Annotated[float, Seconds(least="0 s", most="1 h", usual="0.5 s")] = Field(
        default=0.5,
        description=(
            "How long the station's acknowledgement takes. Data sent within this time "
            "before LOS is not known to have arrived and is sent again."
        ),
        examples=["0.5 s"],
    )
    least_pass: Annotated[float, Seconds(least="0 s", most="1 h", usual="3 min")] = Field(
        default=0.0,
        description=(
            "A contact shorter than this is not used; a station may have a `least_pass`, too."
        ),
        examples=["3 min"],
    )
    transfer: Annotated[
        TransferSpec, BeforeValidator(mode_alone, json_schema_input_type=Mode | TransferSpec)
    ] = Field(
        default=TransferSpec(),
        description=(
            "How files are transferred: a mode alone, or with its figures. "
            "[File transfer](transfer.md) describes the modes."
        ),
    )

    @model_validator(mode="after")
    def _transfer_fits(self) -> Self:
        mode = self.transfer.mode
        if mode == "resumable":
            return self
        delay = type(self).model_fields["acknowledge_delay"].default
        if self.acknowledge_delay != delay:
            raise fault(
                f"found acknowledge_delay with transfer {mode}; allowed: transfer resumable, or "
                "without acknowledge_delay (transfer.uplink.delay is that of acknowledged)",
                "acknowledge_delay",
            )
        if self.packet > LARGEST_SEGMENT:
            raise fault(
                f"found {self.packet} B with transfer {mode}; allowed: at most "
                f"{LARGEST_SEGMENT} B, because a CFDP PDU's data field has at most 65535 B",
                "packet",
            )
        return self

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash unless exactly one of `rate` and `link` is given."""
        return exactly_one(given, ("rate", "link"))
