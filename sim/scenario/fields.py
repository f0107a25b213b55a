"""Field types other than plain numbers and quantities: moments, places, bands, paths.

Each type is an annotation. It converts the value in the file to the value that the simulation
uses, or raises an error whose message is printed unchanged. It also defines the JSON Schema of
the field.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema

from ...link.text import printable
from .refusal import fault, shown

T = TypeVar("T")

MOST_CORNERS = 720
HIGHEST_DEG = 80.0
"""Largest number of corners of a station's horizon, and its greatest elevation: those of
`orbit.horizon.Horizon`, which costs numpy to import."""

LONGEST_TARGET_NAME = 100

LAST_START = 2056
"""The last year in which a scenario may begin: a TLE's two-digit years end then."""

LAST_YEAR = LAST_START + 10
"""The last year of a scenario, which lasts ten years at most."""


def clean_name(text: str) -> str:
    """Return a place's name in any script, composed (NFC) and with single spaces.

    Raises:
        ValueError: It is empty or too long, or has characters that cannot be shown.
    """
    name = " ".join(unicodedata.normalize("NFC", text[: 10 * LONGEST_TARGET_NAME]).split())
    if not name or len(name) > LONGEST_TARGET_NAME or printable(name) != name:
        raise ValueError(
            f"found the name {shown(text)}; allowed: letters of any script, digits, signs and "
            f"single spaces, 1 to {LONGEST_TARGET_NAME}"
        )
    return name


def _target_name(value: object) -> str:
    if not isinstance(value, str):
        raise fault(f"found {shown(value)}; allowed: text")
    try:
        return clean_name(value)
    except ValueError as error:
        raise fault(str(error)) from None


TargetName = Annotated[
    str,
    BeforeValidator(_target_name),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_TARGET_NAME}),
]


def _moment_until(value: object, last: int) -> datetime:
    """Return a moment in UTC, from ISO 8601 text with a time zone; `last` is its latest year."""
    wanted = "allowed: a UTC moment such as 2024-12-02T00:00:00Z"
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise fault(f"found {shown(value)}; {wanted}") from None
    if not isinstance(moment, datetime):
        raise fault(f"found {shown(value)}; {wanted}")
    if moment.tzinfo is None:
        raise fault(
            f"found {shown(value)}, which has no zone; allowed: a UTC moment such as "
            f"{moment:%Y-%m-%dT%H:%M:%S}Z"
        )
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise fault(f"found {shown(value)}; {wanted}") from None
    # The first satellite flew in October 1957.
    if not 1957 <= moment.year <= last:
        raise fault(f"found {shown(value)}; allowed: years 1957 to {last}")
    return moment


