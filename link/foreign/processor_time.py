"""Processor time of this process and of the programs and graphs that it had run."""

from __future__ import annotations

import time
from threading import Lock

_lock = Lock()
_spent = 0.0


def add(seconds: float) -> None:
    """Add the processor time of a program that has ended."""
    global _spent
    with _lock:
        _spent += seconds


def processor_time() -> float:
    """Return seconds of processor time used so far, foreign programs included."""
    return time.process_time() + _spent
