"""`downpass codec encode`: encode a raster, with its georeferencing and metadata."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import add_programs, keep_inputs
from .bitstream_files import say, write_bitstream
from .codec_options import add_rate, add_threads, add_tile

if TYPE_CHECKING:
    from ...link.container.description import Description
    from ...link.container.frame import Frame
    from ...payload.encoders.base import Encoder, Setting

_DEEPEST = 16


def add_encode(below: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = below.add_parser("encode", help="encode a raster", description="Encode a raster.")
    parser.add_argument("input", type=Path, metavar="IN", help="GeoTIFF, JPEG 2000, PNG, …")
    parser.add_argument("output", type=Path, metavar="OUT", help="the bitstream to write")
    parser.add_argument(
        "--codec",
        required=True,
        metavar="NAME",
        help="jpeg2000, jpegxl, jpegls, ccsds121, …, or a YAML file that names programs or graphs",
    )
    add_rate(parser, _quality_help())
    parser.add_argument(
        "--bands",
        type=int,
        nargs="+",
        metavar="B",
        help="band numbers, from 1; without them all, but for transparency, which is a mask",
    )
    parser.add_argument("--bit-depth", type=int, metavar="N", help="the imager's; default: all")
    add_tile(parser, None)
    add_threads(parser)
    add_programs(parser)
    parser.set_defaults(run=encode)


def _quality_help() -> str:
    from ...payload.encoders.traits import lossless_codecs

    return f"0 to 100; 100 is lossless with {lossless_codecs()}, never with student"


def encode(arguments: argparse.Namespace) -> int:
    """Encode a raster, with its georeferencing and metadata."""
    from ...link.errors import InputError
    from ...payload.encoders.base import Setting
    from ...payload.encoders.traits import TRAITS, lossless_codecs
    from ...payload.imager.scenes import Scene
    from ..scenario.codec_file import is_codec_file
    from .codec_choice import chosen_encoder

    file = Path(arguments.codec) if is_codec_file(arguments.codec) else None
    keep_inputs(arguments.output, [arguments.input, file])
    setting = Setting(arguments.quality, arguments.bpp, arguments.bytes)
    codec = chosen_encoder(arguments.codec, arguments.tile, arguments.threads)
    bands, depth = arguments.bands, arguments.bit_depth
    if depth is not None and not 1 <= depth <= _DEEPEST:
        raise InputError(f"bit depth {depth}: allowed are 1 to {_DEEPEST}")
    with Scene(arguments.input) as scene:
        exact = setting.quality == 100
        frame = scene.read(bands=bands, bit_depth=depth, palette=exact)
        description = scene.describe(None, bands, depth)
        bits, alpha = scene.content(bands).bits, scene.alpha
        left_out = alpha is not None and alpha not in scene.band_numbers(bands)
        masking = scene.mask_is_alpha(bands)
    bitstream = _coded(arguments.input, codec, frame, setting, description)
    if any(band.colour == "palette" for band in description.bands):
        _require_exact(arguments.input, codec, frame, bitstream)
    write_bitstream(arguments.output, bitstream)
    say(  # scripts read this line, so it has one form for any number of bands
        f"{arguments.output}: {frame.width} x {frame.height} pixels, {frame.bands} bands of "
        f"{frame.bit_depth} bits in {len(bitstream)} bytes, "
        f"{len(bitstream) * 8 / (frame.width * frame.height):.3f} bpp"
    )
    if setting.quality == 100 and not TRAITS[codec.name].lossless:
        say(
            f"quality 100 is the finest that {codec.name} has, and "
            f"{'not known to be' if TRAITS[codec.name].foreign else 'not'} lossless; "
            f"lossless codecs are {lossless_codecs()}"
        )
    if frame.bit_depth < bits:
        say(
            f"{arguments.input}: samples of {bits} bits lose the lowest {bits - frame.bit_depth}; "
            f"the decoded bands' scale is {1 << bits - frame.bit_depth} times as large"
        )
    if left_out:
        why = "where it is 0 there is no data" if masking else "nodata or a mask counts instead"
        say(f"{arguments.input}: band {alpha} is transparency; {why}")
    return 0


def _coded(
    path: Path, codec: Encoder, frame: Frame, setting: Setting, description: Description
) -> bytes:
    """Return the bitstream with the description in its header, within the setting's budget."""
    from ...link.container import varint
    from ...link.container.bitstream import with_description
    from ...link.container.description import DescriptionError
    from ...link.errors import InputError
    from ...payload.encoders.base import RateError, Setting

    try:
        packed = description.pack()
    except DescriptionError as error:
        raise InputError(f"{path}: {error}") from None
    if not packed:
        return codec.encode(frame, setting)
    codec.check(frame, setting)
    extra = varint.size(len(packed)) + len(packed)
    budget = setting.budget(frame.width, frame.height)
    within = setting if budget is None else Setting(bytes=max(1, budget - extra))
    try:
        return with_description(codec.encode(frame, within), packed)
    except RateError as error:
        assert budget is not None  # noqa: S101  (a quality has no budget to miss)
        smallest = error.smallest + extra
        raise RateError(
            f"{codec.name}: a budget of {budget} bytes for a frame of {frame.width} x "
            f"{frame.height} pixels; the smallest that it can make is {smallest} bytes, {extra} "
            "of which say what the file says of the scene",
            budget,
            smallest,
        ) from None


def _require_exact(path: Path, codec: Encoder, frame: Frame, bitstream: bytes) -> None:
    """Refuse a bitstream of palette indices that does not restore each index exactly."""
    from ...ground.decoders import decode as decode_bitstream
    from ...link.errors import InputError

    decoded = decode_bitstream(bitstream, foreign=codec.foreign)
    changed = decoded.frame.pixels != frame.pixels
    if frame.mask is not None:
        changed &= ~frame.mask[..., None]
    if changed.any():
        raise InputError(
            f"{path}: its samples are indices of a palette, which have no levels to lose, and "
            f"{codec.name} changes some; allowed: a codec that loses nothing"
        )
