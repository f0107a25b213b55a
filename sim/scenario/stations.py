"""Look up ground stations by name in the shipped table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ...link.suggestion import did_you_mean
from .refusal import fault, shown


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """Return all shipped stations with their figures, in the form of a scenario file."""
    text = files(__package__).joinpath("stations.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def names() -> tuple[str, ...]:
    """Return the names that a scenario may use, in alphabetical order."""
    return tuple(sorted(table()))


def look_up(value: Any) -> Any:
    """Turn a name, or a mapping that uses one, into a mapping with the station's figures."""
    if isinstance(value, str):
        return _figures(value)
    if not isinstance(value, Mapping) or "use" not in value:
        return value
    if "at" in value:
        raise fault(
            "found use and at; allowed: a named station to use, or a name of its own and at", "use"
        )
    own = {key: item for key, item in value.items() if key != "use"}
    return _figures(value["use"], "use") | own


def _figures(name: object, at: str = "") -> dict[str, Any]:
    if isinstance(name, str) and name in table():
        figures = {key: item for key, item in table()[name].items() if key != "source"}
        return {"name": name, **figures}
    hint = did_you_mean(name, names())
    raise fault(f"found {shown(name)}; no such station in the shipped table{hint}", at)
