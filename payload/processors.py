"""Named profiles of onboard computers, with the source of every figure.

`processors.toml` holds the figures and their sources. Encoding rates are derived from rates
measured on one x86-64 core, because nobody publishes them for each codec; the entry of
`ProcessorProfile.sources` gives the derivation of each rate.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ..link.errors import InputError
from ..link.suggestion import did_you_mean

REQUANTISE_PERCENT: Final = 80
"""Time of requantising a student frame in per cent of that of encoding it, on any processor.

Measured on one x86-64 core (`benchmarks/shrink.py FOLDER --speed --crop 512 --pictures 9`): median
0.81, from 0.77 to 1.51. On processors where the networks weigh more, it would be less; without a
compiled entropy decoder it is 1.96.
"""


@dataclass(frozen=True, slots=True)
class ProcessorProfile:
    """The speed, memory and power of an onboard computer.

    Attributes:
        name: Name of the profile in a scenario.
        description: What the computer is, and which missions used it.
        cores: Number of processor cores; one of them encodes.
        clock_hz: Clock of a core in hertz.
        memory_bytes: Size of the whole memory.
        working_memory_bytes: Memory for raw frames that wait to be encoded.
        idle_w: Power drawn while it waits, in watts.
        active_w: Power drawn while it encodes, in watts.
        encode_rate: Samples (pixels x bands) per second, by codec.
        sources: Source or derivation of each figure, by attribute or codec.
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


# Codecs whose fast implementations use vector units; the others are scalar code.
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
    """Round a rate to two digits; its derivation is no more exact than that."""
    return float(f"{rate:.1e}")


def names() -> tuple[str, ...]:
    """Return the names of all profiles."""
    return tuple(_profiles())


def profile(name: str) -> ProcessorProfile:
    """Return the profile with this name.

    Raises:
        InputError: There is no such profile; the message lists those that exist.
    """
    try:
        return _profiles()[name]
    except KeyError:
        raise InputError(
            f"processor: found {name[:64]!r}; allowed: {', '.join(names())}"
            f"{did_you_mean(name, names())}"
        ) from None
