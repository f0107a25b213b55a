"""How a satellite compresses: the codec and its setting, and where frames are encoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from ...link.serial.constants import DEFAULT_BAUD, LARGEST_CHUNK, SMALLEST_CHUNK
from ...link.serial.portname import LONGEST_NAME
from ...link.student.frame_layout import BLOCK
from ...payload.encoders.base import Setting
from ...payload.encoders.traits import TRAITS, lossless_codecs
from ..board.emulators import PORTS, board_fault
from .base import Clashes, Model, exactly_one, is_number
from .faults import FaultsSpec
from .fields import FilePath
from .foreign import (
    MOST_FILES,
    NEEDED,
    WORKINGS,
    CommandLine,
    Files,
    Qualities,
    foreign_clashes,
)
from .plain_numbers import LEAST_BPP, BitsPerPixel, Number, Whole
from .refusal import fault, shown
from .units import Bytes, Seconds

CodecName = Literal[
    "jpeg2000", "jpegxl", "jpegls", "ccsds121", "avif", "student", "command", "onnx"
]
_WIDEST = 1000
"""Largest ratio of `bpp` to `least_bpp`. A policy measures few points between the two: in a wider
range, most of them would be rates that no codec meets."""


class CodecChoice(Model):
    """The codec and exactly one of its settings: quality, bpp or bytes.

    Fields of codecs from outside may stand beside another codec's name, so that a sweep can vary
    the name.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [key]} for key in ("quality", "bpp", "bytes")],
            "allOf": [
                {
                    "if": {"properties": {"name": {"const": "student"}}, "required": ["name"]},
                    "then": {"properties": {"tile": {"multipleOf": BLOCK}}},
                },
                {
                    "if": {"properties": {"name": {"const": "command"}}, "required": ["name"]},
                    "then": {"required": [*NEEDED["command"]]},
                },
                {
                    "if": {"properties": {"name": {"const": "onnx"}}, "required": ["name"]},
                    "then": {"required": [*NEEDED["onnx"]]},
                },
            ],
        }
    )

    name: CodecName = Field(
        description=(
            "Which codec encodes the frames. `command` and `onnx` are [codecs from "
            "outside](foreign-encoders.md): a program for each tile, or two graphs."
        )
    )
    quality: Annotated[float, Number(0, 100)] | None = Field(
        default=None,
        description=(
            "Quality on the codec's scale, 0 (worst) to 100 (best). 100 is lossless with "
            f"{lossless_codecs()}; the student is never lossless."
        ),
        examples=[80],
    )
    bpp: BitsPerPixel | None = Field(
        default=None,
        description="Encoded bits per pixel of a frame, all bands together.",
        examples=[0.5],
    )
    bytes: Annotated[int, Bytes(least="64 B", most="100 GB", usual="100 kB")] | None = Field(
        default=None, description="Largest encoded size of a frame.", examples=["100 kB"]
    )
    policy: Literal["fixed", "backlog", "lookahead"] = Field(
        default="fixed",
        description=(
            "How each frame's rate is chosen. `fixed`: the setting, for all frames. `backlog`: "
            "`bpp` with an empty recorder, `least_bpp` with a full one, and in proportion between. "
            "`lookahead`: from `least_bpp` to `bpp`, so that the sum over frames of priority times "
            "PSNR becomes greatest, within the recorder and the contacts to come."
        ),
        examples=["lookahead"],
    )
    least_bpp: BitsPerPixel | None = Field(
        default=None,
        description=(
            "Lowest rate that the policy may choose, at least a thousandth of `bpp`. By default a "
            "sixteenth of `bpp`."
        ),
        examples=[0.1],
    )
    tile: Annotated[int, Whole(16, 16384)] = Field(
        default=512,
        description=(
            "Side of a tile in pixels. Each tile is coded by itself, so a loss costs one tile. "
            f"With the student, it is a multiple of {BLOCK}."
        ),
        examples=[512],
    )
    encode: CommandLine | None = Field(
        default=None,
        description=(
            "With `command`: the program that encodes a tile, and its arguments. Words in braces, "
            "such as `{width}`, stand for values. Other codecs ignore this and the following."
        ),
        examples=[["python3", "{folder}/ours.py", "encode", "{quality}"]],
    )
    decode: CommandLine | None = Field(
        default=None,
        description="With `command`: the program that decodes a tile, and its arguments.",
        examples=[["python3", "{folder}/ours.py", "decode"]],
    )
    interleave: Literal["bip", "bil", "bsq"] = Field(
        default="bip",
        description=(
            "With `command`: the order of samples in files, by pixel, by line or by band."
        ),
        examples=["bsq"],
    )
    files: Files = Field(
        default=(),
        max_length=MOST_FILES,
        description=(
            "With `command`: further files on which its results depend, such as weights. If one "
            "changes, frames are encoded again."
        ),
        examples=[["weights.bin"]],
    )
    encoder: FilePath | None = Field(
        default=None,
        description="With `onnx`: the file of the graph that encodes a tile.",
        examples=["encoder.onnx"],
    )
    decoder: FilePath | None = Field(
        default=None,
        description="With `onnx`: the file of the graph that decodes a tile.",
        examples=["decoder.onnx"],
    )
    layout: Literal["nchw", "nhwc"] = Field(
        default="nchw",
        description="With `onnx`: the order of the axes of tiles.",
        examples=["nhwc"],
    )
    multiple: Annotated[int, Whole(1, 1024)] = Field(
        default=1,
        description=(
            "With `onnx`: number of which the sides of tiles are multiples. Others are filled up "
            "by repeating their last row and column."
        ),
        examples=[16],
    )
    qualities: Qualities | None = Field(
        default=None,
        description=(
            "With `command` and `onnx`: the coarsest and the finest quality that the encoder "
            "knows, in whole numbers. By default 0 to 1 in hundredths."
        ),
        examples=[[1, 31]],
    )
    time_limit: Annotated[float, Seconds(least="10 ms", most="1 h", usual="10 s")] = Field(
        default=60.0,
        description="With `command` and `onnx`: how long a tile may take.",
        examples=["10 s"],
    )
    memory: Annotated[int, Bytes(least="64 MB", most="1 TB", usual="2 GB")] = Field(
        default=4_000_000_000,
        description="With `command` and `onnx`: address space that a process may have.",
        examples=["2 GB"],
    )

    @model_validator(mode="after")
    def _whole_blocks(self) -> Self:
        traits = TRAITS[self.name]
        if not traits.takes_tile(self.tile):
            raise fault(
                f"found {self.tile}; allowed for the {self.name}: "
                f"multiples of {traits.tile_multiple}, such as {traits.nearest_tile(self.tile)}",
                "tile",
            )
        return self

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash unless exactly one setting is given, or if it does not suit the policy."""
        yield from exactly_one(given, ("quality", "bpp", "bytes"))
        yield from foreign_clashes(given)
        policy, bpp, least = (given.get(key) for key in ("policy", "bpp", "least_bpp"))
        if policy in ("backlog", "lookahead"):
            for key in ("quality", "bytes"):
                if given.get(key) is not None:
                    yield key, f"found {key} with policy {policy}; allowed: bpp, the highest rate"
        elif least is not None:
            yield (
                "least_bpp",
                "found least_bpp with a fixed rate; allowed: with policy backlog or lookahead",
            )
        if is_number(bpp) and is_number(least) and least > bpp:
            yield "least_bpp", f"found {least:g}, above bpp; allowed: at most {bpp:g}"
        if is_number(bpp) and is_number(least) and LEAST_BPP <= least < bpp / _WIDEST:
            yield (
                "least_bpp",
                f"found {least:g}; allowed: at least {bpp / _WIDEST:g}, a thousandth of bpp",
            )

    @property
    def setting(self) -> Setting:
        """The setting, as encoders take it."""
        return Setting(self.quality, self.bpp, self.bytes)

    @property
    def workings(self) -> tuple[Any, ...]:
        """What makes this codec another one than others of its name; empty for downpass's own."""
        return tuple(getattr(self, field) for field in WORKINGS.get(self.name, ()))

    @property
    def lowest_bpp(self) -> float | None:
        """Lowest rate that the policy may choose; None if the rate is fixed."""
        if self.policy == "fixed" or self.bpp is None:
            return None
        return self.bpp / 16 if self.least_bpp is None else self.least_bpp