def moment_text(moment: datetime) -> str:
    """Return a moment as a file has it: `2024-12-02T00:00:00Z`, with a fraction if it has one."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _moment(value: object) -> datetime:
    return _moment_until(value, LAST_YEAR)


def _start(value: object) -> datetime:
    return _moment_until(value, LAST_START)


_MOMENT_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)$",
    }
)
Moment = Annotated[datetime, BeforeValidator(_moment), _MOMENT_SCHEMA]
Start = Annotated[datetime, BeforeValidator(_start), _MOMENT_SCHEMA]


def _place(value: object) -> tuple[float, float]:
    """Return a point on the ground, (latitude, longitude) in degrees."""
    wanted = "allowed: [latitude, longitude] in degrees, such as [38.72, -9.14]"
    if not isinstance(value, list | tuple) or len(value) != 2:
        size = f"a list of {len(value)}" if isinstance(value, list | tuple) else shown(value)
        raise fault(f"found {size}; {wanted}")
    for part in value:
        if isinstance(part, bool) or not isinstance(part, int | float):
            text = f", where {shown(part)} is text" if isinstance(part, str) else ""
            raise fault(f"found [{shown(value[0])}, {shown(value[1])}]{text}; {wanted}")
    for part, name, most in zip(value, ("latitude", "longitude"), (90, 180), strict=True):
        if not -most <= part <= most:
            raise fault(f"found {name} {shown(part)}; allowed: {-most} to {most} degrees")
    return float(value[0]), float(value[1])


Place = Annotated[
    tuple[float, float],
    BeforeValidator(_place),
    WithJsonSchema(
        {
            "type": "array",
            "prefixItems": [
                {"type": "number", "minimum": -90, "maximum": 90},
                {"type": "number", "minimum": -180, "maximum": 180},
            ],
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]


def _horizon(value: object) -> tuple[tuple[float, float], ...]:
    """Return corners of a horizon, (azimuth, elevation) in degrees, with rising azimuths."""
    wanted = "allowed: corners such as [[0, 5], [90, 12]], azimuth and elevation in degrees"
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_CORNERS:
        size = f"a list of {len(value)}" if isinstance(value, list | tuple) else shown(value)
        raise fault(f"found {size}; {wanted}, up to {MOST_CORNERS}")
    corners: list[tuple[float, float]] = []
    for item in value:
        if (
            not isinstance(item, list | tuple)
            or len(item) != 2
            or any(isinstance(part, bool) or not isinstance(part, int | float) for part in item)
        ):
            raise fault(f"found a corner {shown(item)}; {wanted}")
        azimuth, elevation = item
        if not 0 <= azimuth < 360:
            raise fault(f"found azimuth {shown(azimuth)}; allowed: 0 to below 360 degrees")
        if not 0 <= elevation <= HIGHEST_DEG:
            raise fault(
                f"found elevation {shown(elevation)}; allowed: 0 to {HIGHEST_DEG:g} degrees"
            )
        if corners and azimuth <= corners[-1][0]:
            raise fault(
                f"found azimuth {shown(azimuth)} after {corners[-1][0]:g}; "
                "allowed: azimuths that rise from corner to corner"
            )
        corners.append((float(azimuth), float(elevation)))
    return tuple(corners)


HorizonLine = Annotated[
    tuple[tuple[float, float], ...],
    BeforeValidator(_horizon),
    WithJsonSchema(
        {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_CORNERS,
            "items": {
                "type": "array",
                "prefixItems": [
                    {"type": "number", "minimum": 0, "exclusiveMaximum": 360},
                    {"type": "number", "minimum": 0, "maximum": HIGHEST_DEG},
                ],
                "minItems": 2,
                "maxItems": 2,
            },
        }
    ),
]


def _clock(value: object) -> float:
    """Return a local time of day such as `10:30` in seconds after midnight."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 86400:
        return float(value)  # only from Python: `_local_time` refuses it in a file
    found = (
        re.fullmatch(r"(\d\d):([0-5]\d)(?::([0-5]\d))?", value) if isinstance(value, str) else None
    )
    if found is None or int(found[1]) > 23:
        raise fault(f'found {shown(value)}; allowed: a time of day, "00:00" to "23:59"')
    return int(found[1]) * 3600.0 + int(found[2]) * 60.0 + int(found[3] or 0)


def _local_time(value: object, info: ValidationInfo) -> float:
    if (info.context or {}).get("file") and not isinstance(value, str):
        value = shown(value)
    return _clock(value)


LocalTime = Annotated[
    float,
    BeforeValidator(_local_time),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"}),
]


def _bands(value: object) -> tuple[int, ...]:
    wanted = "allowed: band numbers from 1 such as [1, 2, 3], or how many of the first bands"
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= 1024:
            raise fault(f"found {shown(value)}; {wanted} (1 to 1024)")
        return tuple(range(1, value + 1))
    if not isinstance(value, list | tuple) or not value or len(value) > 1024:
        raise fault(f"found {shown(value)}; {wanted}")
    for band in value:
        if isinstance(band, bool) or not isinstance(band, int) or not 1 <= band <= 65535:
            raise fault(f"found band {shown(band)}; {wanted}")
    twice = [band for band, count in Counter(value).items() if count > 1]
    if twice:
        raise fault(f"found band {twice[0]} twice; each band once")
    return tuple(value)


