"""Named profiles of onboard computers, with the source of every figure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ..link.errors import InputError


@dataclass(frozen=True, slots=True)
class ProcessorProfile:
    """What an onboard computer can do."""

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


@cache
def _table() -> Mapping[str, ProcessorProfile]:
    text = files(__package__).joinpath("processors.toml").read_text(encoding="utf-8")
    return {
        name: ProcessorProfile(name=name, **entry) for name, entry in tomllib.loads(text).items()
    }


def names() -> tuple[str, ...]:
    """Every profile's name."""
    return tuple(_table())


def profile(name: str) -> ProcessorProfile:
    """The profile of that name; InputError names those that exist."""
    try:
        return _table()[name]
    except KeyError:
        raise InputError(f"processor {name!r}; allowed: {', '.join(names())}") from None
