"""The satellite's power, recorder and transmitter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from .base import Clashes, Model, exactly_one, is_number
from .link import LinkSpec
from .plain_numbers import BitsPerPixel, Number
from .rate import RateSteps
from .refusal import fault, shown
from .transfer import Mode, TransferSpec, mode_alone
from .units import Bytes, Joules, Seconds, Watts

Share = Annotated[float, Number(0, 1)]


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

    battery: Annotated[float, Joules(least="0.1 Wh", most="1000 kWh")] = Field(
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
    least_bpp: BitsPerPixel | None = Field(
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
