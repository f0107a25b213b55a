"""Errors for input that downpass cannot use, and their texts in one line."""

from __future__ import annotations


class InputError(Exception):
    """A fault in the user's input; its one line says what was found, what is allowed, and where.

    The command line prints the line unchanged and exits with status 2. Any other exception is a
    fault of downpass and exits with status 1.
    """


class BitstreamError(InputError):
    """The bytes are not a frame that this version of downpass can read."""


def reason(error: BaseException) -> str:
    """Return an error's text in one line; unless it is an `InputError`, its type comes first."""
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"