Bands = Annotated[
    tuple[int, ...],
    BeforeValidator(_bands),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "integer", "minimum": 1, "maximum": 1024},
                {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1, "maximum": 65535},
                    "minItems": 1,
                    "maxItems": 1024,
                    "uniqueItems": True,
                },
            ]
        }
    ),
]


def _relative(value: object, info: ValidationInfo, what: str) -> Path:
    """Return a path, which in a file is relative to the folder of the scenario file."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise fault(f"found {shown(value)}; allowed: the path of {what}")
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / value


def _scene_path(value: object, info: ValidationInfo) -> Path:
    return _relative(value, info, "a GeoTIFF")


def _file_path(value: object, info: ValidationInfo) -> Path:
    return _relative(value, info, "a file")


_PATH_SCHEMA = WithJsonSchema({"type": "string", "minLength": 1})
ScenePath = Annotated[Path, BeforeValidator(_scene_path), _PATH_SCHEMA]
FilePath = Annotated[Path, BeforeValidator(_file_path), _PATH_SCHEMA]


def read_once(read: Callable[[Path], T], path: Path, info: ValidationInfo) -> T:
    """Read a file that a scenario names; a file that it names often is read only once.

    Args:
        read: Reads the file.
        path: The file.
        info: What pydantic knows of the validation; its context is that of one scenario.
    """
    files: dict[tuple[Any, Path], Any] = {}
    if info.context is not None:
        files = info.context.setdefault("files", {})
    key = (read, path)
    if key not in files:
        files[key] = read(path)
    found: T = files[key]
    return found


_LEAST_AREA = 1e-14
"""Least area of a polygon on the unit sphere: 0.4 square metres."""


def _on_a_tangent_plane(
    corners: tuple[tuple[float, float], ...],
) -> list[tuple[float, float]] | None:
    """Return corners on the plane tangent at their middle, where great circles are straight.

    None if a corner is 80 degrees or more from the middle.
    """
    vectors = []
    for latitude, longitude in corners:
        up, turn = math.radians(latitude), math.radians(longitude)
        vectors.append((math.cos(up) * math.cos(turn), math.cos(up) * math.sin(turn), math.sin(up)))
    x, y, z = (math.fsum(part) for part in zip(*vectors, strict=True))
    length = math.hypot(x, y, z)
    if length < 1e-9:
        return None
    x, y, z = x / length, y / length, z / length
    across = math.hypot(x, y)
    # To the east and to the north of the middle; at a pole, any two directions do.
    east = (-y / across, x / across, 0.0) if across > 1e-9 else (0.0, 1.0, 0.0)
    north = (-z * east[1], z * east[0], x * east[1] - y * east[0])
    depths = [x * a + y * b + z * c for a, b, c in vectors]
    if min(depths) < math.cos(math.radians(80.0)):
        return None
    return [
        (
            (east[0] * a + east[1] * b) / depth,
            (north[0] * a + north[1] * b + north[2] * c) / depth,
        )
        for (a, b, c), depth in zip(vectors, depths, strict=True)
    ]


def _ring(corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Check that a polygon's corners enclose an area and that its edges do not cross."""
    if len(set(corners)) < 3:
        raise fault(f"found a polygon of {len(set(corners))} distinct corners; allowed: at least 3")
    if len(corners) > 2000:
        raise fault(f"found a polygon of {len(corners)} corners; allowed: at most 2000")
    from shapely.geometry import Polygon

    flat = _on_a_tangent_plane(corners)
    if flat is None:
        return corners  # it reaches too far round the Earth, which is refused before a run
    ring = Polygon(flat)
    if not ring.is_valid or ring.area < _LEAST_AREA:
        raise fault(
            "found a polygon that crosses or touches itself; allowed: corners in order around "
            "the area"
        )
    return corners


Ring = Annotated[tuple[Place, ...], AfterValidator(_ring)]
