"""The onboard computer: how fast it encodes, and the memory for frames that wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from ...payload import processors
from .base import Model, one_of
from .codec import CodecName
from .refusal import fault, shown
from .units import Bytes, SamplesPerSecond

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
