"""The command `downpass codec`, and its subcommands that read bitstreams: decode, shrink, info."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..console.streams import complain
from .arguments import add_programs, keep_inputs
from .bitstream_files import naming, read_bitstream, say, write_bitstream
from .codec_compare import add_compare
from .codec_encode import add_encode
from .codec_options import add_decoder, add_rate, add_threads

if TYPE_CHECKING:
    from ...link.container.description import Description
    from ...link.container.header import FrameHeader
    from ...link.foreign.codec import ForeignCodec

_MOST_LISTED: Final = 100
"""Most tiles that are listed by number; the tags of a GeoTIFF list all."""


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand and those below it."""
    codec = subparsers.add_parser(
        "codec",
        help="encode, decode and compare pictures",
        description="Encode pictures as a satellite would, decode what came down, and compare "
        "codecs by their real bytes.",
    )
    below = codec.add_subparsers(metavar="COMMAND", required=True)
    add_encode(below)
    _add_decode(below)
    _add_shrink(below)
    _add_info(below)
    add_compare(below)


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
    add_decoder(parser)
    parser.add_argument(
        "--codec",
        metavar="FILE",
        help="YAML file of the codec from outside that has coded the bitstream",
    )
    add_threads(parser)
    add_programs(parser)
    parser.set_defaults(run=decode)


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
    add_rate(parser, "0 to 100")
    add_threads(parser)
    parser.set_defaults(run=shrink)


def _add_info(below: argparse._SubParsersAction[Any]) -> None:
    parser = below.add_parser(
        "info", help="say what a bitstream is", description="Say what a bitstream is."
    )
    parser.add_argument("input", type=Path, metavar="FILE", help="the bitstream")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=info)


def decode(arguments: argparse.Namespace) -> int:
    """Decode a bitstream."""
    from ...ground.decoders import decode as decode_bitstream
    from .decoded_picture import check_ending, write_picture

    check_ending(arguments.output, arguments.like)
    codec = None if arguments.codec is None else Path(arguments.codec)
    keep_inputs(arguments.output, [arguments.input, arguments.like, codec])
    foreign = None if arguments.codec is None else _foreign(arguments.codec)
    data = read_bitstream(arguments.input)
    with naming(arguments.input):
        decoded = decode_bitstream(
            data, arguments.threads, network=arguments.decoder, foreign=foreign
        )
        description = _description_of(decoded.header)
    write_picture(arguments.output, decoded, description, arguments.like)
    why = f"; tile {decoded.undecodable[0]}: {decoded.why}" if decoded.why else ""
    for tiles, what, more in (
        (decoded.missing_tiles, "lost and concealed", ""),
        (decoded.undecodable, "whole, but not decodable, and concealed", why),
    ):
        if tiles:
            complain(
                f"{arguments.input}: {len(tiles)} of {decoded.header.tile_count} tiles {what}: "
                f"{_listed(tiles)}{more}"
            )
    return 0


def _listed(tiles: Sequence[int]) -> str:
    """Return the numbers of tiles; of many, the first ones."""
    left = len(tiles) - _MOST_LISTED
    more = f" and {left} more" if left > 0 else ""
    return ", ".join(map(str, tiles[:_MOST_LISTED])) + more


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

    keep_inputs(arguments.output, [arguments.input])
    setting = Setting(arguments.quality, arguments.bpp, arguments.bytes)
    if arguments.threads < 1:
        raise InputError(f"threads {arguments.threads}: allowed is at least 1")
    data = read_bitstream(arguments.input)
    with naming(arguments.input):
        smaller = shrink_bitstream(data, setting, arguments.threads)
    header = read_header(smaller)[0]
    write_bitstream(arguments.output, smaller)
    say(
        f"{arguments.output}: {len(smaller)} of {len(data)} bytes, "
        f"{len(smaller) * 8 / (header.width * header.height):.3f} bpp"
    )
    return 0


def info(arguments: argparse.Namespace) -> int:
    """Print what a bitstream contains, without decoding it."""
    from ...link.container.bitstream import read_header, unpack
    from ...link.container.header import NO_MODEL, VERSION

    data = read_bitstream(arguments.input)
    with naming(arguments.input):
        header, spans = read_header(data)
        container = unpack(data)
        described = _description_of(header) if header.description else None
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
        if value not in (None, False, []) or (name == "nodata" and value is not None):
            say(f"{name.replace('_', ' '):16} {value}")
    return 0


def _description_of(header: FrameHeader) -> Description:
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
