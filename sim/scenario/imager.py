"""The imager: its frames, how the satellite points it, and the strips that it takes of areas."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from .base import Clashes, Model, is_number
from .fields import Bands
from .plain_numbers import Number, Whole
from .refusal import fault
from .units import Degrees, DegreesPerSecond, Metres, Seconds


class StripSpec(Model):
    """Limits on the strips that an imager of mode `strip` takes."""

    min_length: Annotated[float, Metres(least="0 m", most="40000 km", usual="50 km")] = Field(
        default=0.0,
        description="Least length of a strip; a shorter one is extended beyond the area.",
        examples=["50 km"],
    )
    max_length: Annotated[float, Metres(above="0 m", most="40000 km", usual="1000 km")] | None = (
        Field(
            default=None,
            description="Greatest length of a strip. By default, nothing limits it.",
            examples=["1000 km"],
        )
    )
    max_gap: Annotated[float, Metres(least="0 m", most="5000 km", usual="100 km")] = Field(
        default=0.0,
        description=(
            "Ground outside the area, such as a strait, up to this length does not end a strip; "
            "it is imaged as well."
        ),
        examples=["100 km"],
    )
    max_per_orbit: (
        Annotated[float, Metres(above="0 m", most="40000 km", usual="1000 km")] | None
    ) = Field(
        default=None,
        description=(
            "Greatest total length of all strips in any span of one orbit period. It acts "
            "beside `duty_cycle`."
        ),
        examples=["1000 km"],
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash if the lengths are in the wrong order."""
        low, high = given.get("min_length"), given.get("max_length")
        if is_number(low) and is_number(high) and low > high:
            yield (
                "max_length",
                (
                    f"found {high:g} m with min_length {low:g} m; "
                    "allowed: max_length at least min_length"
                ),
            )


class ImagerSpec(Model):
    """The camera, and how the satellite points it."""

    swath: Annotated[float, Metres(above="0 m", most="5000 km", usual="10.24 km")] = Field(
        description="Width of a frame, across the track.", examples=["10.24 km"]
    )
    gsd: Annotated[float, Metres(least="1 cm", most="100 km", usual="20 m")] = Field(
        description="Ground sample distance: the size of a pixel on the ground.",
        examples=["20 m"],
    )
    bands: Bands = Field(
        description=(
            "Which bands of a scene the imager sees, numbered from 1; "
            "a single number N selects the first N."
        ),
        examples=[[1, 2, 3], 4],
    )
    bit_depth: Annotated[int, Whole(1, 16)] = Field(
        default=12,
        description=(
            "Bits per sample, before compression. A scene with more bits loses its lowest ones, "
            "and its delivered frames have a scale that compensates for this. A scene with fewer "
            "bits keeps its own depth."
        ),
        examples=[12],
    )
    frame_length: Annotated[float, Metres(above="0 m", most="5000 km", usual="10.24 km")] = Field(
        description="Length of a frame, along the track.", examples=["10.24 km"]
    )
    off_nadir_limit: Annotated[float, Degrees(least="0 deg", most="70 deg")] = Field(
        default=25.0,
        description=(
            "Largest angle from nadir to which the imager may be turned; "
            "`0 deg` if it only looks straight down."
        ),
        examples=["25 deg"],
    )
    slew_rate: Annotated[float, DegreesPerSecond(above="0 deg/s", most="90 deg/s")] = Field(
        default=1.0,
        description="How fast the satellite turns from one target to the next.",
        examples=["1 deg/s"],
    )
    settle_time: Annotated[float, Seconds(least="0 s", most="1 h", usual="5 s")] = Field(
        default=5.0, description="How long the satellite settles after a turn.", examples=["5 s"]
    )
    min_sun_elevation: Annotated[float, Degrees(least="-90 deg", most="90 deg")] | None = Field(
        default=10.0,
        description=(
            "Lowest elevation of the sun at the target at which images are taken; "
            "`null` takes them by day and by night."
        ),
        examples=["10 deg"],
    )
    duty_cycle: Annotated[float, Number(0, 1, above=0)] = Field(
        default=1.0,
        description="Largest share of imaging in any span of one orbit period.",
        examples=[0.2],
    )
    mode: Literal["frame", "strip"] = Field(
        default="frame",
        description=(
            "How an area is imaged. `frame`: once in each access, by frames around the best view. "
            "`strip`: by a push-broom imager's strips, consecutive frames at one roll angle; "
            "wherever the imager sees some of the area, and with a turn between strips only. "
            "Targets with `area` need it. Points get one frame in either mode."
        ),
    )
    strip: StripSpec = Field(default=StripSpec(), description="Limits on strips, for mode `strip`.")

    @property
    def frame_width_px(self) -> int:
        """Pixels across the track."""
        return round(self.swath / self.gsd)

    @property
    def frame_height_px(self) -> int:
        """Pixels along the track."""
        return round(self.frame_length / self.gsd)

    @model_validator(mode="after")
    def _holds_a_pixel(self) -> Self:
        if self.frame_width_px < 1 or self.frame_height_px < 1:
            raise fault(
                f"found {self.gsd:g} m, larger than a frame of {self.swath:g} m x "
                f"{self.frame_length:g} m; allowed: at least one pixel each way",
                "gsd",
            )
        if self.frame_width_px * self.frame_height_px * len(self.bands) > 2**31:
            raise fault(
                f"found a frame of {self.frame_width_px} x {self.frame_height_px} px in "
                f"{len(self.bands)} bands; allowed: at most 2^31 samples, so shorten it",
                "frame_length",
            )
        return self

    @model_validator(mode="after")
    def _strips_fit(self) -> Self:
        strip, frame = self.strip, self.frame_length
        if self.mode == "frame" and strip != StripSpec():
            raise fault("found limits on strips with mode frame; allowed: mode: strip", "strip")
        most = strip.max_length
        if most is not None and math.floor(most / frame) < max(
            1, math.ceil(strip.min_length / frame)
        ):
            raise fault(
                f"found {most:g} m with frames of {frame:g} m and min_length "
                f"{strip.min_length:g} m; allowed: room for a whole number of frames",
                "strip.max_length",
            )
        return self
