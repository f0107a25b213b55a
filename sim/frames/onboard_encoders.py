"""The encoders that a scenario names: downpass's own, programs and graphs from outside.

Making an encoder starts nothing. Programs are started when a frame is encoded, if that is
permitted (`link.foreign.permission`).
"""

from __future__ import annotations

from collections.abc import Iterable

from ...link.foreign.codec import CommandCodec, ForeignCodec
from ...link.foreign.command import Command
from ...link.foreign.permission import ALLOW, OPTION, programs_allowed
from ...link.foreign.quality_scale import QualityScale
from ...link.text import printable
from ...payload.encoders.base import Encoder
from ...payload.encoders.registry import encoder, foreign_encoder
from ...payload.encoders.traits import TRAITS
from ..scenario.codec import CodecChoice


def refusal(choice: CodecChoice) -> str:
    """Return why a codec's programs are not started; empty if there is none, or they may be."""
    if choice.name != "command" or programs_allowed():
        return ""
    line = printable(" ".join(choice.encode or ()), 100)
    return (
        f"found a program, {line}; none is started without permission; allowed: with {OPTION} (or "
        f"{ALLOW}=1), if you trust the file and its programs"
    )


def foreign_codec(choice: CodecChoice) -> ForeignCodec | None:
    """Return the codec from outside that a scenario names; None for one of downpass's own.

    Nothing is started. Without permission, the codec's programs fail when they are to be started.

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
        Command.find("encode", choice.encode, choice.files),
        Command.find("decode", choice.decode, choice.files),
        choice.interleave,
        scale if knows_quality else QualityScale(single=True),
        choice.time_limit,
        choice.memory,
        refused=refusal(choice),
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
