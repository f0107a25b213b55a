"""Load a package's compiled module, which there is if a C compiler was there at installation."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def native_module(package: str, name: str = "_native") -> ModuleType | None:
    """Return a compiled module of a package; None if there was no compiler."""
    try:
        return import_module(f".{name}", package)
    except ImportError:
        return None
