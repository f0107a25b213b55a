"""The section `targets: {file: …}`: targets that stand in a file of their own.

    targets:
      file: cities.geojson
      priority_attribute: class
      priority_values: {capital: 9, town: 3}

Its places, up to 100,000, do not count towards the limits of the scenario file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from .base import Clashes, Model
from .fields import ScenePath, clean_name
from .ground import Priority, TargetSpec
from .refusal import fault, shown
from .target_table import MOST_TARGETS, Feature, TargetTableError, attribute_of, read_features

_NAME = "name"


def _path(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise fault(f"found {shown(value)}; allowed: the path of a file of targets")
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / value


TargetTable = Annotated[
    Path, BeforeValidator(_path), WithJsonSchema({"type": "string", "minLength": 1})
]


class TargetFileSpec(Model):
    """Targets from a file: GeoJSON, CSV, GeoPackage or KML."""

    file: TargetTable = Field(
        description=(
            "The file, relative to the scenario file. Points and polygons become targets, each "
            "part of a multi-part geometry one. A CSV file has columns `latitude` and `longitude` "
            "(or `lat`, `lon`, or `y`, `x`)."
        ),
        examples=["cities.geojson"],
    )
    name_attribute: str | None = Field(
        default=None,
        strict=True,
        min_length=1,
        max_length=200,
        description=(
            "Attribute or column with the names. By default `name`, and where there is none the "
            "file's name with a number. A name that comes again gets a number: `Springfield (2)`."
        ),
        examples=["NAME"],
    )
    priority: Priority = Field(
        default=5,
        description="Priority of the targets, 1 (low) to 9 (high), unless an attribute gives it.",
        examples=[5],
    )
    priority_attribute: str | None = Field(
        default=None,
        strict=True,
        min_length=1,
        max_length=200,
        description="Attribute or column with the priority. Where it is empty, `priority` holds.",
        examples=["class"],
    )
    priority_values: Mapping[str, Priority] | None = Field(
        default=None,
        max_length=1000,
        description=(
            "Priority for each value of `priority_attribute`; values that are not listed have "
            "`priority`. Without it, the attribute holds numbers from 1 to 9."
        ),
        examples=[{"capital": 9, "town": 3}],
    )
    scenes: tuple[ScenePath, ...] = Field(
        default=(),
        description="Rasters of all the targets, unless an attribute gives them.",
        examples=[["scenes/x.tif"]],
    )
    scenes_attribute: str | None = Field(
        default=None,
        strict=True,
        min_length=1,
        max_length=200,
        description=(
            "Attribute or column with the paths of a target's rasters, separated by `;` and "
            "relative to the scenario file. Where it is empty, `scenes` holds."
        ),
        examples=["scene"],
    )
    scene_fit: Literal["mirror", "repeat", "clip", "refuse"] = Field(
        default="mirror",
        description="As a [target's](#a-target).",
        examples=["mirror"],
    )

    _targets: tuple[TargetSpec, ...] = PrivateAttr(default=())

    @property
    def targets(self) -> tuple[TargetSpec, ...]:
        """The targets that the file holds."""
        return self._targets

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash for values of a priority that no attribute has."""
        if given.get("priority_values") is not None and given.get("priority_attribute") is None:
            yield (
                "priority_values",
                "found priority_values without priority_attribute; allowed: both, or neither",
            )

    @model_validator(mode="after")
    def _read(self, info: ValidationInfo) -> Self:
        folder: Path = (info.context or {}).get("folder", Path())
        targets: list[TargetSpec] = []
        names: dict[str, int] = {}
        try:
            for feature in read_features(self.file):
                if len(targets) == MOST_TARGETS:
                    raise TargetTableError(
                        f"found more than {MOST_TARGETS} places; allowed: at most that many"
                    )
                name = self._unique(self._name_of(feature, len(targets) + 1), names, feature.place)
                targets.append(self._target(feature, name, folder))
        except TargetTableError as error:
            raise fault(f"{self.file.name}: {error}", "file") from None
        if not targets:
            raise fault(f"{self.file.name}: found no places; allowed: at least one", "file")
        self._targets = tuple(targets)
        return self

    def _target(self, feature: Feature, name: str, folder: Path) -> TargetSpec:
        given = {
            "name": name,
            "at": feature.point,
            "polygon": feature.corners or None,
            "priority": self._priority_of(feature),
            "scenes": self._scenes_of(feature, folder),
            "scene_fit": self.scene_fit,
        }
        try:
            return TargetSpec.model_validate({k: v for k, v in given.items() if v is not None})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            message = first.get("ctx", {}).get("message", first["msg"])
            raise TargetTableError(f"{feature.place}: {message}") from None

    def _name_of(self, feature: Feature, number: int) -> str:
        if self.name_attribute is not None:
            value = attribute_of(feature, self.name_attribute)
        else:
            value = feature.attributes.get(_NAME)
        if value is None or value == "":
            return f"{self.file.stem} {number}"
        try:
            return clean_name(str(value))
        except ValueError as error:
            raise TargetTableError(f"{feature.place}: {error}") from None

    @staticmethod
    def _unique(name: str, names: dict[str, int], place: str) -> str:
        """Return a name with a number if the file has it already; count it in `names`."""
        found = name
        while found in names:
            names[name] += 1
            found = f"{name} ({names[name]})"
        names[found] = 1
        try:
            return clean_name(found)
        except ValueError as error:
            raise TargetTableError(f"{place}: {error}") from None

    def _priority_of(self, feature: Feature) -> int:
        if self.priority_attribute is None:
            return self.priority
        value = attribute_of(feature, self.priority_attribute)
        if value is None:
            return self.priority
        if self.priority_values is not None:
            # A layer may have its whole numbers as 3.0, where the scenario lists "3".
            whole = isinstance(value, float) and value.is_integer()
            return self.priority_values.get(str(int(value) if whole else value), self.priority)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = 0.0
        if number not in range(1, 10) or isinstance(value, bool):
            raise TargetTableError(
                f"{feature.place}: found {self.priority_attribute} {shown(value)}; "
                "allowed: whole numbers from 1 to 9, or priority_values to map it"
            )
        return int(number)

    def _scenes_of(self, feature: Feature, folder: Path) -> tuple[Path, ...]:
        if self.scenes_attribute is None:
            return self.scenes
        value = attribute_of(feature, self.scenes_attribute)
        if value is None:
            return self.scenes
        paths = [part.strip() for part in str(value).split(";") if part.strip()]
        if any("\0" in path for path in paths) or len(paths) > 1000:
            raise TargetTableError(
                f"{feature.place}: found {shown(value)}; allowed: paths of rasters, at most 1000"
            )
        return tuple(folder / path for path in paths)


def entries(value: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the sections of files among the targets, each with its index; 0 for the only one."""
    items = [value] if isinstance(value, Mapping) else value
    for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
        if isinstance(item, Mapping) and "file" in item:
            yield index, item
