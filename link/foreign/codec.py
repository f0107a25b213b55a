"""A codec that is not downpass's own, as both ends see it.

    tile ──► encode ──► bytes ──► container, link, losses ──► bytes ──► decode ──► tile

Whatever comes back is checked for size; a failure of `decode` costs its tile and nothing else.
"""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..container.header import NO_MODEL
from ..errors import InputError
from .command import Command
from .limits import ForeignError, Limits
from .program import transform
from .quality_scale import QualityScale

Samples = NDArray[np.integer]
Shape = tuple[int, int, int]
"""Rows, columns and bands of a tile."""
Interleave = Literal["bip", "bil", "bsq"]

MOST_GROWTH: Final = 2
ALLOWANCE: Final = 1 << 16
"""A coded tile may have twice the bytes of its samples, and 64 KiB."""
_ROOM: Final = 16
_FILE_ALLOWANCE: Final = 1 << 24
"""A program may write files of sixteen times the bytes of the samples, and 16 MiB."""

# The axis of each dimension of the file in an array (rows, columns, bands).
_AXES: Final[dict[str, tuple[int, int, int]]] = {
    "bip": (0, 1, 2),
    "bil": (0, 2, 1),
    "bsq": (2, 0, 1),
}


class ForeignCodec(Protocol):
    """Encoder and decoder from outside."""

    @property
    def name(self) -> str:
        """Name of the kind of codec, one of `link.container.header.CODECS`."""
        ...

    @property
    def identity(self) -> str:
        """Digest of everything that encoding depends on."""
        ...

    @property
    def decoder_identity(self) -> str:
        """Digest of everything that decoding depends on."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """What a frame's header says of the decoder that it needs, 8 bytes; zeros for nothing."""
        ...

    @property
    def scale(self) -> QualityScale:
        """Its qualities."""
        ...

    def refusal(self, rows: int, columns: int, bands: int) -> str:
        """Return why tiles of this size cannot be coded; empty if they can be, as far as known."""
        ...

    def encode(self, samples: Samples, bit_depth: int, step: int) -> bytes:
        """Return a coded tile.

        Args:
            samples: Unsigned samples (rows, columns, bands).
            bit_depth: Bits per sample.
            step: Step of the scale of qualities.

        Raises:
            ForeignError: The encoder failed, or its result cannot be used.
        """
        ...

    def decode(self, stream: bytes, shape: Shape, bit_depth: int) -> Samples:
        """Return the unsigned samples (rows, columns, bands) of a coded tile.

        Raises:
            ForeignError: The decoder failed, or its result cannot be used.
        """
        ...

    def close(self) -> None:
        """End what it has started."""
        ...


def most_coded(samples: int, bit_depth: int) -> int:
    """Return the most bytes that a coded tile of so many samples may have."""
    return MOST_GROWTH * samples * sample_bytes(bit_depth) + ALLOWANCE


def sample_bytes(bit_depth: int) -> int:
    """Return the bytes of a sample in a file: 1 up to 8 bits, else 2."""
    return 1 if bit_depth <= 8 else 2


@dataclass(frozen=True, slots=True)
class CommandCodec:
    """Two programs that are run once for each tile.

    Attributes:
        encoder: Turns a file of samples into a file of coded bytes.
        decoder: Turns it back.
        interleave: Order of the samples in files: by pixel, by line or by band.
        scale: The qualities that the encoder knows.
        seconds: Longest time on the clock for a tile.
        memory: Most bytes of address space of each process.
        refused: Why no program may be started; empty if they may be.
    """

    encoder: Command
    decoder: Command
    interleave: Interleave
    scale: QualityScale
    seconds: float
    memory: int
    refused: str = ""

    @property
    def name(self) -> str:
        """The name of all codecs of this kind."""
        return "command"

    @property
    def fingerprint(self) -> bytes:
        """Zeros: the ground may have its program as another file than the satellite."""
        return NO_MODEL

    @property
    def identity(self) -> str:
        """Digest of the encoding program, its arguments, and how it is given samples."""
        scale = f"{self.scale.ends} {self.scale.single}"
        return _digest(self.encoder.digest, self.interleave, scale)

    @property
    def decoder_identity(self) -> str:
        """Digest of the decoding program, its arguments, and how it returns samples."""
        return _digest(self.decoder.digest, self.interleave)

    def refusal(self, rows: int, columns: int, bands: int) -> str:  # noqa: ARG002
        """Return nothing: what a program can do is found out by running it."""
        return ""

    def encode(self, samples: Samples, bit_depth: int, step: int) -> bytes:
        """Return what the encoding program writes for a tile."""
        self._require_leave()
        shape = (samples.shape[0], samples.shape[1], samples.shape[2])
        kind = np.dtype(f"<u{sample_bytes(bit_depth)}")
        ordered = samples.transpose(_AXES[self.interleave])
        data = np.ascontiguousarray(ordered, kind).tobytes()
        values = {**_values(shape, bit_depth), "quality": self.scale.text(step)}
        most = most_coded(samples.size, bit_depth)
        stream = transform(self.encoder, values, data, most, self._limits(len(data)))
        if not stream:
            raise ForeignError(f"{self.encoder.label} wrote an empty output")
        return stream

    def decode(self, stream: bytes, shape: Shape, bit_depth: int) -> Samples:
        """Return the samples that the decoding program writes."""
        self._require_leave()
        axes = _AXES[self.interleave]
        kind = np.dtype(f"<u{sample_bytes(bit_depth)}")
        expected = shape[0] * shape[1] * shape[2] * kind.itemsize
        data = transform(
            self.decoder, _values(shape, bit_depth), stream, expected, self._limits(expected)
        )
        if len(data) != expected:
            raise ForeignError(f"{self.decoder.label} wrote {len(data)} bytes; allowed: {expected}")
        ordered = np.frombuffer(data, kind).reshape([shape[axis] for axis in axes])
        return np.ascontiguousarray(ordered.transpose(np.argsort(axes)))

    def close(self) -> None:
        """Do nothing: no program outlives its tile."""

    def _require_leave(self) -> None:
        if self.refused:
            raise InputError(self.refused)

    def _limits(self, raw_bytes: int) -> Limits:
        cores = os.cpu_count() or 1
        return Limits(
            self.seconds,
            self.memory,
            _ROOM * raw_bytes + _FILE_ALLOWANCE,
            cpu_seconds=math.ceil(self.seconds) * cores + 1,
        )


def _values(shape: Shape, bit_depth: int) -> dict[str, str]:
    return {
        "height": str(shape[0]),
        "width": str(shape[1]),
        "bands": str(shape[2]),
        "bits": str(bit_depth),
        "bytes": str(sample_bytes(bit_depth)),
    }


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
