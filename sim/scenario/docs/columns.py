"""Two columns of the tables in docs/scenario.md: what to write for a key, and its default."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ..area import AreaSpec
from ..bookings import Bookings
from ..describe import choices, models_in, number_of, yaml_value
from ..faults import CutSpec
from ..ground import StationSpec, TargetSpec
from ..link import MODE_SETS, LinkSpec, ReceiverSpec
from ..processor import ProcessorSpec
from ..scenario import Realtime, Scenario
from ..spacecraft import TransmitterSpec
from ..sweep import SweepRange, SweepSpec
from ..transfer import TransferSpec
from ..units import (
    BitsPerSecond,
    Bytes,
    Decibels,
    DecibelsIsotropic,
    DecibelsPerKelvin,
    DecibelWatts,
    Degrees,
    DegreesPerSecond,
    Hertz,
    Joules,
    Kelvins,
    Metres,
    MillimetresPerHour,
    Quantity,
    SamplesPerSecond,
    Seconds,
    SymbolsPerSecond,
    Tiles,
    Watts,
)
from ..weather import WeatherSpec
from .sections import sections_of

QUANTITIES: Final[tuple[tuple[str, type[Quantity]], ...]] = (
    ("duration", Seconds),
    ("length", Metres),
    ("rain rate", MillimetresPerHour),
    ("amount of data", Bytes),
    ("data rate", BitsPerSecond),
    ("power", Watts),
    ("energy", Joules),
    ("angle", Degrees),
    ("turning rate", DegreesPerSecond),
    ("coding rate", SamplesPerSecond),
    ("number of tiles", Tiles),
    ("frequency", Hertz),
    ("symbol rate", SymbolsPerSecond),
    ("temperature", Kelvins),
    ("ratio", Decibels),
    ("antenna gain", DecibelsIsotropic),
    ("EIRP", DecibelWatts),
    ("G/T", DecibelsPerKelvin),
)
"""Kinds of quantities, with their names on the page."""

_BY_KEY: Final = {
    "sun_synchronous": "`true`",
    "local_time": "time of day in quotes",
    "tle": "two or three lines",
    "omm": "path",
    "plan": "path",
    "oem": "path",
    "object": "name or number",
    "port": "text, or `emulator:NAME`",
    "file": "path",
    "priority_values": "value: whole number 1 to 9",
    "start": "moment",
    "from": "moment",
    "to": "moment",
    "at": "[latitude, longitude]",
    "polygon": "list of [latitude, longitude]",
    "latitude": "[south, north]",
    "longitude": "[west, east]",
    "exclude": "list of `antarctica`, `greenland`",
    "tiles": "list of whole numbers from 1",
    "scenes": "list of paths",
    "bands": "list of whole numbers, or one",
    "profile": "[name](#processors)",
    "horizon": "list of [azimuth, elevation]",
    "fallback": "list of names",
    "mode": "name",
    "pilots": "`true` or `false`",
    "name": "name",
}
"""What to write for keys whose field has neither numbers, words nor a model."""


def what_to_write(model: type[BaseModel], key: str, field: FieldInfo) -> str:
    """Return what a file may have as the value of a key, in words, with the bounds of numbers.

    Args:
        model: The model of the section.
        key: The key as a file writes it.
        field: The key's field.
    """
    number = number_of(field)
    if key == "rate" and model in (TransmitterSpec, StationSpec):
        return "data rate, or a list of [steps](#rate-steps)"
    if model is LinkSpec and key == "modes":
        return ", ".join(f"`{name}`" for name in MODE_SETS) + ", or a list of [modes](#modes)"
    if model is SweepRange and key in ("from", "to", "step"):
        return "number, with its unit if the field has one"
    if model is SweepSpec and key == "over":
        return "fields, each with a list of values or [a range](#a-range)"
    inner = next(models_in(field.annotation), None)
    if inner is TargetSpec:
        return "list of [targets](#a-target), or [a file](#targets-from-a-file)"
    if inner is Bookings:
        return "list of [times](#a-booking), path of a contact plan, or [a mapping](#bookings)"
    if inner is WeatherSpec:
        return "`drawn`, `none`, or [a mapping](#weather)"
    if inner is AreaSpec:
        return "`land`, or [a mapping](#an-area)"
    if inner is Realtime:
        return "`true`, `false`, or [a mapping](#realtime)"
    if inner is TransferSpec:
        modes = choices(TransferSpec.model_fields["mode"].annotation)
        return ", ".join(f"`{mode}`" for mode in modes) + ", or [a mapping](#transfer)"
    if inner is not None:
        links = " or ".join(section.link for section in sections_of(field.annotation))
        return f"list of {links}" if "tuple" in str(field.annotation) else links
    if isinstance(number, Quantity):
        name = next(name for name, quantity in QUANTITIES if isinstance(number, quantity))
        if model is ProcessorSpec and key == "encode_rate":
            return f"codec: {name}, {number.bounds}"
        if model is CutSpec and key == "at":
            return f"list of {name}s, {number.bounds}"
        return f"{name}, {number.bounds}" + _or_null(field)
    if number is not None:
        return f"{number.kind} {number.bounds}" + _or_null(field)
    words = choices(field.annotation)
    if words and model is ReceiverSpec:
        return "list of " + ", ".join(f"`{word}`" for word in words)
    if words and words != ["True"]:
        return ", ".join(f"`{word}`" for word in words)
    return _BY_KEY.get(key, "text")


def default(model: type[BaseModel], key: str, field: FieldInfo) -> str:
    """Return the default of a key as a file would write it; arguments as for `what_to_write`."""
    if field.default is PydanticUndefined and field.default_factory is None:
        return "**required**"
    number = number_of(field)
    if model is ProcessorSpec and key in ("encode_rate", "working_memory"):
        return "the profile's"
    if model is Scenario and key == "weather":
        return "`drawn`"
    if field.default in (None, (), "", {}):
        return "none"
    if isinstance(field.default, BaseModel):
        return "its defaults"
    if isinstance(number, Quantity) and isinstance(field.default, int | float):
        return f"`{type(number).written(field.default)}`"
    return f"`{yaml_value(field.default)}`"


def _or_null(field: FieldInfo) -> str:
    # Only if `null` differs from leaving the key out.
    optional = type(None) in getattr(field.annotation, "__args__", ())
    return ", or `null`" if optional and field.default is not None else ""
