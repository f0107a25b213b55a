"""Choose how a command reports its progress: bars in a terminal, otherwise nothing."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..console.progress import Progress


@contextlib.contextmanager
def shown_progress(arguments: argparse.Namespace) -> Iterator[Progress]:
    """Give the progress of a command with the options `--quiet` and `--json`."""
    from ..console.progress import Silent

    if arguments.quiet or arguments.json or not sys.stderr.isatty():
        yield Silent()
        return
    from .bars import Bars

    with Bars() as bars:
        yield bars
