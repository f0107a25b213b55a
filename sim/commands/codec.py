"""The subcommands of `downpass codec`: encode, decode, shrink, info and compare."""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...link.text import printable
from ..console.streams import complain
from .arguments import add_programs, keep_inputs

if TYPE_CHECKING:
    from ...ground.decoders import Decoded
    from ...link.container.description import Description
    from ...link.container.frame import Frame
    from ...link.container.header import FrameHeader
    from ...link.foreign.codec import ForeignCodec
    from ...payload.encoders.base import Encoder, Setting

_PNG, _TIFF = (".png",), (".tif", ".tiff")
_DEEPEST = 16


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand and those below it."""
    codec = subparsers.add_parser(
        "codec",
        help="encode, decode and compare pictures",
        description="Encode pictures as a satellite would, decode what came down, and compare "
        "codecs by their real bytes.",
    )
    below = codec.add_subparsers(metavar="COMMAND", required=True)
    _add_encode(below)
    _add_decode(below)
    _add_shrink(below)
    _add_info(below)
    _add_compare(below)


def _add_encode(below: argparse._SubParsersAction[Any]) -> None:
    parser = below.add_parser("encode", help="encode a raster", description="Encode a raster.")
    parser.add_argument("input", type=Path, metavar="IN", help="GeoTIFF, JPEG 2000, PNG, …")
    parser.add_argument("output", type=Path, metavar="OUT", help="the bitstream to write")
    parser.add_argument(
        "--codec",
        required=True,
        metavar="NAME",
        help="jpeg2000, jpegxl, jpegls, ccsds121, …, or a YAML file that names programs or graphs",
    )
    _add_rate(parser, _quality_help())
    parser.add_argument(
        "--bands",
        type=int,
        nargs="+",
        metavar="B",
        help="band numbers, from 1; without them all, but for transparency, which is a mask",
    )
    parser.add_argument("--bit-depth", type=int, metavar="N", help="the imager's; default: all")
    _add_tile(parser, 512)
    _add_threads(parser)
    add_programs(parser)
    parser.set_defaults(run=encode)


def _quality_help() -> str:
    from ...payload.encoders.traits import lossless_codecs

    return f"0 to 100; 100 is lossless with {lossless_codecs()}, never with student"


def _add_decode(below: argparse._SubParsersAction[Any]) -> None:
    parser = below.add_parser(
        "decode",
        help="decode a bitstream",
        description="Decode a bitstream to PNG or to a Cloud-Optimized GeoTIFF, by OUT's ending.",
    )
    parser.add_argument("input", type=Path, metavar="IN", help="the bitstream")
    parser.add_argument("output", type=Path, metavar="OUT", help="OUT.png or OUT.tif")
    parser.add_argument(
        "--like", type=Path, metavar="RASTER", help="take the georeferencing from this raster"
    )
    _add_decoder(parser)
    parser.add_argument(
        "--codec",
        metavar="FILE",
        help="YAML file of the codec from outside that has coded the bitstream",
    )
    _add_threads(parser)
    add_programs(parser)
    parser.set_defaults(run=decode)


def _add_decoder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--decoder",
        default="fast",
        metavar="NAME",
        help="the student's decoder network on the ground: fast (default), or full, which is "
        "heavier and better",
    )


def _add_shrink(below: argparse._SubParsersAction[Any]) -> None:
    parser = below.add_parser(
        "shrink",
        help="requantise a student bitstream to a lower rate",
        description="Requantise a bitstream of the student to a lower quality, as a satellite does "
        "with stored frames: from the bitstream alone, without its pixels. A bitstream that is as "
        "small already is copied.",
    )
    parser.add_argument("input", type=Path, metavar="IN", help="the bitstream")
    parser.add_argument("output", type=Path, metavar="OUT", help="the smaller bitstream")
    _add_rate(parser, "0 to 100")
    _add_threads(parser)
    parser.set_defaults(run=shrink)


def _add_rate(parser: argparse.ArgumentParser, quality: str) -> None:
    rate = parser.add_mutually_exclusive_group(required=True)
    rate.add_argument("--quality", type=float, metavar="Q", help=quality)
    rate.add_argument("--bpp", type=float, metavar="X", help="bits a pixel, all bands together")
    rate.add_argument("--bytes", type=int, metavar="N", help="bytes in all, never exceeded")


def _add_info(below: argparse._SubParsersAction[Any]) -> None:
    parser = below.add_parser(
        "info", help="say what a bitstream is", description="Say what a bitstream is."
    )
    parser.add_argument("input", type=Path, metavar="FILE", help="the bitstream")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=info)


def _add_compare(below: argparse._SubParsersAction[Any]) -> None:
    parser = below.add_parser(
        "compare",
        help="compare codecs on pictures",
        description="Rate and distortion of codecs on pictures, in real bytes with the container "
        "included: BD-rate against JPEG 2000 over the quality that it reaches between two rates, "
        "picture by picture, then the mean over all and over each group; and the speed of one "
        "core. Groups follow from a SOURCES.tsv beside the pictures (its column group or sensor), "
        "and from the number of bands.",
    )
    parser.add_argument(
        "images", type=Path, nargs="+", metavar="IMAGE", help="rasters, or folders of them"
    )
    parser.add_argument(
        "--codec",
        action="append",
        required=True,
        dest="codecs",
        metavar="NAME",
        help="once for each codec, or a YAML file that names programs or graphs; jpeg2000 always "
        "takes part",
    )
    parser.add_argument(
        "--rates",
        type=float,
        nargs=2,
        default=(0.1, 1.5),
        metavar=("LOW", "HIGH"),
        help="bits a pixel between which JPEG 2000 sets the range of quality (default 0.1 1.5)",
    )
    parser.add_argument(
        "--crop",
        type=int,
        default=512,
        metavar="N",
        help="code the middle N x N pixels of larger pictures, 0 for all of them (default 512)",
    )
    _add_decoder(parser)
    _add_tile(parser, 0)
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="folder of curves measured before (~/.cache/downpass)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write compare.json and pictures")
    add_programs(parser)
    parser.set_defaults(run=compare)


def _add_tile(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--tile",
        type=int,
        default=default,
        metavar="N",
        help=f"side of a tile in pixels, 0 for one tile a picture (default {default})",
    )


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="tiles at once")


def encode(arguments: argparse.Namespace) -> int:
    """Encode a raster, with its georeferencing and metadata."""
    from ...link.errors import InputError
    from ...payload.encoders.base import Setting
    from ...payload.encoders.traits import TRAITS, lossless_codecs
    from ...payload.imager.scenes import Scene
    from ..scenario.codec_file import is_codec_file
    from .codec_choice import chosen_encoder

    codec_file = Path(arguments.codec) if is_codec_file(arguments.codec) else None
    keep_inputs(arguments.output, [arguments.input, codec_file])
    setting = Setting(arguments.quality, arguments.bpp, arguments.bytes)
    codec = chosen_encoder(arguments.codec, arguments.tile, arguments.threads)
    bands, depth = arguments.bands, arguments.bit_depth
    if depth is not None and not 1 <= depth <= _DEEPEST:
        raise InputError(f"bit depth {depth}: allowed are 1 to {_DEEPEST}")
    with Scene(arguments.input) as scene:
        exact = setting.quality == 100
        frame = scene.read(bands=bands, bit_depth=depth, palette=exact)
        description = scene.describe(None, bands, depth)
        bits, masking = scene.content(bands).bits, scene.alpha
        masking = None if masking in scene.band_numbers(bands) else masking
    bitstream = _coded(codec, frame, setting, description)
    if any(band.colour == "palette" for band in description.bands):
        _require_exact(arguments.input, codec, frame, bitstream)
    _write(arguments.output, bitstream)
    _say(
        f"{arguments.output}: {frame.width} x {frame.height} pixels, {frame.bands} bands of "
        f"{frame.bit_depth} bits in {len(bitstream)} bytes, "
        f"{len(bitstream) * 8 / (frame.width * frame.height):.3f} bpp"
    )
    if setting.quality == 100 and not TRAITS[codec.name].lossless:
        _say(
            f"quality 100 is the finest that {codec.name} has, and "
            f"{'not known to be' if TRAITS[codec.name].foreign else 'not'} lossless; "
            f"lossless codecs are {lossless_codecs()}"
        )
    if frame.bit_depth < bits:
        _say(
            f"{arguments.input}: samples of {bits} bits lose the lowest {bits - frame.bit_depth}; "
            f"the decoded bands' scale is {1 << bits - frame.bit_depth} times as large"
        )
    if masking is not None:
        _say(f"{arguments.input}: band {masking} is transparency; where it is 0 there is no data")
    return 0


def _coded(codec: Encoder, frame: Frame, setting: Setting, description: Description) -> bytes:
    """Return the bitstream with the description in its header, within the setting's budget."""
    from ...link.container import varint
    from ...link.container.bitstream import with_description
    from ...payload.encoders.base import RateError, Setting

    packed = description.pack()
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
    import numpy as np

    from ...ground.decoders import decode as decode_bitstream
    from ...link.errors import InputError

    decoded = decode_bitstream(bitstream, foreign=codec.foreign)
    if not np.array_equal(decoded.frame.pixels, frame.pixels):
        raise InputError(
            f"{path}: its samples are indices of a palette, which have no levels to lose, and "
            f"{codec.name} changes some; allowed: a codec that loses nothing"
        )


