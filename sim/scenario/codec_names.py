"""Names of a scenario's codecs in results and reports: one for each different codec.

In a scenario, `command` and `onnx` name a kind of codec. Satellites may have different programs or
graphs of one kind. They are numbered in the satellites' order, as `command 1` and `command 2`. If
all satellites have the same codec of a kind, it keeps the plain name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...payload.encoders.base import setting_label
from .codec import CodecChoice
from .satellite import SatelliteSpec


def codec_names(satellites: Sequence[SatelliteSpec]) -> list[str]:
    """Return the name of each satellite's codec; names are equal exactly if the codecs are."""
    kinds: dict[str, dict[tuple[Any, ...], int]] = {}
    for codec in (satellite.codec for satellite in satellites):
        known = kinds.setdefault(codec.name, {})
        known.setdefault(codec.workings, len(known) + 1)
    names = []
    for codec in (satellite.codec for satellite in satellites):
        known, name = kinds[codec.name], str(codec.name)
        names.append(f"{name} {known[codec.workings]}" if len(known) > 1 else name)
    return names


def codec_labels(satellites: Sequence[SatelliteSpec]) -> dict[str, str]:
    """Return codec and setting of each satellite, by its name: `command 2:0.5bpp`."""
    names = codec_names(satellites)
    return {
        one.name: f"{name}:{setting_words(one.codec)}"
        for one, name in zip(satellites, names, strict=True)
    }


def setting_words(codec: CodecChoice) -> str:
    """Return a codec's setting and policy as people write them: `0.5bpp`, `2bpp lookahead`."""
    setting = setting_label(codec.name, codec.setting)
    return setting if codec.policy == "fixed" else f"{setting} {codec.policy}"
