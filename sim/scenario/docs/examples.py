"""The example of each section of docs/scenario.md, made from the examples of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ..area import AreaSpec
from ..bookings import Bookings
from ..codec import CodecChoice
from ..describe import choices, keys, models_in, yaml_value
from ..faults import CutSpec, PauseSpec, TileFaultSpec
from ..ground import TargetSpec
from ..link import LinkSpec
from ..spacecraft import Loads, TransmitterSpec
from ..transfer import TransferSpec
from ..walker import Walker
from ..weather import WeatherSpec

_LEFT_OUT: Final[dict[type[BaseModel], set[str]]] = {
    CodecChoice: {"quality", "bytes"},
    TargetSpec: {"polygon", "area"},
    WeatherSpec: {"availability"},
    TransmitterSpec: {"link"},
    LinkSpec: {"power", "antenna_gain", "line_loss", "mode", "availability"},
    AreaSpec: {"longitude"},
    TransferSpec: {"inactivity_timeout"},
    Bookings: {"passes", "plan"},
    CutSpec: {"every", "tiles", "share"},
    PauseSpec: {"tiles", "share"},
    TileFaultSpec: {"every", "tiles"},
}
"""Keys that an example leaves out, because they are alternatives to one that it has."""


def section_example(model: type[BaseModel]) -> str:
    """Return a section as a file might have it, made of its fields' examples."""
    left_out = _LEFT_OUT.get(model, set())
    lines: list[str] = []
    for key, field in keys(model):
        if key in left_out:
            continue
        lines += _example_lines(key, field)
    return "\n".join(lines) + "\n"


def _example_lines(key: str, field: FieldInfo) -> Iterator[str]:
    inner = next(models_in(field.annotation), None)
    if key == "tle":
        yield "tle: |"
        yield "  1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-3 0  9998"
        yield "  2 40697  98.5704  48.9920 0001011  93.0957 267.0342 14.30811188493363"
    elif field.is_required() and inner in (Loads, Walker):
        yield f"{key}:"
        yield from (f"  {line}" for line in section_example(inner).splitlines())
    elif field.examples:
        yield f"{key}: {yaml_value(field.examples[0])}"
    elif field.default is not PydanticUndefined and not isinstance(field.default, BaseModel):
        if field.default not in ((), "", None):
            yield f"{key}: {yaml_value(field.default)}"
    elif choices(field.annotation):
        yield f"{key}: {choices(field.annotation)[0]}"
