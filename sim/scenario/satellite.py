"""One satellite of a scenario: its orbit, its parts, its codec and its policies."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from .base import Model, Name
from .codec import CodecChoice, EncoderChoice
from .orbit import Orbit
from .spacecraft import ImagerSpec, Power, ProcessorSpec, RecorderSpec, TransmitterSpec
from .units import fault


class Policy(Model):
    """Which frames go first, and which are dropped when the recorder is full."""

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
        default="lowest-priority", description="Which frame is dropped when the recorder is full."
    )


class SatelliteSpec(Model):
    """One satellite: its orbit, its parts, its codec and its policies."""

    name: Name = Field(description="Name, unique in the scenario.", examples=["sat-a"])
    orbit: Orbit = Field(description="The orbit, in one of three forms.")
    imager: ImagerSpec = Field(description="The camera.")
    processor: ProcessorSpec = Field(description="The onboard computer.")
    power: Power | None = Field(
        default=None,
        description="Battery, solar panels and loads. Without this section, power is never short.",
    )
    recorder: RecorderSpec = Field(description="The mass memory.")
    transmitter: TransmitterSpec = Field(
        description="The satellite's transmitter for the downlink."
    )
    codec: CodecChoice = Field(description="How frames are compressed.")
    encoder: EncoderChoice = Field(
        default=EncoderChoice(),
        description="Where frames are encoded: in this process, or on a board.",
    )
    policy: Policy = Field(
        default=Policy(), description="Which frames go first, and which are dropped."
    )

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
