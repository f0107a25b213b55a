"""Command-line options of `downpass train`. Importing this module does not import torch."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

OPTIMISERS = ("adam", "soap")
TEACHERS = ("offline", "online", "self")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is trained, on what, for how long and how."""
    add = parser.add_argument
    add("model", choices=("student", "teacher"), help="what to train")
    add("--images", type=Path, required=True, metavar="DIR", help="folder of pictures or shards")
    add("--out", type=Path, required=True, metavar="DIR", help="folder of checkpoints and logs")
    add("--cache", type=Path, metavar="DIR", help="folder for decoded pictures (the one of --out)")
    add("--start", type=Path, metavar="CKPT", help="checkpoint to begin from, where --out has none")
    add("--minutes", type=float, default=math.inf, help="stop after so long; run again to go on")
    add("--steps", type=int, default=40_000, help="length of the schedule (%(default)s)")
    add("--batch", type=int, default=16, help="pictures a step (%(default)s)")
    add("--crop", type=int, default=128, help="side of a picture, pixels (%(default)s)")
    add("--rate", type=float, default=4e-4, help="learning rate (%(default)s)")
    add("--optimiser", choices=OPTIMISERS, default="adam", help="(%(default)s)")
    add("--decay", type=float, default=0.3, help="last share of the steps, in which it falls")
    add("--grids", type=float, default=0.1, help="last share of the steps, in integers")
    add("--distil", default="", metavar="PART=WEIGHT,…", help="such as feature=0.1,latents=0.05")
    add("--teach", choices=TEACHERS, default="self", help="who teaches (%(default)s)")
    add("--teacher", type=Path, metavar="CKPT", help="checkpoint of an offline teacher")
    add("--quality", type=float, metavar="0…1", help="train at one quality alone (at all)")
    add("--seed", type=int, default=1, help="of everything that is drawn (%(default)s)")
    add("--evaluate-every", type=int, default=1500, metavar="STEPS", help="(%(default)s)")
    add("--tune-threads", action="store_true", help="choose the number of threads by the clock")
    add("--device", default="", help="such as cpu or cuda; the best there is by default")
