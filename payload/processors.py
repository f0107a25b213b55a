"""Named profiles of onboard computers, with the source of every figure.

The figures and where each comes from stand in `processors.toml`. Encoding rates are derived
there from measured rates on one x86-64 core, because nobody publishes them codec by codec;
`ProcessorProfile.sources` says so for each.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..link.errors import InputError
from ..link.suggestion import did_you_mean


@dataclass(frozen=True, slots=True)
class ProcessorProfile:
    """What an onboard computer can do.

    Attributes:
        name: What a scenario calls it.
        description: What it is and what flew it.
        cores: Processor cores; one of them codes.
        clock_hz: Clock of a core.
        memory_bytes: All memory.
        working_memory_bytes: Memory for raw frames that wait to be encoded.
        idle_w: Power drawn while it waits.
        active_w: Power drawn while it encodes.
        encode_rate: By codec, samples (pixels x bands) per second.
        sources: By figure (an attribute, or a codec), its source or its derivation.
    """

    name: str
    description: str
    cores: int
    clock_hz: float
    memory_bytes: int
    working_memory_bytes: int
    idle_w: float
    active_w: float
    encode_rate: Mapping[str, float]
    sources: Mapping[str, str]


# Codecs whose fast implementations live on vector units; the others are scalar code.
_VECTORISED = frozenset({"jpegxl", "avif"})


@cache
def _profiles() -> Mapping[str, ProcessorProfile]:
    text = files(__package__).joinpath("processors.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return {
        name: _derive(name, figures, tables["reference"])
        for name, figures in tables["profile"].items()
    }


def _derive(
    name: str, figures: Mapping[str, Any], reference: Mapping[str, Any]
) -> ProcessorProfile:
    own = dict(figures)
    dmips, vector, mac_rate = own.pop("dmips"), own.pop("vector"), own.pop("mac_rate")
    share = dmips / reference["dmips"]
    rates: dict[str, float] = {}
    sources = dict(own.pop("sources"))
    for codec, rate in reference["encode_rate"].items():
        slowed = vector if codec in _VECTORISED else 1.0
        rates[codec] = _two_digits(rate * share / slowed)
        sources[codec] = (
            f"derived: {rate / 1e6:g} Msample/s on the reference core "
            f"({reference['sources'][codec]}) x {dmips:g}/{reference['dmips']:g} DMIPS"
            + (f" / {slowed:g} for its vector unit" if slowed != 1 else "")
        )
    macs, coder = reference["macs_per_sample"], reference["student_coder_rate"]
    rates["student"] = _two_digits(1 / (macs / mac_rate + 1 / (coder * share)))
    sources["student"] = (
        f"derived: {macs:g} MAC a sample ({reference['sources']['student']}) at "
        f"{mac_rate / 1e6:g} MMAC/s, then the entropy coder: {coder / 1e6:g} Msample/s on the "
        f"reference core ({reference['sources']['student_coder']}) x "
        f"{dmips:g}/{reference['dmips']:g} DMIPS"
    )
    return ProcessorProfile(name=name, **own, encode_rate=rates, sources=sources)


def _two_digits(rate: float) -> float:
    """No more digits than a derivation deserves."""
    return float(f"{rate:.1e}")


def names() -> tuple[str, ...]:
    """Every profile's name."""
    return tuple(_profiles())


def profile(name: str) -> ProcessorProfile:
    """The profile of that name; InputError names those that exist."""
    try:
        return _profiles()[name]
    except KeyError:
        raise InputError(
            f"processor: found {name[:64]!r}; allowed: {', '.join(names())}"
            f"{did_you_mean(name, names())}"
        ) from None