def _port_name(value: object) -> str:
    wrong = board_fault(value) if isinstance(value, str) else f"allowed: {PORTS}"
    if wrong or not isinstance(value, str):
        raise fault(f"found {shown(value)}; {wrong}")
    return value


PortName = Annotated[
    str,
    BeforeValidator(_port_name),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}),
]


class EncoderChoice(Model):
    """Where frames are encoded: in this process, or on a board on a serial line."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"backend": {"const": "board"}}, "required": ["backend"]},
            "then": {"required": ["port"]},
        }
    )

    backend: Literal["in-process", "board"] = Field(
        default="in-process",
        examples=["board"],
        description=(
            "`board` sends every tile to the board at `port`. The satellite sends the board's "
            "bitstreams, and the board's encode times replace the processor's `encode_rate`."
        ),
    )
    port: PortName | None = Field(
        default=None,
        description=(
            "The board's port: the path of a serial device, `socket://HOST:PORT`, "
            "`rfc2217://HOST:PORT`, `loop://`, or `emulator:NAME` (see `downpass board list`). "
            "Satellites that name the same port share the board."
        ),
        examples=["/dev/ttyUSB0", "emulator:zynq-a9"],
    )
    baud: Annotated[int, Whole(300, 20_000_000)] = Field(
        default=DEFAULT_BAUD, description="Bits per second of the serial line.", examples=[921600]
    )
    give_up_after: Annotated[float, Seconds(least="1 s", most="1 d", usual="60 s")] = Field(
        default=60.0,
        description=(
            "How long the board may fail to answer; at least the time that the line needs to open "
            "a session, which is 20 s at 300 baud. After that nothing more is encoded, and the run "
            "ends with the frames finished so far and exit status 1."
        ),
        examples=["60 s"],
    )
    encode_timeout: Annotated[float, Seconds(least="1 s", most="1 d", usual="300 s")] = Field(
        default=300.0,
        description=(
            "How long the board may work without any progress; on a slow line longer, 28 s at 300 "
            "baud. After that its session is ended and the tile is sent again; make it longer than "
            "the slowest tile takes to encode."
        ),
        examples=["300 s"],
    )
    chunk: Annotated[int, Whole(SMALLEST_CHUNK, LARGEST_CHUNK)] | None = Field(
        default=None,
        description=(
            "Bytes of a tile or a result in one frame of the line; the board's own limit holds "
            "too. By default 2048, and less on a line below 20,880 baud or one that damages many "
            "frames."
        ),
        examples=[1024],
    )
    faults: FaultsSpec | None = Field(
        default=None,
        description="Faults injected between this computer and the board, to test what they do.",
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash for a board without a port, or a port or faults without a board."""
        board = given.get("backend") == "board"
        if board and given.get("port") is None:
            yield (
                "port",
                (f"missing with backend board; allowed: {PORTS}"),
            )
        if not board and given.get("port") is not None:
            found = shown(given.get("backend", "in-process"))
            yield "port", f"found a port with backend {found}; allowed: backend board with a port"
        if not board and given.get("faults") is not None:
            found = shown(given.get("backend", "in-process"))
            yield "faults", f"found faults with backend {found}; allowed: with backend board"
