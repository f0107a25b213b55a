"""Open ONNX Runtime networks for both ends of the link: on the CPU and without telemetry.

A board may do without the library, if its networks are compiled (`payload.encoders.student`).

This is the only module that imports onnxruntime; `tests/test_dependencies.py` checks that. From
version 1.29 on, the library writes a device identifier into the user's cache folder and sends
events to its maker unless ORT_DISABLE_TELEMETRY is set before the library is loaded (Privacy.md in
its package). downpass makes no network connection, so it overrides the variable's value.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any, Final

from .errors import InputError

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

try:
    import onnxruntime
except ImportError:
    onnxruntime = None
else:
    # If a program that uses downpass has already loaded the library, the variable comes too late.
    # This call then stops further events.
    onnxruntime.disable_telemetry_events()

INSTALLED: Final = onnxruntime is not None
"""Whether there is ONNX Runtime; without it no network can be opened here."""
VERSION: Final = f"onnxruntime {onnxruntime.__version__}" if INSTALLED else "no onnxruntime"


@cache
def session(path: Path, threads: int) -> Any:
    """Return a network ready to run; its results do not depend on the number of threads.

    Raises:
        InputError: ONNX Runtime is not installed.
    """
    return open_session(path, threads)


def open_session(model: Path | bytes, threads: int = 1) -> Any:
    """Return a network ready to run, from a file or from its bytes; it is not cached.

    Raises:
        InputError: ONNX Runtime is not installed.
    """
    if not INSTALLED:
        raise InputError("ONNX Runtime is not installed: pip install onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    # Threads that wait by spinning would take processor time from the board's other work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
