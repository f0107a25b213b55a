"""A codec of two ONNX graphs: one makes tensors of a tile, the other makes a tile of tensors.

    samples ──► tile tensor ──► encoder graph ──► tensors ──► tensor stream ──► bytes
                     quality ──────┘                          (tensor_stream)
    bytes ──► tensor stream ──► tensors ──► decoder graph ──► tile tensor ──► samples

If the decoder has an input `quality`, four bytes with the quality (float32, lowest byte first)
precede the tensor stream.
"""

from __future__ import annotations

import hashlib
import math
import struct
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..container.header import NO_MODEL
from ..errors import InputError
from ..inference import VERSION
from ..text import printable
from .codec import Samples, Shape
from .graph_process import GraphProcess
from .limits import ForeignError, Limits
from .onnx_file import OnnxGraph, Port, read_onnx
from .quality_scale import QualityScale
from .tensor_stream import MOST_TENSORS, TensorStreamError, pack_tensors, unpack_tensors

Layout = Literal["nchw", "nhwc"]
Tensor = NDArray[Any]

QUALITY: Final = "quality"
_TILE_KINDS: Final = ("uint8", "uint16", "int32", "float32", "float16")
_AXES: Final[dict[str, tuple[int, int, int]]] = {"nchw": (2, 3, 1), "nhwc": (1, 2, 3)}
"""Axes of rows, columns and bands in a tile tensor."""
_QUALITY_FORM: Final = struct.Struct("<f")
_MOST_GROWTH: Final = 16
_ALLOWANCE: Final = 1 << 16
_WORKER_FILES: Final = 1 << 20


class OnnxCodec:
    """Encoder and decoder graphs, each in a process of its own.

    Attributes:
        scale: The qualities that the encoder knows; a single one if it has no input `quality`.
    """

    name: Final = "onnx"

    def __init__(
        self,
        encoder: Path,
        decoder: Path,
        *,
        layout: Layout = "nchw",
        multiple: int = 1,
        scale: QualityScale | None = None,
        seconds: float = 60.0,
        memory: int = 4 << 30,
    ) -> None:
        """Read and check both files; no graph is run yet.

        Args:
            encoder: File of the encoder.
            decoder: File of the decoder.
            layout: Order of the axes of tile tensors.
            multiple: Number of which rows and columns of tile tensors are multiples, where the
                graph has no fixed size.
            scale: The qualities of an encoder with an input `quality`.
            seconds: Longest time for a tile.
            memory: Most bytes of address space of each process.

        Raises:
            InputError: A file cannot be read or used (see `onnx_file.read_onnx`), or it takes whole
                qualities, and the scale has others.
        """
        graphs = read_onnx(encoder), read_onnx(decoder)
        self._encoder = _Tiles(encoder, graphs[0].inputs, layout, "input")
        self._decoder = _Tiles(decoder, graphs[1].outputs, layout, "output")
        self._axes = _AXES[layout]
        self._multiple = multiple
        self._latents = _matched(encoder, decoder, graphs[0], graphs[1])
        self._encoder_quality = _quality_of(encoder, graphs[0])
        self._decoder_quality = _quality_of(decoder, graphs[1])
        single = self._encoder_quality is None
        self.scale = QualityScale(None if scale is None or single else scale.ends, single)
        for path, port in ((encoder, self._encoder_quality), (decoder, self._decoder_quality)):
            if port is not None and np.dtype(port.kind).kind != "f" and self.scale.has_fractions:
                raise InputError(
                    f"{path}: found quality of {port.kind}, and qualities from 0.00 to 1.00; "
                    "allowed: with qualities in whole numbers, such as qualities: [1, 100]"
                )
        limits = Limits(seconds, memory, _WORKER_FILES)
        self._encode = GraphProcess(encoder.name, graphs[0].data, limits)
        self._decode = GraphProcess(decoder.name, graphs[1].data, limits)
        digests = [hashlib.sha256(graph.data).hexdigest() for graph in graphs]
        shape = f"{layout} {multiple} {VERSION}"
        self.identity = _digest(digests[0], shape, str(self.scale), str(single))
        self.decoder_identity = _digest(digests[1], shape)
        self.fingerprint = bytes.fromhex(digests[1])[: len(NO_MODEL)]

    def refusal(self, rows: int, columns: int, bands: int) -> str:
        """Return why tiles of this size do not fit the graphs; empty if they do."""
        return self._encoder.misfit(rows, columns, bands) or self._decoder.misfit(
            rows, columns, bands
        )

    def encode(self, samples: Samples, bit_depth: int, step: int) -> bytes:
        """Return the tensors that the encoder makes of a tile, as bytes."""
        shape = (samples.shape[0], samples.shape[1], samples.shape[2])
        padded = self._encoder.padded(shape[0], shape[1], self._multiple)
        tile = self._encoder.tensor(samples, padded, bit_depth)
        quality = float(self.scale.value(step))
        inputs = {self._encoder.port.name: tile}
        if self._encoder_quality is not None:
            inputs[QUALITY] = _scalar(self._encoder_quality, quality)
        found = self._encode.run(inputs, self._most_elements(shape))
        try:
            stream = pack_tensors(found)
        except ValueError as error:
            raise ForeignError(f"{self._encoder.label} gave {error}") from None
        return stream if self._decoder_quality is None else _QUALITY_FORM.pack(quality) + stream

    def decode(self, stream: bytes, shape: Shape, bit_depth: int) -> Samples:
        """Return the tile that the decoder makes of the tensors in these bytes."""
        inputs: dict[str, Tensor] = {}
        if self._decoder_quality is not None:
            if len(stream) < _QUALITY_FORM.size:
                raise ForeignError("the bytes end within the quality")
            (quality,) = _QUALITY_FORM.unpack_from(stream)
            if not math.isfinite(quality):
                raise ForeignError(f"found the quality {quality}; allowed: a finite number")
            inputs[QUALITY] = _scalar(self._decoder_quality, quality)
            stream = stream[_QUALITY_FORM.size :]
        try:
            tensors = unpack_tensors(stream, self._most_elements(shape))
        except TensorStreamError as error:
            raise ForeignError(str(error)) from None
        if len(tensors) != len(self._latents):
            raise ForeignError(f"found {len(tensors)} tensors; allowed: {len(self._latents)}")
        for port, tensor in zip(self._latents, tensors, strict=True):
            if tensor.dtype.name != port.kind:
                raise ForeignError(f"found a tensor of {tensor.dtype}; allowed: {port.kind}")
            inputs[port.name] = tensor
        found = self._decode.run(inputs, self._most_elements(shape))
        return self._decoder.samples(found[0], shape, bit_depth)

    def close(self) -> None:
        """End both processes."""
        self._encode.close()
        self._decode.close()

    def _most_elements(self, shape: Shape) -> int:
        """Return the most elements that a graph may give for a tile."""
        rows, columns = self._encoder.padded(shape[0], shape[1], self._multiple)
        return _MOST_GROWTH * rows * columns * shape[2] + _ALLOWANCE


