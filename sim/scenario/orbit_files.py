"""Orbits that come from files of their own: mean elements (OMM) and ephemerides (OEM)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from ...link.errors import InputError
from .base import Model
from .fields import FilePath, read_once
from .refusal import fault, shown

if TYPE_CHECKING:
    from ..orbit.elements import Elements
    from ..orbit.states import StateTable


def _object(value: object) -> str:
    """Return the name or the number of a satellite as text."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9:
        return str(value)
    if not isinstance(value, str) or not 0 < len(value) <= 254:
        raise fault(f"found {shown(value)}; allowed: a satellite's name or number in the file")
    return value


class OmmOrbit(Model):
    """An orbit from an Orbit Mean-Elements Message (OMM), propagated with SGP4."""

    omm: FilePath = Field(
        description=(
            "A file with mean elements, as CelesTrak and Space-Track have them: JSON, XML or KVN. "
            "Its path is relative to the scenario file."
        ),
        examples=["elements.json"],
    )
    object: Annotated[
        str | None,
        BeforeValidator(_object),
        WithJsonSchema({"type": ["string", "integer"], "minimum": 1, "minLength": 1}),
    ] = Field(
        default=None,
        description=(
            "Which satellite of the file: its OBJECT_NAME, OBJECT_ID or NORAD_CAT_ID. Needed if "
            "the file has several."
        ),
        examples=[100001],
    )

    _elements: Elements | None = PrivateAttr(default=None)

    @property
    def elements(self) -> Elements:
        """The mean elements in the file, as they were when the scenario was loaded."""
        if self._elements is None:
            raise ValueError("the file has not been read")
        return self._elements

    @property
    def epoch(self) -> datetime:
        """Epoch of the elements."""
        return self.elements.epoch

    @model_validator(mode="after")
    def _read(self, info: ValidationInfo) -> Self:
        # Not every command needs sgp4 and numpy.
        from ..orbit.ndm.omm import read_omm

        try:
            self._elements = read_once(read_omm, self.omm, info).elements(self.object)
        except InputError as error:
            raise fault(str(error), "omm") from None
        return self


class OemOrbit(Model):
    """An orbit from an Orbit Ephemeris Message (OEM), interpolated between its states."""

    oem: FilePath = Field(
        description=(
            "A file with states over time, KVN or XML, in ITRF, GCRF, EME2000 or TEME. It must "
            "cover the whole run. Its path is relative to the scenario file."
        ),
        examples=["ephemeris.oem"],
    )

    _table: StateTable | None = PrivateAttr(default=None)

    @property
    def table(self) -> StateTable:
        """The states in the file, as they were when the scenario was loaded."""
        if self._table is None:
            raise ValueError("the file has not been read")
        return self._table

    @model_validator(mode="after")
    def _read(self, info: ValidationInfo) -> Self:
        from ..orbit.ndm.oem import read_oem

        try:
            self._table = read_once(read_oem, self.oem, info)
        except InputError as error:
            raise fault(str(error), "oem") from None
        return self
