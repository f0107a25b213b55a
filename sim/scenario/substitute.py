"""Substitute one codec for those of a scenario, as a comparison of codecs does."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

from ...link.errors import InputError
from ...payload.encoders.base import Setting, check_lossless, choice_label
from ...payload.encoders.traits import TRAITS
from .scenario import Scenario


def with_codec(scenario: Scenario, name: str, setting: Setting) -> Scenario:
    """Return the scenario with every satellite using one codec at one setting.

    Raises:
        InputError: The setting is lossless and the codec never is, the codec comes from outside and
            is not that of all satellites, a satellite's processor has no rate for the codec,
            its tile size, recorder or board does not suit it, or the setting is a quality and a
            target has no pixels.
    """
    check_lossless(name, setting)
    label = f"codec {choice_label(name, setting)}"
    for satellite in scenario.satellites:
        processor = satellite.processor
        if processor.encode_time == "modelled" and not processor.has_rate_of(name):
            raise InputError(
                f"{label}: the processor of {satellite.name} has no encode_rate for {name}; "
                f"allowed: {', '.join(sorted(processor.encode_rate))}, or give it one"
            )
    traits = TRAITS[name]
    other = next((s for s in scenario.satellites if s.codec.name != name), None)
    if traits.foreign and other is not None:
        raise InputError(
            f"{label}: {other.name} has codec {other.codec.name}; allowed: {name} where every "
            "satellite's codec is that"
        )
    odd = next((s for s in scenario.satellites if not traits.takes_tile(s.codec.tile)), None)
    if odd is not None:
        raise InputError(
            f"{label}: found a tile of {odd.codec.tile} at {odd.name}; allowed for the {name}: "
            f"multiples of {traits.tile_multiple}, for example --set "
            f"'satellites.*.codec.tile={traits.nearest_tile(odd.codec.tile)}'"
        )
    blank = next((target.name for target in scenario.targets if not target.scenes), None)
    if setting.quality is not None and blank is not None:
        raise InputError(
            f"{label}: found a quality, and target {blank} has no scenes; allowed: a rate in bpp "
            "or a budget in bytes where a target has no pixels to measure"
        )
    choice = {
        "name": name,
        "quality": setting.quality,
        "bpp": setting.bpp,
        "bytes": setting.bytes,
        "policy": "fixed",
        "least_bpp": None,
    }
    satellites = tuple(
        s.model_copy(update={"codec": s.codec.model_copy(update=choice)})
        for s in scenario.satellites
    )
    for satellite in satellites:
        try:
            satellite.check_encoding()
        except PydanticCustomError as error:
            about = error.context or {}
            raise InputError(
                f"{label}: {about.get('at')} of {satellite.name}: {about.get('message')}"
            ) from None
    return scenario.model_copy(update={"satellites": satellites})
