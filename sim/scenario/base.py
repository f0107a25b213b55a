"""The base model of all sections of a scenario, and checks for clashes between fields.

The JSON Schema and docs/scenario.md are generated from the models. Models are frozen. They hold
SI numbers (seconds, bytes, bits per second, metres, watts, joules; degrees for angles), whatever
unit the file used. Python code may pass SI numbers without a unit. In a file (see `load`), a
number that has a unit must be written with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self, TypeGuard

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from ...link.suggestion import did_you_mean
from .refusal import fault

LONGEST_NAME = 64
_NAME = rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}$"
Name = Annotated[str, StringConstraints(strict=True, pattern=_NAME)]


Clashes = Iterator[tuple[str, str]]
"""Field and message of each clash between fields."""


def section_name(model: type) -> str:
    """Return a model's name in the JSON Schema: `Recorder` for `RecorderSpec`.

    In the code, `Spec` distinguishes a section of the scenario from the part of the simulation
    that it describes. The author of a scenario does not need this distinction.
    """
    return model.__name__.removesuffix("Spec")


class Model(BaseModel):
    """The base of all sections: frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", model_title_generator=section_name)

    @classmethod
    def clashes(cls, _given: Mapping[str, Any]) -> Clashes:
        """Yield clashes between fields, even if other fields are invalid.

        The loader also calls this with the raw mapping, so that a fault elsewhere in the file
        does not hide a clash.
        """
        yield from ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for at, message in self.clashes({key: getattr(self, key) for key in self.model_fields_set}):
            raise fault(message, at)
        return self


def one_of(found: object, allowed: Sequence[str]) -> str:
    """Return the allowed values as text, with a suggestion if `found` is similar to one."""
    return f"allowed: {', '.join(allowed)}{did_you_mean(found, allowed)}"


def exactly_one(given: Mapping[str, Any], keys: Sequence[str]) -> Clashes:
    """Yield a clash unless exactly one of some keys is given."""
    found = [key for key in keys if given.get(key) is not None]
    if len(found) != 1:
        yield (
            found[-1] if found else "",
            (
                f"found {' and '.join(found) if found else 'none of them'}; "
                f"allowed: exactly one of {', '.join(keys)}"
            ),
        )


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a number; True and False do not count as numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool)
