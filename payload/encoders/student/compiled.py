"""The inner loops in C (native/), compiled when the package is installed beside a C compiler."""

from __future__ import annotations

from types import ModuleType
from typing import Final


def _found() -> ModuleType | None:
    try:
        from . import _native
    except ImportError:
        return None
    return _native


NATIVE: Final = _found()
"""The compiled module; None where there was no compiler, and numpy does the same."""
