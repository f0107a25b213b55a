"""Run one ONNX graph for another process: `python -m downpass.link.foreign.graph_worker`.

Messages go both ways over standard input and output: a length (u32), that many bytes of JSON, and
then the bytes of the tensors that the JSON lists as [name, type, shape].

    → {"model": bytes}, then the ONNX file     ← {"ready": version}
    → {"tensors": […], "most": elements}       ← {"tensors": […], "seconds": …}
                                               ← {"error": text} in place of either

The process has limits of memory (`launcher`). It ends when its input does, even during a run.
"""

from __future__ import annotations

import json
import math
import os
import queue
import struct
import sys
import threading
import time
from typing import IO, Any, Final

import numpy as np

from ..errors import InputError
from ..inference import VERSION, open_session

LENGTH: Final = struct.Struct("<I")
_Message = tuple[dict[str, Any], bytes]


def main() -> None:
    """Answer requests until the input ends."""
    source = sys.stdin.buffer
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    requests: queue.SimpleQueue[_Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, requests), daemon=True).start()
    _, model = requests.get()
    try:
        session = open_session(model, 1)
    except Exception as error:  # ONNX Runtime raises what it likes
        _answer(target, {"error": _text(error)})
        return
    _answer(target, {"ready": VERSION})
    del model
    while True:
        head, body = requests.get()
        try:
            start = time.process_time()
            found = session.run(None, _tensors(head["tensors"], body))
            if sum(np.size(tensor) for tensor in found) > head["most"]:
                raise InputError(f"gave more than {head['most']} elements")
            found = [np.ascontiguousarray(tensor) for tensor in found]
            listed = [["", tensor.dtype.name, list(tensor.shape)] for tensor in found]
            seconds = time.process_time() - start
            reply = {"tensors": listed, "seconds": seconds}
            _answer(target, reply, b"".join(tensor.tobytes() for tensor in found))
        except Exception as error:
            _answer(target, {"error": _text(error)})


def _listen(source: IO[bytes], requests: queue.SimpleQueue[_Message]) -> None:
    """Read requests; end the process when there are no more, whatever it is doing."""
    try:
        while True:
            (length,) = LENGTH.unpack(_exactly(source, LENGTH.size))
            head = json.loads(_exactly(source, length))
            size = head.get("model", 0) or sum(
                math.prod(shape) * np.dtype(kind).itemsize
                for _, kind, shape in head.get("tensors", ())
            )
            requests.put((head, _exactly(source, size)))
    finally:
        os._exit(0)


def _exactly(source: IO[bytes], size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _tensors(listed: list[list[Any]], body: bytes) -> dict[str, Any]:
    found, at = {}, 0
    for name, kind, shape in listed:
        size = math.prod(shape) * np.dtype(kind).itemsize
        found[name] = np.frombuffer(body[at : at + size], kind).reshape(shape)
        at += size
    return found


def _answer(target: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    text = json.dumps(head).encode()
    target.write(LENGTH.pack(len(text)) + text + body)
    target.flush()


def _text(error: Exception) -> str:
    return " ".join(str(error).split())[:500] or type(error).__name__


if __name__ == "__main__":
    main()
