"""An ONNX graph in a process of its own, with limits of time and memory.

ONNX Runtime allocates what a graph asks for and runs it to its end; only another process can be
bounded. It is started for the first tile and serves all others. If it dies or takes too long, it
is ended, and the next tile starts another.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..boundedjson import parse_json
from ..errors import InputError
from ..text import printable
from . import processor_time
from .graph_worker import LENGTH
from .limits import ForeignError, Limits, ending, environment, launched, overtime
from .onnx_file import KINDS

Tensor = NDArray[Any]

_MODULE: Final = f"{__package__}.graph_worker"
_LONGEST_HEAD: Final = 1 << 16
_START_S: Final = 60.0
_MESSAGE_BYTES: Final = 4096
_PIECE: Final = 1 << 20


class _OvertimeError(Exception):
    """The process has not answered in time."""


class _EndedError(Exception):
    """The process has closed its end."""


class _GraphError(Exception):
    """The graph failed, and its process can go on."""


class GraphProcess:
    """A process that runs one graph, one tile after the other."""

    def __init__(self, label: str, model: bytes, limits: Limits) -> None:
        """Prepare to run a graph; no process is started yet.

        Args:
            label: What messages call the graph.
            model: Content of the ONNX file.
            limits: What a run may use; the memory is that of the whole process.
        """
        self._label = label
        self._model = model
        self._limits = limits
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: IO[bytes] | None = None
        self._end: weakref.finalize[Any, Any] | None = None
        self._unusable = ""

    def run(self, inputs: Mapping[str, Tensor], most: int) -> list[Tensor]:
        """Return the graph's outputs.

        Args:
            inputs: Its inputs by name.
            most: Most elements of all outputs together.

        Raises:
            ForeignError: The graph failed, took too long, or gave something else than tensors of
                so many elements.
        """
        with self._lock:
            if self._unusable:
                raise ForeignError(self._unusable)
            try:
                if self._process is None:
                    self._start()
                return self._ask(inputs, most)
            except _GraphError as error:
                raise ForeignError(f"{self._label}: {error}") from None
            except _OvertimeError:
                self._stop()
                raise ForeignError(f"{self._label} {overtime(self._limits)}") from None
            except (_EndedError, BrokenPipeError):
                raise ForeignError(self._stop()) from None
            except BaseException:
                self._stop()  # what else it would send belongs to no request
                raise

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _start(self) -> None:
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        command = [sys.executable, "-m", _MODULE]
        # Not tied to this thread, which may end before the last tile: it watches its input.
        self._process = subprocess.Popen(  # noqa: S603  (a module of this package)
            launched(command, self._limits, tied=False),
            cwd="/",
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            start_new_session=True,
        )
        self._end = weakref.finalize(self, _kill, self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101  (both were asked for)
            os.set_blocking(pipe.fileno(), False)
        deadline = time.monotonic() + _START_S + self._limits.seconds
        self._send({"model": len(self._model)}, self._model, deadline)
        head = self._head(deadline)
        if "ready" not in head:
            self._unusable = f"{self._label}: {self._error(head)}"
            raise ForeignError(self._unusable)

    def _ask(self, inputs: Mapping[str, Tensor], most: int) -> list[Tensor]:
        deadline = time.monotonic() + self._limits.seconds
        listed = [[name, one.dtype.name, list(one.shape)] for name, one in inputs.items()]
        body = b"".join(np.ascontiguousarray(one).tobytes() for one in inputs.values())
        self._send({"tensors": listed, "most": most}, body, deadline)
        head = self._head(deadline)
        if "tensors" not in head:
            raise _GraphError(self._error(head))
        seconds = head.get("seconds")
        if isinstance(seconds, float) and 0 <= seconds < 1e6:
            processor_time.add(seconds)
        return self._tensors(head["tensors"], most, deadline)

    def _tensors(self, listed: Any, most: int, deadline: float) -> list[Tensor]:
        found = []
        for entry in listed if isinstance(listed, list) else [None]:
            match entry:
                case [str(), str(kind), list(shape)] if kind in KINDS.values() and all(
                    isinstance(size, int) and size >= 0 for size in shape
                ):
                    most -= math.prod(shape)
                    if most < 0:
                        raise ForeignError(f"{self._label} gave too many elements")
                    form = np.dtype(kind)
                    data = self._receive(math.prod(shape) * form.itemsize, deadline)
                    found.append(np.frombuffer(data, form).reshape(shape))
                case _:
                    raise ForeignError(f"{self._label} gave something else than tensors")
        return found

    def _error(self, head: Mapping[str, Any]) -> str:
        return printable(str(head.get("error", "gave no answer")), 300)

    def _send(self, head: Mapping[str, Any], body: bytes, deadline: float) -> None:
        text = json.dumps(head).encode()
        assert self._process is not None  # noqa: S101  (started before)
        assert self._process.stdin is not None  # noqa: S101
        handle = self._process.stdin.fileno()
        for data in (LENGTH.pack(len(text)) + text, body):
            rest = memoryview(data)
            while rest:
                self._wait(handle, select.POLLOUT, deadline)
                with contextlib.suppress(BlockingIOError):
                    rest = rest[os.write(handle, rest[:_PIECE]) :]

    def _head(self, deadline: float) -> dict[str, Any]:
        (length,) = LENGTH.unpack(self._receive(LENGTH.size, deadline))
        if length > _LONGEST_HEAD:
            raise ForeignError(f"{self._label} gave an answer of {length} bytes")
        text = self._receive(length, deadline).decode("utf-8", "replace")
        try:
            found = parse_json(text, self._label)
        except InputError as error:
            raise ForeignError(f"{self._label} gave no answer ({error})") from None
        if not isinstance(found, dict):
            raise ForeignError(f"{self._label} gave no answer")
        return found

    def _receive(self, size: int, deadline: float) -> bytes:
        assert self._process is not None  # noqa: S101  (started before)
        assert self._process.stdout is not None  # noqa: S101
        handle = self._process.stdout.fileno()
        out = bytearray()
        while len(out) < size:
            self._wait(handle, select.POLLIN, deadline)
            with contextlib.suppress(BlockingIOError):
                piece = os.read(handle, min(_PIECE, size - len(out)))
                if not piece:
                    raise _EndedError
                out += piece
        return bytes(out)

    def _wait(self, handle: int, event: int, deadline: float) -> None:
        left = deadline - time.monotonic()
        poll = select.poll()
        poll.register(handle, event)
        if left <= 0 or not poll.poll(left * 1000):
            raise _OvertimeError

    def _stop(self) -> str:
        """End the process, and return how it had ended if it had."""
        process, messages = self._process, self._messages
        self._process = self._messages = None
        if process is None or messages is None:
            return f"{self._label} ended"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)  # a process that has closed its pipes is about to end
        _kill(process)
        if self._end is not None:
            self._end.detach()
        size = os.fstat(messages.fileno()).st_size
        said = os.pread(messages.fileno(), _MESSAGE_BYTES, max(0, size - _MESSAGE_BYTES))
        messages.close()
        return f"{self._label} {ending(process.returncode, said, self._limits)}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _environment() -> dict[str, str]:
    """Return an environment in which Python finds the same packages as here."""
    found = environment(Path("/nonexistent"))
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH"):
        if name in os.environ:
            found[name] = os.environ[name]
    return found