def decode(arguments: argparse.Namespace) -> int:
    """Decode a bitstream."""
    from ...ground.decoders import decode as decode_bitstream
    from ...link.errors import InputError

    ending = arguments.output.suffix.lower()
    if ending not in _PNG + _TIFF:
        raise InputError(f"{arguments.output}: ends in {ending!r}; allowed are .png, .tif, .tiff")
    codec = None if arguments.codec is None else Path(arguments.codec)
    keep_inputs(arguments.output, [arguments.input, arguments.like, codec])
    foreign = None if arguments.codec is None else _foreign(arguments.codec)
    data = _read(arguments.input)
    with _naming(arguments.input):
        decoded = decode_bitstream(
            data, arguments.threads, network=arguments.decoder, foreign=foreign
        )
        description = _description(decoded.header)
    if ending in _PNG:
        _write(arguments.output, _png(arguments.output, decoded, description))
    else:
        _write_tiff(arguments.output, decoded, description, arguments.like)
    why = f"; tile {decoded.undecodable[0]}: {decoded.why}" if decoded.why else ""
    for tiles, what, more in (
        (decoded.missing_tiles, "lost and concealed", ""),
        (decoded.undecodable, "whole, but not decodable, and concealed", why),
    ):
        if tiles:
            complain(
                f"{arguments.input}: {len(tiles)} of {decoded.header.tile_count} tiles {what}: "
                f"{', '.join(map(str, tiles))}{more}"
            )
    return 0


