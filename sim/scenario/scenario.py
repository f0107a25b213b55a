"""The whole scenario: satellites, targets, stations, and how the run goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from . import stations
from .base import Clashes, Model, Name, is_number
from .fields import Start
from .ground import GroundSpec, StationSpec, TargetSpec
from .plain_numbers import Number, Whole
from .refusal import fault, shown
from .satellite import SatelliteSpec
from .source import ScenarioSource, SceneReference
from .sweep import SweepSpec
from .target_file import TargetFileSpec, entries
from .target_table import MOST_TARGETS
from .units import Seconds
from .walker import MOST_SATELLITES
from .weather import Weather

_RECEIVING = ("receiver", "rate")


class Report(Model):
    """How much the report shows, and which delivered frames are written."""

    delivered: Literal["all", "sample", "none"] | None = Field(
        default=None,
        description=(
            "Which delivered frames are written as GeoTIFF: all, a sample drawn from the seed, "
            "or none. By default all frames up to an estimated 2 GB in total, and a sample above."
        ),
        examples=["sample"],
    )

    sample_frames: Annotated[int, Whole(0, 64)] = Field(
        default=4,
        description="How many frames the report shows beside their originals.",
        examples=[4],
    )


class Realtime(Model):
    """How the run keeps pace with the wall clock."""

    factor: Annotated[float, Number(0, 1000, above=0)] = Field(
        default=1.0,
        description="Wall-clock seconds per simulated second; 0.01 runs a hundred times faster.",
        examples=[0.01],
    )


def _paced(value: object) -> object:
    """Turn true into a mapping of defaults, and false into None."""
    if isinstance(value, bool):
        return {} if value else None
    if value is None or isinstance(value, Mapping | Realtime):
        return value
    raise fault(f"found {shown(value)}; allowed: true, false, or a mapping with the key factor")


def _with_constellations(given: tuple[SatelliteSpec, ...]) -> tuple[SatelliteSpec, ...]:
    """Return all satellites, with those of a Walker constellation in place of its entry."""
    satellites = tuple(
        satellite for index, entry in enumerate(given) for satellite in entry.constellation(index)
    )
    if len(satellites) > MOST_SATELLITES:
        raise fault(f"found {len(satellites)} satellites; allowed: at most {MOST_SATELLITES}")
    return satellites


# Takes the place of a file among the targets while the others are validated.
_STAND_IN = TargetSpec.model_construct(name="file", at=(0.0, 0.0))


def _with_files(
    given: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> tuple[TargetSpec, ...]:
    """Return all targets, with those of a file in place of its entry."""
    files: dict[int, TargetFileSpec] = {}
    faults: list[InitErrorDetails] = []
    alone = isinstance(given, Mapping)
    if isinstance(given, Mapping) and "file" not in given:
        raise fault(f"found {shown(given)}; allowed: a list of targets, or file with a path")
    items = [given] if alone else given
    for index, entry in entries(given):
        try:
            files[index] = TargetFileSpec.model_validate(entry, context=info.context)
        except ValidationError as error:
            faults += (
                _at_index(detail, () if alone else (index,))
                for detail in error.errors(include_url=False)
            )
    if isinstance(items, list | tuple):
        wrong = {index for index, _ in entries(given)} - files.keys()
        stands = files.keys() | wrong
        items = [_STAND_IN if index in stands else item for index, item in enumerate(items)]
    try:
        listed: tuple[TargetSpec, ...] = validate(items)
    except ValidationError as error:
        faults += (_at_index(detail, ()) for detail in error.errors(include_url=False))
    if faults:
        raise ValidationError.from_exception_data("targets", faults)
    targets: list[TargetSpec] = []
    for index, target in enumerate(listed):
        found = files[index].targets if index in files else (target,)
        targets += (one.from_entry(index) for one in found)
    if len(targets) > MOST_TARGETS:
        raise fault(f"found {len(targets)} targets; allowed: at most {MOST_TARGETS}")
    return tuple(targets)


def _at_index(detail: Any, index: tuple[int, ...]) -> InitErrorDetails:
    """Return one of pydantic's errors in the form that makes it again, deeper in the file."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "downpass":
        kind = PydanticCustomError("downpass", "{message}", context)
    return InitErrorDetails(
        type=kind, loc=(*index, *detail["loc"]), input=detail["input"], ctx=context
    )


