"""The codecs and settings that a report's curves of throughput versus PSNR try.

There is one curve for each different codec of the scenario's satellites, and one for the student
and for JPEG 2000 in every report. Codecs differ if their names do (`scenario.codec_names`), or if
their tiles have other sizes, on which rate and quality depend, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...payload.encoders.base import Encoder, Setting
from ...payload.encoders.registry import encoder
from ...payload.encoders.traits import TRAITS
from ..frames.onboard_encoders import onboard_encoder
from ..scenario.codec import CodecChoice
from ..scenario.codec_names import codec_names
from ..scenario.scenario import Scenario

RATES_BPP: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
MOST_OWN: Final = 12
"""Most codecs of the satellites of which curves are measured."""
_IN_EVERY_REPORT: Final = ("student", "jpeg2000")


@dataclass(frozen=True, slots=True)
class TriedCodec:
    """A codec of which a curve is measured.

    Attributes:
        name: Name of the curve, such as `command 2` or `jpeg2000 in tiles of 256`.
        kind: The codec's name in a scenario.
        tile: Side of its tiles in pixels.
        settings: The settings to rate.
        satellites: Indices of the satellites that have this codec.
        choice: The scenario's codec; None if no satellite has it.
    """

    name: str
    kind: str
    tile: int
    settings: tuple[Setting, ...]
    satellites: tuple[int, ...] = ()
    choice: CodecChoice | None = None

    def encoder(self) -> Encoder:
        """Return the encoder; nothing is started.

        Raises:
            InputError: The codec cannot be used.
        """
        if self.choice is None:
            return encoder(self.kind, self.tile)
        return onboard_encoder(self.choice)


def tried_codecs(scenario: Scenario) -> list[TriedCodec]:
    """Return the codecs of a scenario's curves: its own, then those that every report has."""
    satellites = scenario.satellites
    names = codec_names(satellites)
    users: dict[tuple[str, int], list[int]] = {}
    for index, (satellite, name) in enumerate(zip(satellites, names, strict=True)):
        users.setdefault((name, satellite.codec.tile), []).append(index)
    sizes = [name for name, _ in users]
    tried = []
    for (name, tile), members in users.items():
        choice = satellites[members[0]].codec
        tried.append(
            TriedCodec(
                name=f"{name} in tiles of {tile}" if sizes.count(name) > 1 else name,
                kind=choice.name,
                tile=tile,
                settings=_settings([satellites[index].codec.setting for index in members]),
                satellites=tuple(members),
                choice=choice,
            )
        )
    tile = satellites[0].codec.tile
    others = (
        TriedCodec(kind, kind, TRAITS[kind].tile_from(tile), _settings([]))
        for kind in _IN_EVERY_REPORT
        if kind not in names
    )
    return [*tried, *others]


def _settings(own: Sequence[Setting]) -> tuple[Setting, ...]:
    """Return the settings to try: the rates of the table, and those of the run itself."""
    rates = {*RATES_BPP, *(one.bpp for one in own if one.bpp is not None)}
    others = [one for one in dict.fromkeys(own) if one.bpp is None]
    return (*(Setting(bpp=rate) for rate in sorted(rates)), *others)
