"""The subcommand `downpass train`: train the learned codec."""

from __future__ import annotations

import argparse
from typing import Any

from ...ground.training.arguments import add_arguments
from ...link.errors import InputError


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "train",
        help="train the learned codec",
        description="Train the student encoder with its decoder, or a teacher. A run that was "
        "stopped, or killed, goes on from its last checkpoint when it is started again.",
    )
    add_arguments(parser)
    parser.set_defaults(run=train)


def train(arguments: argparse.Namespace) -> int:
    """Train until the steps or the minutes are used up."""
    try:
        from ...ground.training.loop.train import train as begin
    except ModuleNotFoundError as error:
        if error.name not in {"torch", "onnx", "onnxruntime"}:
            raise
        raise InputError(f"training needs {error.name}: pip install 'downpass[train]'") from None
    begin(arguments)
    return 0