class Scenario(Model):
    """A whole scenario file."""

    name: Name = Field(
        description="Name of the run's folder: letters, digits, dot, dash, underscore.",
        examples=["quickstart"],
    )
    description: str = Field(
        default="",
        strict=True,
        max_length=10_000,
        description="What the scenario is about, for the report.",
    )
    start: Start = Field(
        description="When the scenario begins, in UTC.", examples=["2024-12-02T00:00:00Z"]
    )
    duration: Annotated[float, Seconds(least="1 ms", most="3653 d")] = Field(
        description="How long the scenario lasts.", examples=["24 h"]
    )
    seed: Annotated[int, Whole(0, 2**63 - 1)] = Field(
        default=1,
        description="Seed of all random numbers. The same file and seed give the same results.",
        examples=[1],
    )
    satellites: Annotated[tuple[SatelliteSpec, ...], AfterValidator(_with_constellations)] = Field(
        min_length=1, max_length=MOST_SATELLITES, description="The satellites, at least one."
    )
    targets: Annotated[
        tuple[TargetSpec, ...],
        WrapValidator(
            _with_files,
            json_schema_input_type=TargetFileSpec | tuple[TargetSpec | TargetFileSpec, ...],
        ),
    ] = Field(
        min_length=1,
        max_length=MOST_TARGETS,
        description="The targets, at least one: a list, a file of them, or a list with files.",
    )
    stations: tuple[StationSpec, ...] = Field(
        min_length=1,
        max_length=1000,
        description="The stations, at least one: a name of the shipped table, or a mapping.",
    )
    ground: GroundSpec = Field(
        default=GroundSpec(), description="What the ground does with the frames that arrive."
    )
    arbitration: Literal["first-come", "priority", "backlog"] = Field(
        default="first-come",
        description=(
            "Which satellite gets an antenna that two satellites want: the one that came first, "
            "that holds the frame of highest priority, or that holds the most bytes."
        ),
    )
    weather: Weather | None = Field(
        default=None,
        description=(
            "The weather over the stations: `drawn` from the seed, `none`, or a fixed "
            "availability. It concerns satellites with a `link`; a `rate` holds in any weather."
        ),
        examples=["drawn", {"availability": 0.995}],
    )
    realtime: Annotated[
        Realtime | None,
        BeforeValidator(_paced, json_schema_input_type=bool | Realtime | None),
    ] = Field(
        default=None,
        description=(
            "Whether the run keeps pace with the wall clock. A run that falls behind reports it; "
            "this is not an error."
        ),
        examples=[True, {"factor": 0.01}],
    )
    report: Report = Field(default=Report(), description="What the report shows.")
    sweep: SweepSpec | None = Field(
        default=None, description="What `downpass sweep` varies; a run ignores it."
    )

    _source: ScenarioSource = PrivateAttr(default_factory=ScenarioSource)

    @property
    def source(self) -> ScenarioSource:
        """The file of the scenario, and the line of every field."""
        return self._source

    @property
    def end(self) -> datetime:
        """When the scenario ends."""
        return self.start + timedelta(seconds=self.duration)

    def seconds(self, moment: datetime) -> float:
        """Return the seconds from the scenario's start to a moment."""
        return (moment - self.start).total_seconds()

    def scene_paths(self) -> list[SceneReference]:
        """Return all scenes of the targets, each with its place in the file."""
        return [
            SceneReference(path, f"targets.{i}.scenes.{j}", self.source, i)
            for i, target in enumerate(self.targets)
            for j, path in enumerate(target.scenes)
        ]

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield clashes of names used twice, deaf stations, idle weather, blind quality."""
        yield from _idle_weather(given)
        for what, singular in (
            ("satellites", "satellite"),
            ("targets", "target"),
            ("stations", "station"),
        ):
            seen: dict[str, int] = {}
            for i, item in _items(given, what):
                name = _part(item, "name") or _part(item, "use")
                if isinstance(item, str):
                    name = item
                if not isinstance(name, str):
                    continue
                if name in seen:
                    yield (
                        f"{what}.{i}.name",
                        (
                            f"found a second {singular} called {shown(name)}, the first is number "
                            f"{seen[name]}; allowed: each name once"
                        ),
                    )
                seen.setdefault(name, i)
        yield from _deaf_stations(given)
        area = next((t for _, t in _items(given, "targets") if _part(t, "area")), None)
        for i, satellite in _items(given, "satellites") if area is not None else ():
            imager = _part(satellite, "imager")
            if imager is not None and (_part(imager, "mode") or "frame") != "strip":
                yield (
                    f"satellites.{i}.imager",
                    (
                        f"found mode frame, and target {shown(_part(area, 'name'))} is an area; "
                        "allowed: mode: strip where a target has an area"
                    ),
                )
        blank = next((t for _, t in _items(given, "targets") if not _part(t, "scenes")), None)
        if blank is None:
            return
        for i, satellite in _items(given, "satellites"):
            codec = _part(satellite, "codec")
            settings = [_part(codec, key) for key in ("quality", "bpp", "bytes")]
            if settings[0] is not None and settings[1:] == [None, None]:
                yield (
                    f"satellites.{i}.codec.quality",
                    (
                        f"found a quality, and target {shown(_part(blank, 'name'))} has no "
                        "scenes; allowed: bpp or bytes where a target has no pixels to measure"
                    ),
                )


def _idle_weather(given: Mapping[str, Any]) -> Clashes:
    """Yield a clash if weather is asked for and no link depends on it."""
    weather, satellites = given.get("weather"), _items(given, "satellites")
    drawn = weather == "drawn" or _part(weather, "rain") == "drawn"
    if not satellites or not (drawn or is_number(_part(weather, "availability"))):
        return
    if all(_part(_part(one, "transmitter"), "link") is None for _, one in satellites):
        yield (
            "weather",
            (
                "found weather, and no transmitter has a link; allowed: weather where a link is "
                "computed from its budget, since a rate holds in any weather"
            ),
        )


def _deaf_stations(given: Mapping[str, Any]) -> Clashes:
    """Yield a clash for each station without figures for a satellite that has a link."""
    linked = next(
        (
            satellite
            for _, satellite in _items(given, "satellites")
            if _part(_part(satellite, "transmitter"), "link") is not None
        ),
        None,
    )
    if linked is None:
        return
    for i, station in _items(given, "stations"):
        if isinstance(station, str):
            station = {"use": station}
        shipped = stations.table().get(str(_part(station, "use")), {})
        if all(_part(one, key) is None for one in (station, shipped) for key in _RECEIVING):
            yield (
                f"stations.{i}",
                (
                    f"found no receiver, and satellite {shown(_part(linked, 'name'))} has a link; "
                    "allowed: a receiver with g_over_t or diameter, or a rate of the station's own"
                ),
            )


def _items(given: Mapping[str, Any], key: str) -> list[tuple[int, Any]]:
    """Return the items of a section, each with the number of its entry in the file.

    One entry may stand for many satellites or targets.
    """
    found = given.get(key)
    if not isinstance(found, list | tuple):
        return []
    entries = [getattr(item, "entry", None) for item in found]
    return [
        (place if entry is None else entry, item)
        for place, (entry, item) in enumerate(zip(entries, found, strict=True))
    ]


def _part(item: object, key: str) -> Any:
    """Return a mapping's value or a model's attribute; None if there is none."""
    return item.get(key) if isinstance(item, Mapping) else getattr(item, key, None)
