"""ONNX Runtime as both ends of the link use it: one processor, no surprises."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import onnxruntime


@cache
def session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """Return a network ready to run; the same numbers come out at any number of threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    # Threads that wait by spinning take the processor from whatever else the board does.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
