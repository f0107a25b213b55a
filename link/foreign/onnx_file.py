"""Read what an ONNX file says of itself, and refuse what could reach outside it.

ONNX files are protocol buffers (onnx.proto3, IR version 3 and later). This reads their fields
without the package onnx, which only training needs, and looks at three things: names, types and
shapes of inputs and outputs; that every tensor's values are in the file, and not in another one;
and that no tensor claims more elements than its bytes can hold. The graph itself is checked by
ONNX Runtime, in a process with limits (`graph_process`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..errors import InputError
from ..text import printable
from .regular_file import LARGEST_FILE, opened

KINDS: Final = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}
"""Types of tensors that graphs may take and give, by their number in TensorProto.DataType."""

_DEEPEST: Final = 32
_MOST_FIELDS: Final = 4_000_000
_MOST_PORTS: Final = 64
_LONGEST_SHAPE: Final = 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EXTERNAL: Final = 1

# Fields of each message that hold messages, by number; others are skipped.
_INSIDE: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
}


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output of a graph.

    Attributes:
        name: Its name.
        kind: Type of its elements, as numpy calls it.
        shape: Its dimensions, None where any size is allowed; None if the file does not say how
            many there are.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """An ONNX file: its bytes, and what it takes and gives."""

    data: bytes = field(repr=False)
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


class OnnxError(Exception):
    """The bytes are no ONNX file that can be used; the text says why."""


def read_onnx(path: Path) -> OnnxGraph:
    """Read and check an ONNX file.

    Raises:
        InputError: It cannot be read, is too large, is no ONNX file, keeps tensors in other files,
            or has inputs or outputs that cannot be used.
    """
    with opened(path) as file:
        data = file.read(LARGEST_FILE)
    try:
        return parse_onnx(data)
    except OnnxError as error:
        raise InputError(f"{path}: {error}") from None


def parse_onnx(data: bytes) -> OnnxGraph:
    """Check an ONNX file's bytes, and return what it takes and gives.

    Raises:
        OnnxError: They cannot be used.
    """
    walk = _Walk(data)
    walk.visit("model", 0, len(data), 0, top=True)
    if not walk.outputs:
        raise OnnxError("found no ONNX graph with an output; allowed: a model exported to ONNX")
    inputs = tuple(port for port in walk.inputs if port.name not in walk.initialised)
    return OnnxGraph(data, inputs, tuple(walk.outputs))


class _Walk:
    """A walk over the messages of a file, of bounded depth and length."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._left = _MOST_FIELDS
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []
        self.initialised: set[str] = set()

    def visit(self, kind: str, start: int, end: int, depth: int, top: bool = False) -> None:
        """Check a message and those within it; `top` marks the model and its own graph."""
        if depth > _DEEPEST:
            raise OnnxError(f"found graphs nested more than {_DEEPEST} deep")
        inside = _INSIDE[kind]
        for number, wire, at, after in self._fields(start, end):
            what = inside.get(number)
            if what is None or wire != _BYTES:
                continue
            if what == "tensor":
                name = self._check_tensor(at, after)
                if kind == "graph" and top:
                    self.initialised.add(name)
            elif what == "value":
                if top:
                    self._add_port(self.inputs if number == 11 else self.outputs, at, after)
            else:
                own = top and kind == "model" and what == "graph"
                self.visit(what, at, after, depth + 1, own)

    def _check_tensor(self, start: int, end: int) -> str:
        """Refuse a tensor whose values are elsewhere, or too few; return its name."""
        name, elements = "", 1
        for number, wire, at, after in self._fields(start, end):
            if number == 13 or (number == 14 and self._varint(at)[0] == _EXTERNAL):
                raise OnnxError(
                    "found a tensor whose values are in another file; allowed: all in this one "
                    "(onnx.save without external data)"
                )
            if number == 8 and wire == _BYTES:
                name = self._text(at, after)
            elif number == 1:
                for size in self._numbers(wire, at, after):
                    elements *= max(1, size)
        # No type needs fewer than four bits for an element.
        if elements > 2 * (end - start):
            raise OnnxError(
                f"found a tensor of {elements:.3g} elements in {end - start} bytes; "
                "allowed: all values in the file"
            )
        return name

    def _add_port(self, ports: list[Port], start: int, end: int) -> None:
        if len(ports) >= _MOST_PORTS:
            raise OnnxError(f"found more than {_MOST_PORTS} inputs or outputs")
        name, kind, shape = "", 0, None
        for number, wire, at, after in self._fields(start, end):
            if number == 1 and wire == _BYTES:
                name = self._text(at, after)
            elif number == 2 and wire == _BYTES:
                for inner, form, there, stop in self._fields(at, after):
                    if inner == 1 and form == _BYTES:  # TypeProto.tensor_type
                        kind, shape = self._tensor_type(there, stop)
        if kind not in KINDS or len(shape or ()) > _LONGEST_SHAPE:
            raise OnnxError(
                f"found {printable(name, 60) or 'an input'} of another type; allowed: tensors of "
                f"{', '.join(KINDS.values())} with up to {_LONGEST_SHAPE} dimensions"
            )
        ports.append(Port(name, KINDS[kind], None if shape is None else tuple(shape)))

    def _tensor_type(self, start: int, end: int) -> tuple[int, list[int | None] | None]:
        kind, shape = 0, None
        for number, wire, at, after in self._fields(start, end):
            if number == 1 and wire == _VARINT:
                kind = self._varint(at)[0]
            elif number == 2 and wire == _BYTES:
                shape = [] if shape is None else shape
                for inner, form, there, stop in self._fields(at, after):
                    if inner == 1 and form == _BYTES:
                        sizes = [
                            self._varint(a)[0]
                            for n, f, a, _ in self._fields(there, stop)
                            if n == 1 and f == _VARINT
                        ]
                        shape.append(sizes[-1] if sizes and sizes[-1] > 0 else None)
        return kind, shape

    def _fields(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield number, wire type, start and end of the value of each field of a message."""
        at = start
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise OnnxError(f"found more than {_MOST_FIELDS} fields")
            tag, at = self._varint(at)
            number, wire = tag >> 3, tag & 7
            if wire == _VARINT:
                after = self._varint(at)[1]
            elif wire == _FIXED64:
                after = at + 8
            elif wire == _FIXED32:
                after = at + 4
            elif wire == _BYTES:
                length, at = self._varint(at)
                after = at + length
            else:
                raise OnnxError("found no ONNX file; allowed: a model exported to ONNX")
            if after > end:
                raise OnnxError("found an ONNX file that ends too early, or another file")
            yield number, wire, at, after
            at = after

    def _varint(self, at: int) -> tuple[int, int]:
        value = shift = 0
        while shift < 70:
            if at >= len(self._data):
                raise OnnxError("found an ONNX file that ends too early, or another file")
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
            shift += 7
        raise OnnxError("found no ONNX file; allowed: a model exported to ONNX")

    def _numbers(self, wire: int, at: int, after: int) -> Iterator[int]:
        """Yield the values of a repeated number, packed or not."""
        if wire == _VARINT:
            yield self._varint(at)[0]
            return
        while wire == _BYTES and at < after:
            self._left -= 1
            if self._left < 0:
                raise OnnxError(f"found more than {_MOST_FIELDS} fields")
            value, at = self._varint(at)
            yield value

    def _text(self, start: int, end: int) -> str:
        return bytes(self._data[start : min(end, start + 1000)]).decode("utf-8", "replace")
