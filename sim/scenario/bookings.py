"""Booked passes of a station: a list of times, a limit per day, or a contact plan in a file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    model_validator,
)

from ...link.errors import InputError
from .base import Clashes, Model, Name, exactly_one
from .fields import FilePath, Moment, moment_text, read_once
from .plain_numbers import Whole
from .refusal import fault, shown

if TYPE_CHECKING:
    from ..contact_plans.reading import PlanFile

_FORMS = ("passes", "per_day", "plan")


class Booking(Model):
    """A time in which a station may be used."""

    from_: Moment = Field(
        alias="from", description="When it begins.", examples=["2024-12-02T05:00:00Z"]
    )
    to: Moment = Field(description="When it ends.", examples=["2024-12-02T05:12:00Z"])
    satellite: Name | None = Field(
        default=None,
        description="The satellite that it is for; by default any.",
        examples=["sat-a"],
    )

    @model_validator(mode="after")
    def _ends_after(self) -> Self:
        if self.to <= self.from_:
            raise fault(
                f"found from {moment_text(self.from_)} to {moment_text(self.to)}; "
                "allowed: from before to"
            )
        return self


class Bookings(Model):
    """The passes that a station may be used for; others are not used."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in _FORMS]})

    passes: tuple[Booking, ...] | None = Field(
        default=None,
        max_length=100_000,
        description=(
            "Times that are booked. A contact is cut to them. `bookings: [...]` is short for this."
        ),
        examples=[[{"from": "2024-12-02T05:00:00Z", "to": "2024-12-02T05:12:00Z"}]],
    )
    per_day: Annotated[int, Whole(0, 1000)] | None = Field(
        default=None,
        description=(
            "How many passes of all satellites together are booked on each day (UTC, by the "
            "pass's beginning): the longest ones that the station's antennas can serve."
        ),
        examples=[6],
    )
    plan: FilePath | None = Field(
        default=None,
        description=(
            "A contact plan as CSV, JSON or ION's commands, such as `downpass passes --format csv` "
            "prints. Its contacts with this station are booked. `bookings: plan.csv` is short for "
            "this."
        ),
        examples=["plan.csv"],
    )

    _file: PlanFile | None = PrivateAttr(default=None)

    @property
    def file(self) -> PlanFile | None:
        """The plan as it was when the scenario was loaded; None without one."""
        return self._file

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash unless exactly one form is given."""
        return exactly_one(given, _FORMS)

    @model_validator(mode="after")
    def _read(self, info: ValidationInfo) -> Self:
        if self.plan is not None:
            # Most scenarios have no plan.
            from ..contact_plans.reading import read_plan

            try:
                self._file = read_once(read_plan, self.plan, info)
            except InputError as error:
                raise fault(str(error), "plan") from None
        return self


def _long_form(value: object) -> object:
    """Turn a list of times, or the path of a plan, into the mapping that it is short for."""
    if isinstance(value, list | tuple):
        return {"passes": value}
    if isinstance(value, str):
        return {"plan": value}
    if value is None or isinstance(value, Mapping | Bookings):
        return value
    raise fault(
        f"found {shown(value)}; allowed: a list of {{from, to}}, {{per_day: 6}}, or the path of a "
        "contact plan"
    )


BookingsField = Annotated[
    Bookings | None,
    BeforeValidator(_long_form, json_schema_input_type=tuple[Booking, ...] | str | Bookings | None),
]


def oddities(
    bookings: Bookings | None, satellites: Collection[str], start: datetime, end: datetime
) -> Iterator[tuple[str, str]]:
    """Yield what a planner should know of bookings that can be used: field and message.

    Args:
        bookings: Bookings of a station.
        satellites: Names of the scenario's satellites.
        start: When the scenario begins.
        end: When it ends.
    """
    if bookings is None:
        return
    for index, booking in enumerate(bookings.passes or ()):
        if booking.satellite is not None and booking.satellite not in satellites:
            yield (
                f"bookings.passes.{index}",
                (
                    f"found a booking of {shown(booking.satellite)}, which is no satellite here; "
                    "it has no part"
                ),
            )
        elif booking.to <= start or booking.from_ >= end:
            yield (
                f"bookings.passes.{index}",
                "found a booking outside the scenario's time; it has no part",
            )
    if bookings.file is not None and not any(
        one.satellite in satellites and one.end > start and one.start < end
        for one in bookings.file.contacts
    ):
        yield (
            "bookings",
            "found no booking of a satellite here within the scenario's time; the station is idle",
        )


def check_plan(bookings: Bookings | None, station: str) -> None:
    """Check that a station's plan has contacts with it.

    Raises:
        PydanticCustomError: It has none: a name is misspelt, or it is another network's plan.
    """
    if bookings is None or bookings.plan is None or bookings.file is None:
        return
    if station not in bookings.file.stations:
        named = sorted(bookings.file.stations)
        others = ", ".join(named[:5]) + (", …" if len(named) > 5 else "")
        raise fault(
            f"found no contact with {station} in {shown(bookings.plan.name)}; it has "
            f"{others or 'none at all'}; allowed: a plan with contacts of this station",
            "bookings",
        )
