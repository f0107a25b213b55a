"""Tensors as bytes: what is sent of a graph's outputs.

    tensor stream = count (u8), then for each tensor
        kind    u8      type that the graph gives, a number of TensorProto.DataType
        stored  u8      type that is stored: the same, or int8 or int16 if all values fit
        method  u8      0 as it is, 1 raw deflate (RFC 1951), 2 raw LZMA1 with the settings below
        rank    u8      number of dimensions, at most 8
        dims    varints
        length  varint  bytes of the data
        data            elements in C order, lowest byte first; of types of several bytes, first
                        the lowest byte of all elements, then the next one

The smallest of what the methods make is taken. Nothing is lost: a type of floating point is stored
as integers only if every bit of every value comes back.
"""

from __future__ import annotations

import lzma
import math
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..container import varint
from .onnx_file import KINDS

Tensor = NDArray[Any]

MOST_TENSORS: Final = 16
MOST_DIMENSIONS: Final = 8
_NUMBERS: Final = {kind: number for number, kind in KINDS.items()}
_NARROW: Final = ("int8", "int16")
_PLAIN, _DEFLATE, _LZMA = 0, 1, 2
# Literal contexts of one byte and no position bits suit bytes that are not text.
_LZMA_SETTINGS: Final = [
    {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 1, "lp": 0, "pb": 0, "preset": 6}
]


class TensorStreamError(ValueError):
    """The bytes are no tensor stream, or hold more than is allowed."""


def pack_tensors(tensors: Sequence[Tensor]) -> bytes:
    """Return tensors as bytes.

    Raises:
        ValueError: There are too many, or one has another type or too many dimensions.
    """
    if not 0 < len(tensors) <= MOST_TENSORS:
        raise ValueError(f"{len(tensors)} tensors; allowed: 1 to {MOST_TENSORS}")
    out = bytearray([len(tensors)])
    for tensor in tensors:
        kind = tensor.dtype.newbyteorder("=").name
        if kind not in _NUMBERS or tensor.ndim > MOST_DIMENSIONS:
            raise ValueError(f"a tensor of {kind} with {tensor.ndim} dimensions")
        stored = _narrowed(tensor)
        method, data = _compressed(_planes(stored))
        out += bytes((_NUMBERS[kind], _NUMBERS[stored.dtype.name], method, tensor.ndim))
        for size in tensor.shape:
            out += varint.pack(size)
        out += varint.pack(len(data))
        out += data
    return bytes(out)


def unpack_tensors(stream: bytes, most_elements: int) -> list[Tensor]:
    """Return the tensors of a stream, which is not trusted.

    Args:
        stream: The bytes.
        most_elements: Most elements of all tensors together.

    Raises:
        TensorStreamError: The bytes are no such stream, or hold more elements.
    """
    try:
        return _unpack(stream, most_elements)
    except (IndexError, ValueError, zlib.error, lzma.LZMAError, EOFError) as error:
        raise TensorStreamError(f"no tensor stream: {error}") from None


def _unpack(stream: bytes, most_elements: int) -> list[Tensor]:
    count, at = stream[0], 1
    if not 0 < count <= MOST_TENSORS:
        raise ValueError(f"{count} tensors")
    tensors = []
    for _ in range(count):
        kind, stored, method, rank = stream[at : at + 4]
        at += 4
        if kind not in KINDS or rank > MOST_DIMENSIONS:
            raise ValueError(f"type {kind} with {rank} dimensions")
        if stored != kind and KINDS.get(stored) not in _NARROW:
            raise ValueError(f"type {kind} stored as {stored}")
        shape = []
        for _ in range(rank):
            size, at = varint.unpack(stream, at)
            shape.append(size)
        elements = math.prod(shape)
        most_elements -= elements
        if most_elements < 0:
            raise ValueError("more elements than a tile of this size may have")
        length, at = varint.unpack(stream, at)
        if at + length > len(stream):
            raise ValueError("the bytes end within a tensor")
        form = np.dtype(KINDS[stored])
        data = _decompressed(method, stream[at : at + length], elements * form.itemsize)
        at += length
        tensors.append(_joined(data, form, shape).astype(KINDS[kind], copy=False))
    if at != len(stream):
        raise ValueError("bytes follow the last tensor")
    return tensors


def _narrowed(tensor: Tensor) -> Tensor:
    """Return the tensor as small integers if that loses nothing, else as it is."""
    if not tensor.size or tensor.dtype.itemsize == 1 or not np.isfinite(tensor).all():
        return tensor
    low, high = tensor.min(), tensor.max()
    for kind in _NARROW:
        bounds = np.iinfo(kind)
        if bounds.min <= low and high <= bounds.max and tensor.dtype.itemsize > bounds.bits // 8:
            small = tensor.astype(kind)
            # Bytes are compared, so that −0.0 does not become 0.0.
            if small.astype(tensor.dtype).tobytes() == tensor.tobytes():
                return small
    return tensor


def _planes(tensor: Tensor) -> bytes:
    """Return the lowest bytes of all elements, then the next ones, and so on."""
    little = np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).reshape(-1, tensor.dtype.itemsize).T.tobytes()


def _joined(data: bytes, form: np.dtype[Any], shape: Sequence[int]) -> Tensor:
    planes = np.frombuffer(data, np.uint8).reshape(form.itemsize, -1)
    elements = np.ascontiguousarray(planes.T).reshape(-1).view(form.newbyteorder("<"))
    return elements.reshape(shape).astype(form)


def _compressed(data: bytes) -> tuple[int, bytes]:
    """Return the method that makes the fewest bytes, and those."""
    tries = [(_PLAIN, data)]
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, strategy)
        tries.append((_DEFLATE, deflate.compress(data) + deflate.flush()))
    tries.append((_LZMA, lzma.compress(data, lzma.FORMAT_RAW, filters=_LZMA_SETTINGS)))
    return min(tries, key=lambda found: len(found[1]))


def _decompressed(method: int, data: bytes, size: int) -> bytes:
    """Return exactly `size` bytes; no more are ever made."""
    if method == _PLAIN:
        out = data
    elif method == _DEFLATE:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        out = inflate.decompress(data, size + 1)
    elif method == _LZMA:
        out = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA_SETTINGS).decompress(
            data, size + 1
        )
    else:
        raise ValueError(f"method {method}")
    if len(out) != size:
        raise ValueError(f"{len(out)} bytes of {size}")
    return out
