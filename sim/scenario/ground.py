"""The ground part of a scenario: targets to image and stations that receive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    model_validator,
)
from pydantic_core import CoreSchema

from ...ground.decoders.student_networks import DecoderName
from . import stations
from .area import AreaSpec
from .base import Clashes, Model, Name, exactly_one
from .bookings import BookingsField, check_plan
from .climate import ClimateSpec
from .fields import HorizonLine, Moment, Place, Ring, ScenePath, TargetName, moment_text
from .link import ReceiverSpec
from .plain_numbers import Whole
from .rate import RateSteps
from .refusal import fault
from .units import Degrees, Metres, Seconds


class GroundSpec(Model):
    """What the ground does with the frames that arrive."""

    decoder: DecoderName = Field(
        default="fast",
        description=(
            "The network that makes pixels of a student's frames. `full` is heavier and better "
            "than `fast`. A decoder is the ground's own: satellites and their bitstreams do not "
            "depend on it. Other codecs have one decoder, and ignore this."
        ),
        examples=["full"],
    )


Priority = Annotated[int, Whole(1, 9)]


def _named_area(value: object) -> object:
    """Turn the name of an area into a mapping."""
    return {"of": value} if isinstance(value, str) else value


class TargetSpec(Model):
    """A place to image: a point, a polygon or a named area."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [key]} for key in ("at", "polygon", "area")]}
    )

    name: TargetName = Field(
        description="Name in any script, unique in the scenario.", examples=["lisbon"]
    )
    at: Place | None = Field(
        default=None,
        description="A point: [latitude, longitude] in degrees.",
        examples=[[38.72, -9.14]],
    )
    polygon: Ring | None = Field(
        default=None,
        description=(
            "An area, given by its corners as [latitude, longitude]; the last corner is joined to "
            "the first."
        ),
        examples=[[[30.2, 30.4], [31.5, 30.6], [31.3, 32.3]]],
    )
    area: Annotated[
        AreaSpec | None,
        BeforeValidator(_named_area, json_schema_input_type=Literal["land"] | AreaSpec | None),
    ] = Field(
        default=None,
        description=(
            "An area that is named and not drawn: `land`, or a mapping that limits it. It needs "
            "imagers of mode `strip`."
        ),
        examples=["land", {"of": "land", "latitude": [-56, 83], "coast": "20 km"}],
    )
    priority: Priority = Field(default=5, description="1 (low) to 9 (high).", examples=[5])
    scenes: tuple[ScenePath, ...] = Field(
        default=(),
        description=(
            "Rasters of the target (GeoTIFF, JPEG 2000, PNG, JPEG, WebP or BMP); their paths are "
            "relative to the scenario file. Without scenes, frame sizes come from codec.bpp or "
            "codec.bytes, and there are no pixels and no PSNR."
        ),
        examples=[["scenes/x.tif"]],
    )
    scene_fit: Literal["mirror", "repeat", "clip", "refuse"] = Field(
        default="mirror",
        description=(
            "What a frame shows where it is larger than its scene. `mirror` mirrors the scene at "
            "its right and lower edges, and `repeat` repeats it side by side, so that the frame "
            "has the imager's full size. `clip` makes the frame as small as the scene. With "
            "`refuse`, such a scene is an error."
        ),
        examples=["mirror"],
    )

    _entry: int | None = PrivateAttr(default=None)

    @property
    def entry(self) -> int | None:
        """Index of the entry of `targets` that this target comes from, once it is known."""
        return self._entry

    def from_entry(self, entry: int) -> Self:
        """Note which entry of `targets` this target comes from, and return it."""
        self._entry = entry
        return self

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash unless exactly one of `at`, `polygon` and `area` is given."""
        return exactly_one(given, ("at", "polygon", "area"))


class Outage(Model):
    """A period when a station is out of service."""

    from_: Moment = Field(
        alias="from", description="When the outage begins.", examples=["2024-12-02T05:00:00Z"]
    )
    to: Moment = Field(description="When the outage ends.", examples=["2024-12-02T06:00:00Z"])

    @model_validator(mode="after")
    def _ends_after(self) -> Self:
        if self.to <= self.from_:
            raise fault(
                f"found from {moment_text(self.from_)} to {moment_text(self.to)}; "
                "allowed: from before to"
            )
        return self


class StationSpec(Model):
    """A ground station, with its own figures or those of the shipped table."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        reference = handler(schema)
        mapping = handler.resolve_ref_schema(reference)
        whole = dict(mapping)
        named = {"type": "string", "enum": list(stations.names())}
        use = named | {"description": "A station of the shipped table, whose figures are used."}
        whole["properties"] = {"use": use} | dict(whole["properties"])
        whole.pop("required")
        whole["anyOf"] = [{"required": ["use"]}, {"required": ["name", "at"]}]
        mapping.clear()
        mapping |= {"anyOf": [named, whole], "description": whole.pop("description")}
        return reference

    name: Name = Field(description="Name, unique in the scenario.", examples=["mine"])
    at: Place = Field(description="[latitude, longitude] in degrees.", examples=[[52.0, 4.4]])
    altitude: Annotated[float, Metres(least="-500 m", most="9 km", usual="10 m")] = Field(
        default=0.0, description="Height above the ellipsoid.", examples=["10 m"]
    )
    elevation_mask: Annotated[float, Degrees(least="0 deg", most="89 deg")] = Field(
        default=5.0,
        description="Elevation of the satellite at which a pass begins and ends.",
        examples=["5 deg"],
    )
    horizon: HorizonLine | None = Field(
        default=None,
        description=(
            "What hides the satellite beyond the mask: corners [azimuth, elevation] in degrees, "
            "azimuths rising from north over east; linear between them. A pass is the time above "
            "mask and horizon, so a hill may split it."
        ),
        examples=[[[0, 5], [90, 12], [180, 3]]],
    )
    antennas: Annotated[int, Whole(1, 100)] = Field(
        default=1, description="How many satellites the station can serve at once.", examples=[1]
    )
    outages: tuple[Outage, ...] = Field(
        default=(), description="Periods when the station is out of service."
    )
    receiver: ReceiverSpec | None = Field(
        default=None, description="Antenna and receiver, for satellites with a `link`."
    )
    rate: RateSteps | None = Field(
        default=None,
        description=(
            "The station's own information rate, as a transmitter's `rate`. It replaces the rate "
            "of satellites that have a `rate`, and of those with a `link` if the station has no "
            "`receiver`."
        ),
        examples=["300 Mbit/s", [{"elevation": "5 deg", "rate": "50 Mbit/s"}]],
    )
    climate: ClimateSpec | None = Field(
        default=None,
        description=(
            "Rain at the station, for link budgets. By default, it comes from a coarse map of the "
            "Earth, which is too coarse on islands and at mountains; the stations of the shipped "
            "table have figures of their own."
        ),
    )

    bookings: BookingsField = Field(
        default=None,
        description="Which passes are booked; by default, every pass may be used.",
        examples=["plan.csv", {"per_day": 6}],
    )
    least_pass: Annotated[float, Seconds(least="0 s", most="1 h", usual="3 min")] = Field(
        default=0.0,
        description="A contact shorter than this, after outages and bookings, is not used.",
        examples=["3 min"],
    )
    turn_around: Annotated[float, Seconds(least="0 s", most="1 h", usual="2 min")] = Field(
        default=0.0,
        description="Time that an antenna needs between two satellites.",
        examples=["2 min"],
    )

    @model_validator(mode="after")
    def _is_in_its_plan(self) -> Self:
        check_plan(self.bookings, self.name)
        return self

    @model_validator(mode="before")
    @classmethod
    def _look_up(cls, value: Any) -> Any:
        return stations.look_up(value)
