"""One satellite of a scenario: its orbit, its parts, its codec and its policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from ...payload.encoders.traits import TRAITS
from .base import LONGEST_NAME, Model, Name
from .codec import CodecChoice, EncoderChoice
from .imager import ImagerSpec
from .orbit import KeplerOrbit, Orbit, WalkerOrbit
from .processor import ProcessorSpec
from .refusal import fault, shown
from .spacecraft import Power, RecorderSpec, TransmitterSpec


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
    orbit: Orbit = Field(
        description=(
            "The orbit. With a Walker constellation, the entry stands for all its satellites, "
            "which are called `NAME-PLANE-PLACE`."
        )
    )
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

    _entry: int | None = PrivateAttr(default=None)

    @property
    def entry(self) -> int | None:
        """Index of the entry of `satellites` that this satellite comes from, once it is known."""
        return self._entry

    def constellation(self, entry: int) -> Iterator[SatelliteSpec]:
        """Yield the satellites that this entry of a scenario stands for: itself, or many.

        Args:
            entry: Index of this entry.
        """
        if not isinstance(self.orbit, WalkerOrbit):
            self._entry = entry
            yield self
            return
        walker = self.orbit.walker
        digits = len(str(walker.planes)), len(str(walker.total // walker.planes))
        for plane, place, raan, anomaly in walker.places():
            orbit = KeplerOrbit(
                altitude=walker.altitude,
                inclination=walker.inclination,
                raan=raan,
                anomaly=anomaly,
            )
            name = f"{self.name}-{plane:0{digits[0]}d}-{place:0{digits[1]}d}"
            satellite = self.model_copy(update={"name": name, "orbit": orbit})
            satellite._entry = entry
            yield satellite

    @model_validator(mode="after")
    def _leaves_room_in_names(self) -> Self:
        if isinstance(self.orbit, WalkerOrbit):
            longest = max(len(one.name) for one in self.constellation(0))
            if longest > LONGEST_NAME:
                raise fault(
                    f"found {shown(self.name)} for a constellation, whose satellites' names would "
                    f"have {longest} characters; allowed: at most {LONGEST_NAME}",
                    "name",
                )
        return self

    @model_validator(mode="after")
    def _can_encode(self) -> Self:
        self.check_encoding()
        return self

    def check_encoding(self) -> None:
        """Refuse a codec that the satellite's processor, recorder or board cannot have.

        Raises:
            PydanticCustomError: A `fault`; at its place stands what was found.
        """
        processor = self.processor
        if self.recorder.when_full == "shrink":
            if self.codec.name != "student":
                raise fault(
                    f"found shrink with codec {self.codec.name}; allowed: with codec student, "
                    "whose bitstreams can be requantised",
                    "recorder.when_full",
                )
            if self.encoder.backend == "board":
                raise fault(
                    "found shrink with encoder.backend board; allowed: in-process, because boards "
                    "encode and do not requantise",
                    "recorder.when_full",
                )
        if self.encoder.backend == "board":
            if TRAITS[self.codec.name].foreign:
                raise fault(
                    f"found codec {self.codec.name} with encoder.backend board; allowed: "
                    f"{', '.join(n for n, one in TRAITS.items() if not one.foreign)}, with which a "
                    "board's bytes are compared",
                    "codec.name",
                )
            if self.codec.policy != "fixed":
                raise fault(
                    f"found policy {self.codec.policy} with encoder.backend board; allowed: fixed, "
                    "because a board gets its frames before the run decides their rate",
                    "codec.policy",
                )
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
            return
        if self.codec.name not in processor.encode_rate and processor.encode_time == "modelled":
            raise fault(
                f"found codec {self.codec.name}, for which the processor has no encode_rate; "
                f"allowed: {', '.join(processor.encode_rate) or 'none so far'}, "
                "or give processor.encode_rate a rate for it",
                "codec.name",
            )
