"""`python -m downpass.payload.board serve`: runs the agent where only payload and link exist."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ...link.errors import InputError
from .serve import add_serve

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m downpass.payload.board")
    add_serve(parser.add_subparsers(metavar="COMMAND", required=True))
    parsed = parser.parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    except KeyboardInterrupt:
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