class _Tiles:
    """The tile tensor of a graph: its type, its layout, and how it is made of samples."""

    def __init__(self, path: Path, ports: tuple[Port, ...], layout: str, what: str) -> None:
        wanted = [port for port in ports if port.name != QUALITY]
        if what == "output":
            wanted = wanted[:1] if len(wanted) == 1 else []
        self.label = path.name
        if len(wanted) != 1:
            raise InputError(
                f"{path}: found {len(ports)} {what}s; allowed: one for the tile"
                + (" and one called quality" if what == "input" else "")
            )
        self.port = wanted[0]
        shape = self.port.shape or ()
        if self.port.kind not in _TILE_KINDS or len(shape) != 4:
            raise InputError(
                f"{path}: found {what} {printable(self.port.name, 60)} of {self.port.kind} with "
                f"{len(shape) or 'unknown'} dimensions; allowed: {', '.join(_TILE_KINDS)} with 4 "
                f"({layout})"
            )
        if shape[0] not in (1, None):
            raise InputError(f"{path}: found batches of {shape[0]} tiles; allowed: 1")
        self._layout = _AXES[layout]
        self.rows, self.columns, self.bands = (shape[axis] for axis in self._layout)

    def misfit(self, rows: int, columns: int, bands: int) -> str:
        """Return why a tile does not fit; empty if it does."""
        if self.bands not in (bands, None):
            return f"{self.label} takes {self.bands} bands, and frames have {bands}"
        for side, most in ((rows, self.rows), (columns, self.columns)):
            if most is not None and side > most:
                return f"{self.label} takes tiles of up to {most} pixels, and tiles have {side}"
        return ""

    def padded(self, rows: int, columns: int, multiple: int) -> tuple[int, int]:
        """Return rows and columns of the tile tensor for a tile."""
        return (
            self.rows or -(-rows // multiple) * multiple,
            self.columns or -(-columns // multiple) * multiple,
        )

    def tensor(self, samples: Samples, size: tuple[int, int], bit_depth: int) -> Tensor:
        """Return the tensor of a tile: the last row and column are repeated to its size."""
        rows, columns = size[0] - samples.shape[0], size[1] - samples.shape[1]
        if rows < 0 or columns < 0 or self.bands not in (samples.shape[2], None):
            raise ForeignError(self.misfit(*samples.shape) or f"{self.label}: no such tile")
        tile = np.pad(samples, ((0, rows), (0, columns), (0, 0)), "edge")[None]
        if self._layout == _AXES["nchw"]:
            tile = tile.transpose(0, 3, 1, 2)
        kind = np.dtype(self.port.kind)
        if kind.kind == "f":
            return (tile / np.float32((1 << bit_depth) - 1)).astype(kind)
        if kind == np.uint8 and bit_depth > 8:
            raise ForeignError(f"{self.label} takes uint8, and samples have {bit_depth} bits")
        return tile.astype(kind)

    def samples(self, found: Tensor, shape: Shape, bit_depth: int) -> Samples:
        """Return the samples of a decoded tile tensor."""
        if found.dtype.name != self.port.kind or found.ndim != 4 or found.shape[0] != 1:
            raise ForeignError(f"{self.label} gave {found.dtype} of shape {found.shape}")
        tile = found[0].transpose(1, 2, 0) if self._layout == _AXES["nchw"] else found[0]
        if tile.shape[0] < shape[0] or tile.shape[1] < shape[1] or tile.shape[2] != shape[2]:
            raise ForeignError(f"{self.label} gave a tile of {tile.shape}; allowed: {shape}")
        tile = tile[: shape[0], : shape[1]]
        most = (1 << bit_depth) - 1
        if tile.dtype.kind == "f":
            if not np.isfinite(tile).all():
                raise ForeignError(f"{self.label} gave samples that are not finite")
            tile = np.rint(tile.astype(np.float64) * most)
        kind: type[np.integer] = np.uint8 if bit_depth <= 8 else np.uint16
        samples: Samples = np.clip(tile, 0, most).astype(kind)
        return samples


def _matched(encoder: Path, decoder: Path, first: OnnxGraph, second: OnnxGraph) -> tuple[Port, ...]:
    """Return the decoder's inputs in the order of the encoder's outputs.

    Raises:
        InputError: Their numbers or types differ.
    """
    inputs = [port for port in second.inputs if port.name != QUALITY]
    given = first.outputs
    if len(given) > MOST_TENSORS:
        raise InputError(f"{encoder}: found {len(given)} outputs; allowed: up to {MOST_TENSORS}")
    by_name = {port.name: port for port in inputs}
    if all(port.name in by_name for port in given):
        inputs = [by_name[port.name] for port in given] + [
            port for port in inputs if port.name not in {one.name for one in given}
        ]
    if [port.kind for port in inputs] != [port.kind for port in given]:
        raise InputError(
            f"{decoder}: found inputs of {_kinds(inputs)}; allowed: what {encoder.name} gives, "
            f"{_kinds(given)}, and one called quality"
        )
    return tuple(inputs)


def _kinds(ports: tuple[Port, ...] | list[Port]) -> str:
    return ", ".join(f"{printable(port.name, 60)} {port.kind}" for port in ports) or "none"


def _quality_of(path: Path, graph: OnnxGraph) -> Port | None:
    """Return a graph's input `quality`, if it has one.

    Raises:
        InputError: It is no single number.
    """
    port = next((port for port in graph.inputs if port.name == QUALITY), None)
    if port is not None and any(size not in (1, None) for size in port.shape or ()):
        raise InputError(f"{path}: found quality of shape {port.shape}; allowed: one number")
    return port


def _scalar(port: Port, value: float) -> Tensor:
    kind = np.dtype(port.kind)
    number = value if kind.kind == "f" else round(value)
    if kind.kind != "f" and not np.iinfo(kind).min <= number <= np.iinfo(kind).max:
        raise ForeignError(f"quality {number} does not fit {kind}")
    return np.full([1] * len(port.shape or ()), number, kind)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
