"""How a satellite's files are transferred: with or without requests for what was lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Clashes, Model
from .plain_numbers import Number, Whole
from .refusal import shown
from .units import BitsPerSecond, Bytes, Seconds

Mode = Literal["resumable", "unacknowledged", "acknowledged"]

_Timeout = Annotated[float, Seconds(least="100 ms", most="1 d", usual="5 s")]


class UplinkSpec(Model):
    """The uplink over which the ground acknowledges and requests file data."""

    rate: Annotated[float, BitsPerSecond(least="1 bit/s", most="1 Gbit/s", usual="4 kbit/s")] = (
        Field(
            default=4000.0,
            description="Information rate, after coding and framing.",
            examples=["4 kbit/s"],
        )
    )
    delay: Annotated[float, Seconds(least="0 s", most="1 h", usual="0.3 s")] | None = Field(
        default=None,
        description=(
            "Time from the end of a PDU on the uplink until the satellite acts on it, with the "
            "signal's way down and up. Default: the light's way there and back over the contact's "
            "longest distance, and 0.2 s for processing at the station and on board."
        ),
        examples=["0.3 s"],
    )
    packet: Annotated[int, Bytes(least="64 B", most="65536 B", usual="256 B")] = Field(
        default=256,
        description="Largest PDU on the uplink. A list of requests that is longer is split.",
        examples=["256 B"],
    )
    packet_loss: Annotated[float, Number(0, 1)] = Field(
        default=0.0,
        description="Probability that a PDU on the uplink is lost, drawn from the seed.",
        examples=[1e-3],
    )


class TransferSpec(Model):
    """How files are transferred to the ground."""

    mode: Mode = Field(
        default="resumable",
        description=(
            "`resumable`: the ground acknowledges each packet as received or as lost; lost packets "
            "are not sent again, and what was not acknowledged before LOS is. `unacknowledged`: "
            "CFDP class 1; each file is sent once. `acknowledged`: CFDP class 2; what is lost is "
            "requested over the uplink and sent again, in the same contact or the next."
        ),
        examples=["acknowledged"],
    )
    nak: Literal["deferred", "immediate"] = Field(
        default="deferred",
        description=(
            "When the ground requests what is missing: after the end of the file, or as soon as a "
            "gap shows. For `acknowledged`."
        ),
    )
    uplink: UplinkSpec = Field(
        default=UplinkSpec(), description="The ground's way to the satellite. For `acknowledged`."
    )
    ack_timeout: _Timeout = Field(
        default=5.0,
        description=(
            "After this time without acknowledgement an EOF or Finished is sent again. "
            "For `acknowledged`."
        ),
        examples=["5 s"],
    )
    nak_timeout: _Timeout = Field(
        default=5.0,
        description="After this time missing data is requested again. For `acknowledged`.",
        examples=["5 s"],
    )
    limit: Annotated[int, Whole(1, 1000)] = Field(
        default=10,
        description="How often in a row each of these is repeated. For `acknowledged`.",
        examples=[10],
    )
    on_limit: Literal["suspend", "cancel"] = Field(
        default="suspend",
        description=(
            "What happens at the limit: the transaction is suspended until the next contact, or "
            "ended with what has arrived. For `acknowledged`."
        ),
    )
    inactivity_timeout: _Timeout = Field(
        default=30.0,
        description=(
            "If the end of a file is lost, the ground waits for this time before it takes the "
            "file as it is. For `unacknowledged`."
        ),
        examples=["30 s"],
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash for each figure that the mode does not use, unless it is the default."""
        mode = given.get("mode", "resumable")
        used = _USED.get(mode) if isinstance(mode, str) else None
        if used is None:
            return  # the field's own check reports it
        for key, value in given.items():
            if key in _ALL and key not in used and value != cls.model_fields[key].default:
                needed = next(name for name, keys in _USED.items() if key in keys)
                yield (
                    key,
                    (
                        f"found {key} with mode {shown(mode)}; "
                        f"allowed: mode {needed}, or without {key}"
                    ),
                )


_USED: Mapping[str, frozenset[str]] = {
    "resumable": frozenset(),
    "unacknowledged": frozenset({"inactivity_timeout"}),
    "acknowledged": frozenset({"nak", "uplink", "ack_timeout", "nak_timeout", "limit", "on_limit"}),
}
_ALL = frozenset().union(*_USED.values())


def mode_alone(value: object) -> object:
    """Turn the name of a mode into a mapping."""
    return {"mode": value} if isinstance(value, str) else value
