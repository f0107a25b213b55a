"""Options that several subcommands of `downpass codec` have."""

from __future__ import annotations

import argparse


def add_rate(parser: argparse.ArgumentParser, quality: str) -> None:
    """Add the options of which one says how strongly to compress."""
    rate = parser.add_mutually_exclusive_group(required=True)
    rate.add_argument("--quality", type=float, metavar="Q", help=quality)
    rate.add_argument("--bpp", type=float, metavar="X", help="bits a pixel, all bands together")
    rate.add_argument("--bytes", type=int, metavar="N", help="bytes in all, never exceeded")


def add_tile(parser: argparse.ArgumentParser, default: int | None) -> None:
    """Add the side of a tile, by default that of the codec's file, or 512, if `default` is None."""
    known = "that of the codec's file, or 512" if default is None else default
    parser.add_argument(
        "--tile",
        type=int,
        default=default,
        metavar="N",
        help=f"side of a tile in pixels, 0 for one tile a picture (default {known})",
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the number of threads."""
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="tiles at once")


def add_decoder(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the student's decoder."""
    parser.add_argument(
        "--decoder",
        default="fast",
        metavar="NAME",
        help="the student's decoder network on the ground: fast (default), or full, which is "
        "heavier and better",
    )
