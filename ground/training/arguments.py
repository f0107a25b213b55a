"""Command-line options of `downpass train`. Importing this module does not import torch."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

OPTIMISERS = ("adam", "soap")
SHIPPED = Path("shipped")
"""`--start` with this word begins from the model in the package."""
MODELS = ("student", "teacher", "decoder")
DECODERS = ("fast", "full")
MOST_PROCESSES = 64
TEACHERS = ("offline", "online", "self")


def add_corpus_arguments(
    parser: argparse.ArgumentParser, *, out: str = "folder of checkpoints and logs"
) -> None:
    """Add the folders that every command of training has: pictures, output and cache.

    Args:
        parser: The parser to add them to.
        out: Help of `--out`.
    """
    add = parser.add_argument
    add("--images", type=Path, required=True, metavar="DIR", help="folder of pictures or shards")
    add("--out", type=Path, required=True, metavar="DIR", help=out)
    add("--cache", type=Path, metavar="DIR", help="folder for decoded pictures (the one of --out)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `downpass train`."""
    add = parser.add_argument
    add("model", choices=MODELS, help="what to train")
    add_corpus_arguments(parser)
    add(
        "--start",
        type=Path,
        metavar="CKPT",
        help="checkpoint or model folder to begin from if --out has none; "
        f"'{SHIPPED}' for the package's model",
    )
    add(
        "--decoder",
        choices=DECODERS,
        help="which decoder to train: with 'decoder' (full), or with a student (that of --start)",
    )
    add(
        "--synthesis",
        type=Path,
        metavar="CKPT",
        help="whose decoder networks to begin from, or a decoder's folder (default: --start)",
    )
    add("--minutes", type=float, default=math.inf, help="stop after this time; run again to resume")
    add(
        "--finish",
        type=float,
        default=math.inf,
        metavar="MINUTES",
        help="bring the rate down over this time, the last quarter in integers, and end",
    )
    add("--steps", type=int, default=40_000, help="length of the schedule (%(default)s)")
    add("--batch", type=int, default=16, help="crops per step (%(default)s)")
    add("--crop", type=int, default=128, help="side of a crop, pixels (%(default)s)")
    add(
        "--augment",
        type=_share,
        default=1.0,
        metavar="SHARE",
        help="how often crops are changed in scale and colour, of the usual (%(default)s)",
    )
    add(
        "--area-power",
        type=_share,
        default=0.6,
        metavar="POWER",
        help="a group gets crops by its pixels to this power: 0 for alike, 1 by area (%(default)s)",
    )
    add(
        "--leave-out",
        type=_names,
        default=(),
        metavar="GROUP,…",
        help="groups of pictures (column group of SOURCES.tsv) not to train on",
    )
    add("--rate", type=float, default=4e-4, help="learning rate (%(default)s)")
    add("--optimiser", choices=OPTIMISERS, default="adam", help="(%(default)s)")
    add(
        "--decay",
        type=float,
        default=0.3,
        help="last share of the steps, over which the rate falls (%(default)s)",
    )
    add(
        "--grids",
        type=float,
        default=0.1,
        help="last share of the steps, in integers (%(default)s)",
    )
    add("--distil", default="", metavar="TERM=WEIGHT,…", help="such as feature=0.1,latents=0.05")
    add(
        "--anneal",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="last share of the steps, over which --distil falls to zero (%(default)s)",
    )
    add("--teach", choices=TEACHERS, default="self", help="which teacher (%(default)s)")
    add("--teacher", type=Path, metavar="CKPT", help="checkpoint of an offline teacher")
    add("--quality", type=float, metavar="0…1", help="train at one quality only (default: all)")
    add("--seed", type=int, default=1, help="seed of all random numbers (%(default)s)")
    add("--evaluate-every", type=int, default=1500, metavar="STEPS", help="(%(default)s)")
    add(
        "--processes",
        type=_process_count,
        default=1,
        metavar="COUNT",
        help="processes that share each step, with --batch crops each (%(default)s)",
    )
    add(
        "--tune-threads",
        action="store_true",
        help="choose the number of threads by measuring steps",
    )
    add("--device", default="", help="such as cpu or cuda (default: cuda if there is one)")


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def _process_count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text}: allowed are 1 to {MOST_PROCESSES}")
    return count


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text}: allowed are 0 to 1")
    return value
