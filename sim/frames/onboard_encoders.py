"""The encoders that a scenario names: downpass's own, programs and graphs from outside.

A scenario file may come from somebody else, and a codec `command` names programs in it. None of
them is started unless the user of this process has allowed it. Reading such a scenario, checking it
and printing its schema start none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from ...link.foreign.codec import CommandCodec, ForeignCodec
from ...link.foreign.command import Command
from ...link.foreign.quality_scale import QualityScale
from ...link.text import printable
from ...payload.encoders.base import Encoder
from ...payload.encoders.registry import encoder, foreign_encoder
from ...payload.encoders.traits import TRAITS
from ..scenario.codec import CodecChoice

ALLOW: Final = "DOWNPASS_ALLOW_PROGRAMS"
OPTION: Final = "--allow-programs"


def allow_programs() -> None:
    """Let this process, and those that it starts, run the programs that scenarios name."""
    os.environ[ALLOW] = "1"


def programs_allowed() -> bool:
    """Return whether this process may run the programs that scenarios name."""
    return os.environ.get(ALLOW) == "1"


def starts_programs(choice: CodecChoice) -> bool:
    """Return whether encoding with this codec starts programs that the scenario names."""
    return choice.name == "command"


def refusal(choice: CodecChoice) -> str:
    """Return why a codec's programs are not started, and what would allow it."""
    program = printable((choice.encode or ("",))[0], 200)
    return (
        f"found the program {program}, which is not started without leave; allowed: with {OPTION} "
        f"(or {ALLOW}=1), if you trust this file and its programs"
    )


def foreign_codec(choice: CodecChoice) -> ForeignCodec | None:
    """Return the codec from outside that a scenario names; None for one of downpass's own.

    Nothing is started. Without leave, the codec's programs fail when they are to be started.

    Raises:
        InputError: A program or a file is missing or cannot be used.
    """
    if not TRAITS[choice.name].foreign:
        return None
    scale = QualityScale(choice.qualities)
    if choice.name == "onnx":
        # Imported here, because most runs have no such graphs.
        from ...link.foreign.onnx_codec import OnnxCodec

        if choice.encoder is None or choice.decoder is None:
            raise ValueError("a codec onnx without its graphs")
        return OnnxCodec(
            choice.encoder,
            choice.decoder,
            layout=choice.layout,
            multiple=choice.multiple,
            scale=scale,
            seconds=choice.time_limit,
            memory=choice.memory,
        )
    if choice.encode is None or choice.decode is None:
        raise ValueError("a codec command without its programs")
    knows_quality = any("{quality}" in word for word in choice.encode)
    return CommandCodec(
        Command.find("encode", choice.encode, choice.folder, choice.files),
        Command.find("decode", choice.decode, choice.folder, choice.files),
        choice.interleave,
        scale if knows_quality else QualityScale(single=True),
        choice.time_limit,
        choice.memory,
        refused="" if programs_allowed() else refusal(choice),
    )


def onboard_encoder(choice: CodecChoice, tile: int | None = None, threads: int = 1) -> Encoder:
    """Return the encoder that a scenario names.

    Args:
        choice: The scenario's codec.
        tile: Side of a tile in pixels; by default the scenario's.
        threads: Number of tiles coded at once.

    Raises:
        InputError: The codec cannot be used.
    """
    codec = foreign_codec(choice)
    side = choice.tile if tile is None else tile
    if codec is None:
        return encoder(choice.name, side, threads)
    return foreign_encoder(codec, side, threads)


def onboard_encoders(choices: Iterable[CodecChoice]) -> list[Encoder]:
    """Return the encoder of each choice; those that are equal share one.

    Raises:
        InputError: A codec cannot be used.
    """
    made: dict[CodecChoice, Encoder] = {}
    found = []
    for choice in choices:
        if choice not in made:
            made[choice] = onboard_encoder(choice)
        found.append(made[choice])
    return found
