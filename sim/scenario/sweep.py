"""The `sweep` section of a scenario: which fields `downpass sweep` varies, and over what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from .base import Clashes, Model
from .plain_numbers import Whole
from .refusal import fault, shown

MOST_CELLS = 100_000
"""Most cells of a sweep, and so most values of a field or seeds."""
MOST_FIELDS = 16
"""Most fields that one sweep varies."""
LONGEST_FIELD = 500
"""Most characters of a field's path."""

Endpoint = Annotated[
    Any,
    BeforeValidator(lambda value: _endpoint(value)),
    WithJsonSchema({"type": ["number", "string"]}),
]


def _endpoint(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise fault(f"found {shown(value)}; allowed: a number, with its unit if the field has one")
    return value


class SweepRange(Model):
    """Values from one number to another, evenly spaced or by equal factors."""

    from_: Endpoint = Field(alias="from", description="The first value.", examples=["1 MB"])
    to: Endpoint = Field(description="The last value, in the same unit.", examples=["64 MB"])
    count: Annotated[int, Whole(2, MOST_CELLS)] | None = Field(
        default=None,
        description="Number of values, both ends included. With `sample`, it may be omitted.",
        examples=[7],
    )
    step: Endpoint | None = Field(
        default=None,
        description="Instead of `count`: distance of two values; `to` is the last at most.",
    )
    scale: Literal["linear", "log"] = Field(
        default="linear",
        description="`linear`: equal distances. `log`: equal factors, rounded.",
        examples=["log"],
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash for both `count` and `step`, or a step on a log scale."""
        if given.get("step") is None:
            return
        if given.get("count") is not None:
            yield "step", "found count and step; allowed: one of them"
        if given.get("scale") == "log":
            yield "step", "found a step with scale log; allowed: count"


def _values(value: object) -> object:
    """Return a list of values as a tuple, and a mapping as a range."""
    if isinstance(value, Mapping):
        return SweepRange.model_validate(value, context={"file": True})
    if isinstance(value, SweepRange):
        return value
    if not isinstance(value, list | tuple) or not value:
        raise fault(
            f"found {shown(value)}; allowed: a list of values such as [0.5, 1, 2], or a range "
            "such as {from: 0.5, to: 4, count: 8}"
        )
    if len(value) > MOST_CELLS:
        raise fault(f"found {len(value)} values; allowed: at most {MOST_CELLS}")
    return tuple(value)


Values = Annotated[
    tuple[Any, ...] | SweepRange,
    BeforeValidator(_values, json_schema_input_type=tuple[Any, ...] | SweepRange),
]


class SweepSpec(Model):
    """What `downpass sweep` varies. A run ignores this section."""

    over: dict[Annotated[str, Field(max_length=LONGEST_FIELD)], Values] = Field(
        default={},
        max_length=MOST_FIELDS,
        description=(
            "The values of each field: a list, or a range. A field is written as for `--set`: "
            "`satellites.0.codec.bpp`, `satellites.*.recorder.capacity`, `stations`."
        ),
        examples=[
            {
                "satellites.0.codec.bpp": [0.5, 1, 2],
                "satellites.0.recorder.capacity": {
                    "from": "1 MB",
                    "to": "16 MB",
                    "count": 5,
                    "scale": "log",
                },
            }
        ],
    )
    seeds: Annotated[int, Whole(1, MOST_CELLS)] = Field(
        default=1,
        description=(
            "Number of seeds that each point is run with: the scenario's, and those that follow it."
        ),
        examples=[5],
    )
    sample: Annotated[int, Whole(1, MOST_CELLS)] | None = Field(
        default=None,
        description=(
            "Number of points to draw instead of running every combination. The values of each "
            "field are used equally often (a Latin hypercube, drawn from the scenario's seed)."
        ),
    )

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if "seed" in self.over and "seeds" in self.model_fields_set:
            raise fault("found seeds, and values of seed in over; allowed: one of them", "seeds")
        for field, values in self.over.items():
            endless = isinstance(values, SweepRange) and values.count is values.step is None
            if endless and self.sample is None:
                raise fault(
                    "found neither count nor step; allowed: one of them, or a sample of the range",
                    f"over.{field}",
                )
        return self
