"""The error that means that what the user gave cannot be used, and its one special case."""

from __future__ import annotations


class InputError(Exception):
    """A fault in what the user gave: one line, what was found, what is allowed, and where.

    The command line prints it as it stands and exits with status 2. Anything else that is
    raised is a fault of ours and exits with status 1.
    """


class BitstreamError(InputError):
    """The bytes are not a frame that this version of downpass can read."""


def reason(error: BaseException) -> str:
    """Return why something failed, in one line; its kind too where it is not the input's fault."""
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"