def _foreign(text: str) -> ForeignCodec | None:
    """Return the codec from outside in a file.

    Raises:
        InputError: The file has faults, or its programs may not be started.
    """
    from ...link.errors import InputError
    from ..frames.onboard_encoders import foreign_codec, refusal
    from ..scenario.codec_file import load_codec

    choice = load_codec(Path(text))
    if why := refusal(choice):
        raise InputError(f"{text}: {why}")
    return foreign_codec(choice)


def shrink(arguments: argparse.Namespace) -> int:
    """Requantise a bitstream of the student."""
    from ...link.container.bitstream import read_header
    from ...link.errors import InputError
    from ...payload.encoders.base import Setting
    from ...payload.encoders.student.shrink import shrink as shrink_bitstream

    setting = Setting(arguments.quality, arguments.bpp, arguments.bytes)
    if arguments.threads < 1:
        raise InputError(f"threads {arguments.threads}: allowed is at least 1")
    keep_inputs(arguments.output, [arguments.input])
    data = _read(arguments.input)
    with _naming(arguments.input):
        smaller = shrink_bitstream(data, setting, arguments.threads)
    header = read_header(smaller)[0]
    _write(arguments.output, smaller)
    _say(
        f"{arguments.output}: {len(smaller)} of {len(data)} bytes, "
        f"{len(smaller) * 8 / (header.width * header.height):.3f} bpp"
    )
    return 0


