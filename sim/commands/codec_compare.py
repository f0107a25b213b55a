"""`downpass codec compare`: compare codecs on pictures."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from .arguments import add_programs
from .codec_options import add_decoder, add_tile


def add_compare(below: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
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
    add_decoder(parser)
    add_tile(parser, 0)
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


def compare(arguments: argparse.Namespace) -> int:
    """Compare codecs on pictures."""
    from ..frames.content_cache import open_cache
    from ..rate_distortion.compare import compare_codecs, pictures
    from ..rate_distortion.outputs import check_out, write_out
    from ..rate_distortion.table import print_table
    from .codec_choice import named_encoders

    codecs = named_encoders(arguments.codecs, arguments.tile)
    if arguments.out is not None:
        check_out(arguments.out, pictures(arguments.images))
    found = compare_codecs(
        arguments.images,
        codecs,
        (arguments.rates[0], arguments.rates[1]),
        arguments.tile,
        arguments.crop,
        open_cache(arguments.cache),
        progress=sys.stderr.isatty() and not arguments.json,
        decoder=arguments.decoder,
    )
    if arguments.json:
        json.dump(found, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        print_table(found)
    if arguments.out is not None:
        write_out(arguments.out, found)
    return 0
