"""Test tiles for the student in C, and the codestreams that the Python encoder writes."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from downpass.link.student.codestream import AnalysedTile, encode_tile
from downpass.link.student.frame_layout import BLOCK
from downpass.link.student.rotation import IDENTITY, Quaternion, rotation_matrix
from downpass.payload.encoders.student import student_model

from ..frames import AERIAL, SATELLITE, SIGNED, real
from .models import ReferenceModel

ROTATIONS: tuple[Quaternion, ...] = (
    IDENTITY,
    (90, -40, 60, 30),
    (-128, -128, -128, -128),
    (0, 1, 0, 0),
)


@dataclass(frozen=True, eq=False)
class TileCase:
    """A tile (rows, columns, 1 or 3 bands), its rotation, and the qualities to encode it at."""

    name: str
    pixels: np.ndarray
    rotation: Quaternion
    qualities: tuple[int, ...]


def _pictures(rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    scenes = [
        real(AERIAL, 320).pixels,
        real(AERIAL, 320, 4).pixels[..., 1:],
        real(SATELLITE, 256, 3, 8).pixels,
        real(SIGNED, 96, 3, 8).pixels,
    ]
    for number in range(204):
        rows, columns = (int(side) for side in rng.integers(1, 65, 2))
        kind = number % 12
        if kind < 5:
            scene = scenes[number % len(scenes)]
            if kind < 2:
                rows = columns = 64
            top = int(rng.integers(0, scene.shape[0] - rows))
            left = int(rng.integers(0, scene.shape[1] - columns))
            yield "scene", scene[top : top + rows, left : left + columns]
        elif kind == 5:
            yield "noise", rng.integers(0, 256, (rows, columns, 3))
        elif kind == 6:
            yield "extremes", rng.integers(0, 2, (rows, columns, 3)) * 255
        elif kind == 7:
            yield "blank", np.full((rows, columns, 3), rng.choice([0, 1, 128, 254, 255]))
        elif kind == 8:
            down, across = rng.normal(0, 4, (2, 1, 1, 3))
            row, column, _ = np.indices((rows, columns, 3))
            yield "smooth", np.clip(128 + down * row + across * column, 0, 255)
        elif kind == 9:
            size = 1 + number // 12 % 3
            yield "small", rng.integers(0, 256, (size, 1 + number // 12 % 2, 3))
        elif kind == 10:
            yield "one band", scenes[0][:rows, :columns, :1]
        else:
            step = int(rng.integers(1, 9))
            row, column, band = np.indices((64, 64, 3))
            yield "bars", ((row // step + band * column // step) % 2) * 255


@cache
def tile_cases() -> tuple[TileCase, ...]:
    """Return over 200 tiles, each at the coarsest, the finest and another quality."""
    rng = np.random.default_rng(5)
    cases = []
    for number, (name, pixels) in enumerate(_pictures(rng)):
        random = tuple(rng.integers(-128, 128, 4).tolist()) if number % 2 == 0 else None
        rotation = random or ROTATIONS[number // 12 % 4]
        middle = int(rng.integers(1, 256))
        pixels = np.ascontiguousarray(pixels.astype(np.uint8))
        cases.append(TileCase(f"{number} {name}", pixels, rotation, (0, middle, 256)))
    return tuple(cases)


def chosen_cases(every: int) -> list[TileCase]:
    """Return some tiles of each kind, each at one of its qualities.

    Args:
        every: One in so many tiles is chosen; no multiple of 2 or 3.
    """
    cases = tile_cases()
    return [
        replace(cases[number], qualities=(cases[number].qualities[number % 3],))
        for number in range(0, len(cases), every)
    ]


def streams(case: TileCase, reference: ReferenceModel | None = None) -> tuple[bytes, ...]:
    """Return the codestreams that the Python encoder writes for a tile, one per quality.

    Args:
        case: The tile.
        reference: The model; by default the shipped one, whose networks run in C.
    """
    model = reference or student_model.load()
    wide = np.repeat(case.pixels, 3 // case.pixels.shape[2], axis=2)
    pad = [(0, -side % BLOCK) for side in wide.shape[:2]]
    whole = np.pad(wide, [*pad, (0, 0)], mode="edge")
    latents, side = model.analyse(whole, rotation_matrix(case.rotation))
    tile = AnalysedTile.of(latents, side, model.log_scales(side))
    return tuple(encode_tile(model.entropy, tile, quality) for quality in case.qualities)


@cache
def expected(number: int) -> tuple[bytes, ...]:
    """Return the codestreams of the case with this number."""
    return streams(tile_cases()[number])


def packed(cases: Iterable[TileCase]) -> bytes:
    """Return tiles as run_tiles.c reads them."""
    out = []
    for case in cases:
        rows, columns, bands = case.pixels.shape
        for quality in case.qualities:
            out.append(struct.pack("<4H4b", rows, columns, bands, quality, *case.rotation))
            out.append(case.pixels.tobytes())
    return b"".join(out)


def unpacked(data: bytes) -> list[bytes]:
    """Return the codestreams that run_tiles.c wrote."""
    streams, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        streams.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return streams


def run_tiles(
    program: Sequence[str | Path], folder: Path, cases: Sequence[TileCase]
) -> tuple[list[bytes], str]:
    """Encode tiles in a process of their own; return the codestreams and what it printed."""
    (folder / "tiles").write_bytes(packed(cases))
    ran = subprocess.run(
        [*map(str, program)], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return unpacked((folder / "streams").read_bytes()), ran.stdout
