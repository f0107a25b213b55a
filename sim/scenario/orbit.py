"""The orbit of a satellite: a TLE, a file (OMM or OEM), elements, or a constellation's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from .base import Model
from .fields import LocalTime
from .orbit_files import OemOrbit, OmmOrbit
from .refusal import fault, shown
from .tle import tle_epoch, tle_lines
from .units import Degrees, Metres
from .walker import Walker


class TleOrbit(Model):
    """An orbit from a two-line element set, propagated with SGP4."""

    tle: Annotated[str, Field(strict=True), AfterValidator(tle_lines)] = Field(
        description="Two-line element set: two lines, or three with the satellite's name first.",
    )

    @property
    def line1(self) -> str:
        """Line 1 of the element set."""
        return self.tle.splitlines()[-2]

    @property
    def line2(self) -> str:
        """Line 2 of the element set."""
        return self.tle.splitlines()[-1]

    @property
    def epoch(self) -> datetime:
        """Epoch of the elements."""
        return tle_epoch(self.line1)


class KeplerOrbit(Model):
    """A circular orbit, given by its elements at the scenario's start."""

    altitude: Annotated[float, Metres(least="160 km", most="50000 km")] = Field(
        description="Height above the Earth's equatorial radius.", examples=["500 km"]
    )
    inclination: Annotated[float, Degrees(least="0 deg", most="180 deg")] = Field(
        description="Angle between the orbit and the equator.", examples=["97.4 deg"]
    )
    raan: Annotated[float, Degrees(least="0 deg", most="360 deg")] = Field(
        default=0.0, description="Right ascension of the ascending node.", examples=["30 deg"]
    )
    anomaly: Annotated[float, Degrees(least="0 deg", most="360 deg")] = Field(
        default=0.0,
        description="Angle along the orbit from the ascending node, at the start.",
        examples=["120 deg"],
    )


def _true(value: object) -> bool:
    if value is not True:
        raise fault(f"found {shown(value)}; allowed: true (or give inclination and raan instead)")
    return True


class SunSynchronousOrbit(Model):
    """A circular orbit that crosses the equator at the same local time all year."""

    altitude: Annotated[float, Metres(least="160 km", most="5500 km")] = Field(
        description="Height above the Earth's equatorial radius; it determines the inclination.",
        examples=["500 km"],
    )
    sun_synchronous: Annotated[
        Literal[True], BeforeValidator(_true), WithJsonSchema({"const": True})
    ] = Field(description="Always `true`; it selects this form of orbit.", examples=[True])
    local_time: LocalTime = Field(
        description="Local mean solar time at which the satellite crosses the node.",
        examples=["10:30"],
    )
    node: Literal["descending", "ascending"] = Field(
        default="descending", description="The node to which `local_time` refers."
    )
    anomaly: Annotated[float, Degrees(least="0 deg", most="360 deg")] = Field(
        default=0.0,
        description="Angle along the orbit from the ascending node, at the start.",
        examples=["120 deg"],
    )


class WalkerOrbit(Model):
    """The orbits of a Walker constellation: the entry stands for all of its satellites."""

    walker: Walker = Field(description="The constellation.")


FORMS: Mapping[str, type[Model]] = {
    "tle": TleOrbit,
    "omm": OmmOrbit,
    "oem": OemOrbit,
    "walker": WalkerOrbit,
    "sun-synchronous": SunSynchronousOrbit,
    "kepler": KeplerOrbit,
}
"""The model of each form of orbit."""

_WRITTEN = {
    "tle": "{tle: …}",
    "omm": "{omm, object}",
    "oem": "{oem}",
    "walker": "{walker: …}",
    "sun-synchronous": "{altitude, sun_synchronous: true, local_time, node, anomaly}",
    "kepler": "{altitude, inclination, raan, anomaly}",
}
# The keys that only one form has; elements are what remains.
_MARKS = {
    "tle": ("tle",),
    "omm": ("omm", "object"),
    "oem": ("oem",),
    "walker": ("walker",),
    "sun-synchronous": ("sun_synchronous", "local_time", "node"),
}


def orbit_form(value: object) -> str:
    """Return which of the forms a mapping has, by the keys that only one form has."""
    for form, model in FORMS.items():
        if isinstance(value, model):
            return form
    if isinstance(value, Mapping):
        for form, marks in _MARKS.items():
            if any(mark in value for mark in marks):
                return form
    return "kepler"


def _one_form(value: object) -> object:
    """Refuse a value that is no mapping or mixes the forms, before one form is validated."""
    if isinstance(value, Model):
        return value
    allowed = "allowed: exactly one of " + ", ".join(_WRITTEN.values())
    if not isinstance(value, Mapping) or not value:
        raise fault(f"found {shown(value)}; {allowed}")
    form = orbit_form(value)
    own = FORMS[form].model_fields.keys()
    others = {key for model in FORMS.values() for key in model.model_fields} - own
    foreign = sorted(others & value.keys())
    if foreign:
        mark = next((mark for mark in _MARKS.get(form, ()) if mark in value), form)
        raise fault(f"found {mark} beside {' and '.join(foreign)}; {allowed}")
    return value


Orbit = Annotated[
    Annotated[TleOrbit, Tag("tle")]
    | Annotated[OmmOrbit, Tag("omm")]
    | Annotated[OemOrbit, Tag("oem")]
    | Annotated[WalkerOrbit, Tag("walker")]
    | Annotated[KeplerOrbit, Tag("kepler")]
    | Annotated[SunSynchronousOrbit, Tag("sun-synchronous")],
    Discriminator(orbit_form),
    BeforeValidator(_one_form),
]