def info(arguments: argparse.Namespace) -> int:
    """Print what a bitstream contains, without decoding it."""
    from ...link.container.bitstream import read_header, unpack
    from ...link.container.header import NO_MODEL, VERSION

    data = _read(arguments.input)
    with _naming(arguments.input):
        header, spans = read_header(data)
        container = unpack(data)
        described = _description(header) if header.description else None
    found = {
        "file": str(arguments.input),
        "bytes": len(data),
        "bpp": round(len(data) * 8 / (header.width * header.height), 4),
        "container_bytes": spans[0].offset,
        "version": VERSION,
        "codec": header.codec,
        "parameter": header.parameter,
        "model": None if header.fingerprint == NO_MODEL else header.fingerprint.hex(),
        "width": header.width,
        "height": header.height,
        "bands": header.bands,
        "bit_depth": header.bit_depth,
        "sample_type": header.sample_type,
        "negative": header.negative,
        "nodata": header.nodata,
        "nodata_masks": header.masks,
        "band_groups": header.groups,
        "band_scales": None
        if header.scales is None
        else [{"offset": scale.offset, "scale": scale.scale} for scale in header.scales],
        "tile": header.tile or None,
        "tiles": len(spans),
        "tile_bytes": [span.length for span in spans],
        "damaged_tiles": list(container.damaged),
        "description": None if described is None else _plain(described),
        "description_bytes": len(header.description),
    }
    if arguments.json:
        json.dump(found, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return 0
    for name, value in found.items():
        if name == "tile_bytes":
            sizes = [span.length for span in spans]
            value = f"{min(sizes)} to {max(sizes)}" if len(sizes) > 1 else sizes[0]
        if value is not None and value is not False and value not in ([], 0):
            _say(f"{name.replace('_', ' '):16} {value}")
    return 0


def compare(arguments: argparse.Namespace) -> int:
    """Compare codecs on pictures."""
    from ..frames.content_cache import open_cache
    from ..rate_distortion.compare import compare_codecs, write_out
    from ..rate_distortion.table import print_table
    from .codec_choice import named_encoders

    found = compare_codecs(
        arguments.images,
        named_encoders(arguments.codecs, arguments.tile),
        (arguments.rates[0], arguments.rates[1]),
        arguments.tile,
        arguments.crop,
        open_cache(arguments.cache),
        progress=sys.stderr.isatty() and not arguments.json,
        decoder=arguments.decoder,
    )
    if arguments.out is not None:
        write_out(arguments.out, found)
    if arguments.json:
        json.dump(found, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        print_table(found)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{printable(line)}\n")


def _description(header: FrameHeader) -> Description:
    """Return the description of the scene in the header.

    Raises:
        BitstreamError: The description is damaged.
    """
    from ...link.container.description import Description, DescriptionError
    from ...link.errors import BitstreamError

    try:
        return Description.unpack(header.description, header.bands)
    except DescriptionError as error:
        raise BitstreamError(f"the header's description of the scene: {error}") from None


def _plain(description: Description) -> dict[str, Any]:
    """Return the fields of a description that have a value, for text and for JSON."""
    from dataclasses import asdict

    from ...link.container.description import printable

    found = {name: value for name, value in asdict(description).items() if value}
    return found | ({"crs": printable(description.crs)} if description.crs else {})


def _png(path: Path, decoded: Decoded, description: Description) -> bytes:
    """Return the frame as a PNG that is transparent where it has no data."""
    import imagecodecs
    import numpy as np

    from ...link.errors import InputError

    frame, holes = decoded.frame, decoded.frame.holes()
    if description.palette is not None:
        raise InputError(f"{path}: indices of a palette; allowed is a .tif, which has its colours")
    if holes is not None and holes.shape[2] > 1:
        raise InputError(f"{path}: bands with different nodata; allowed is a .tif")
    most = 4 if holes is None else 3
    if frame.bands not in (1, *range(2 if holes is None else 3, most + 1)) or (
        frame.sample_type == "int16"
    ):
        masked = "" if holes is None else ", and nodata,"
        raise InputError(
            f"{path}: {frame.bands} bands of {frame.sample_type} samples{masked} do not fit a "
            "PNG; allowed are 1 to 4 bands of uint8 or uint16, 1 or 3 with nodata (write a .tif "
            "instead)"
        )
    pixels = frame.pixels
    if holes is not None:
        opaque = np.iinfo(pixels.dtype).max
        alpha = np.where(holes, 0, opaque).astype(pixels.dtype)
        pixels = np.concatenate([pixels, alpha], axis=2)
    pixels = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))


def _write_tiff(path: Path, decoded: Decoded, description: Description, like: Path | None) -> None:
    from dataclasses import replace

    from ...ground.archive import tile_tags, write_cog
    from ...link.errors import InputError
    from ...payload.imager.scenes import Scene

    if like is not None:
        with Scene(like) as scene:
            if (scene.width, scene.height) != (decoded.frame.width, decoded.frame.height):
                raise InputError(
                    f"--like {like}: it has {scene.width} x {scene.height} pixels, the bitstream "
                    f"{decoded.frame.width} x {decoded.frame.height}"
                )
            place = scene.describe()
        description = replace(
            description,
            crs=place.crs,
            transform=place.transform,
            control_points=place.control_points,
            rpc=place.rpc,
            pixel_is_point=place.pixel_is_point,
        )
    write_cog(path, decoded.frame, description, tile_tags(decoded))


def _read(path: Path) -> bytes:
    """Return the bytes of a file or a pipe.

    Raises:
        InputError: It cannot be read, or is a device, whose bytes may never end.
    """
    from ...link.errors import InputError

    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                raise InputError(f"{path}: found a device; allowed: a bitstream's file")
            return file.read()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no name of a file"
        raise InputError(f"{path}: cannot be read ({why})") from None


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Add the file's name to the error if its bytes are refused."""
    from ...link.errors import BitstreamError

    try:
        yield
    except BitstreamError as error:
        raise BitstreamError(f"{path}: {error}") from None


def _write(path: Path, data: bytes) -> None:
    """Write a file, which gets its name only when it is complete."""
    from ...link.files import whole_file

    with whole_file(path) as file:
        file.write(data)
