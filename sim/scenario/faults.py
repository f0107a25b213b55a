"""Faults that a scenario injects between this computer and a board."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from ...link.serial.faults.board_faults import LONGEST_S, MOST_FACTOR
from .base import Clashes, Model, exactly_one
from .plain_numbers import Number, Whole
from .refusal import fault, shown
from .units import Seconds, Tiles

MOST_LISTED: Final = 10_000
_LARGEST_TILE: Final = 1_000_000_000
_LONGEST: Final = f"{LONGEST_S / 3600:g} h"
_LATEST: Final = "2 s"
_LATEST_S: Final = 2.0
"""A session ends after 5 s without an answer, so a line that is later carries no tile."""
_HALF: Final = 0.5
"""At a bit error rate of one half, a line carries nothing at all."""

Share = Annotated[float, Number(0, 1)]
Duration = Annotated[float, Seconds(above="0 s", most=_LONGEST, usual="2 s")]


def _tile_numbers(value: object) -> tuple[int, ...]:
    wanted = f"allowed: numbers of tiles from 1, such as [40, 90], at most {MOST_LISTED}"
    if not isinstance(value, list | tuple) or not value:
        raise fault(f"found {shown(value)}; {wanted}")
    if len(value) > MOST_LISTED:
        raise fault(f"found {len(value)} tiles; {wanted}")
    for tile in value:
        if isinstance(tile, bool) or not isinstance(tile, int) or not 1 <= tile <= _LARGEST_TILE:
            raise fault(f"found tile {shown(tile)}; {wanted}")
    return tuple(value)


TileList = Annotated[
    tuple[int, ...],
    BeforeValidator(_tile_numbers),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": _LARGEST_TILE},
            "minItems": 1,
            "maxItems": MOST_LISTED,
        }
    ),
]
_CHOICES: Final = ("every", "tiles", "share")


def _one_of_them(keys: tuple[str, ...]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in keys]})


class TileFaultSpec(Model):
    """A fault of single tiles: which of them it strikes."""

    model_config = _one_of_them(_CHOICES)

    every: Annotated[int, Tiles(least="1 tile", most="1000000000 tiles")] | None = Field(
        default=None,
        description="One tile of so many: with `20 tiles`, tiles 20, 40, 60, …",
        examples=["20 tiles"],
    )
    tiles: TileList | None = Field(
        default=None,
        description="These tiles, numbered from 1 in the order in which the board gets them.",
        examples=[[40, 90]],
    )
    share: Share | None = Field(
        default=None,
        description="Each tile with this probability, drawn from the seed.",
        examples=[0.05],
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash unless exactly one way to choose tiles is given."""
        yield from exactly_one(given, _CHOICES)


class PauseSpec(TileFaultSpec):
    """A fault that lasts: before the results of which tiles it begins, and for how long."""

    for_: Duration = Field(alias="for", description="How long it lasts.", examples=["2 s"])


class CutSpec(PauseSpec):
    """A cut of the line: before the results of which tiles it begins, or when, and for how long."""

    model_config = _one_of_them((*_CHOICES, "at"))

    at: (
        Annotated[
            tuple[Annotated[float, Seconds(least="0 s", most="30 d", usual="10 s")], ...],
            Field(min_length=1, max_length=MOST_LISTED),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "At these moments, in real time since the first tile. How many tiles the board has "
            "finished by then differs from run to run."
        ),
        examples=[["10 s", "1 min"]],
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash unless exactly one way to choose moments is given."""
        yield from exactly_one(given, (*_CHOICES, "at"))


class FaultsSpec(Model):
    """Faults of the line and of the board, injected on purpose."""

    seed: Annotated[int, Whole(0, 2**63 - 1)] | None = Field(
        default=None,
        description="Seed of the faults. By default the scenario's.",
        examples=[3],
    )
    drop: Share = Field(default=0.0, description="Share of frames that are lost.", examples=[0.01])
    duplicate: Share = Field(
        default=0.0, description="Share of frames that arrive twice.", examples=[0.01]
    )
    reorder: Share = Field(
        default=0.0, description="Share of frames that arrive after later ones.", examples=[0.01]
    )
    truncate: Share = Field(
        default=0.0, description="Share of frames whose end is lost.", examples=[0.001]
    )
    garbage: Share = Field(
        default=0.0,
        description="Share of frames before which up to 300 random bytes arrive.",
        examples=[0.001],
    )
    bit_error_rate: Annotated[float, Number(0, _HALF)] = Field(
        default=0.0, description="Probability that a bit is wrong.", examples=[1e-5]
    )
    delay: Annotated[float, Seconds(least="0 s", most=_LATEST, usual="8 ms")] = Field(
        default=0.0, description="Delay of the line, each way.", examples=["8 ms"]
    )
    jitter: Annotated[float, Seconds(least="0 s", most=_LATEST, usual="2 ms")] = Field(
        default=0.0,
        description=(
            "Most that a frame takes longer than `delay`; frames keep their order. The two are "
            "together at most 2 s."
        ),
        examples=["2 ms"],
    )
    baud: Annotated[int, Whole(300, 20_000_000)] | None = Field(
        default=None,
        description=(
            "Bits per second of the line, ten to a byte, each way and in real time. By default "
            "as fast as the port is: emulators, sockets and pseudo-terminals keep no rate."
        ),
        examples=[115200],
    )
    cut: CutSpec | None = Field(
        default=None,
        description="The line loses everything for a time, both ways.",
        examples=[{"every": "50 tiles", "for": "3 s"}],
    )
    stall: PauseSpec | None = Field(
        default=None,
        description="The board sends nothing for a time; what it would have sent comes afterwards.",
        examples=[{"every": "20 tiles", "for": "2 s"}],
    )
    reboot: PauseSpec | None = Field(
        default=None,
        description=(
            "The board starts anew and answers nothing for a time: its session and all tiles on it "
            "are lost. With `--reset-board` it really is reset, and otherwise only appears to "
            "start anew."
        ),
        examples=[{"every": "30 tiles", "for": "1 s"}],
    )
    wrong: TileFaultSpec | None = Field(
        default=None,
        description=(
            "A byte of the tile's result is wrong, and its CRC-32 is that of the wrong bytes."
        ),
        examples=[{"share": 0.01}],
    )
    refuse: TileFaultSpec | None = Field(
        default=None,
        description="The board cannot encode the tile, which ends its work in the run.",
        examples=[{"tiles": [90]}],
    )
    slow: Annotated[float, Number(1, MOST_FACTOR)] = Field(
        default=1.0,
        description=(
            "How many times longer the board takes to encode a tile: its encode times are "
            "multiplied, and its results held back."
        ),
        examples=[3],
    )

    @model_validator(mode="after")
    def _is_in_time(self) -> Self:
        if self.delay + self.jitter > _LATEST_S:
            raise fault(
                f"found {self.delay:g} s with jitter {self.jitter:g} s; allowed: together at most "
                f"{_LATEST}, because a session ends after 5 s without an answer",
                "delay",
            )
        return self

    @classmethod
    def sections(cls) -> Iterator[tuple[str, type[Model]]]:
        """Yield the keys that have a section of their own, each with its model."""
        yield from (("cut", CutSpec), ("stall", PauseSpec), ("reboot", PauseSpec))
        yield from (("wrong", TileFaultSpec), ("refuse", TileFaultSpec))
