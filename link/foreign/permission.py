"""Whether this process may start the programs that a file from outside names.

A scenario may come from somebody else, and a codec `command` names programs in it. None is started
unless the user of this process has permitted it. The processes that it starts inherit the
permission; those on other machines, such as the workers of a cluster, need it from whoever starts
them there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

ALLOW: Final = "DOWNPASS_ALLOW_PROGRAMS"
OPTION: Final = "--allow-programs"


@contextmanager
def permission(given: bool) -> Iterator[None]:
    """Let this process, and those that it starts, start programs within the `with` block.

    Args:
        given: Whether the user permits it; otherwise nothing changes.
    """
    before = os.environ.get(ALLOW)
    if given:
        os.environ[ALLOW] = "1"
    try:
        yield
    finally:
        if given and before is None:
            del os.environ[ALLOW]
        elif given and before is not None:
            os.environ[ALLOW] = before


def programs_allowed() -> bool:
    """Return whether this process may start programs that files name."""
    return os.environ.get(ALLOW) == "1"
