"""Damaged bitstreams for `fuzz_decoders.py`, each a function of a seed and a number.

In four of five cases a tile's codestream has bits flipped, or is truncated, spliced with another's,
overwritten or replaced by random bytes. Its CRCs match, so that the codec's own decoder sees the
damage. In the others, fields of the header are changed and its CRC matches, or any bytes are
damaged and no CRC is corrected.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from downpass.link.container.band_scales import BandScale
from downpass.link.container.bitstream import Container, pack, read_header, unpack
from downpass.link.container.frame import Frame
from downpass.link.container.header import CODECS, NO_MODEL, FrameHeader
from downpass.link.errors import BitstreamError
from downpass.link.foreign.codec import ForeignCodec
from downpass.payload.encoders.base import Encoder, Setting
from downpass.payload.encoders.registry import encoder, foreign_encoder

MOST_TILES: Final = 64
_HEAD: Final = 24
"""Bytes at the start of a foreign codestream that say how the rest is to be read."""


@dataclass(frozen=True, slots=True)
class Case:
    """A damaged bitstream, and which of its tiles may be lost (None: any)."""

    bitstream: bytes
    hit: frozenset[int] | None


def picture(rows: int, columns: int, bands: int, depth: int = 8) -> Frame:
    """Return a textured picture without a pixel of 0 in all bands."""
    row, column = np.mgrid[:rows, :columns]
    noise = np.random.default_rng(5).integers(0, 40, (rows, columns, bands))
    planes = [60 + 2 * row + column * band // 2 for band in range(bands)]
    pixels = ((np.stack(planes, 2) + noise) % 250 + 1) << (depth - 8)
    return Frame(pixels.astype(np.uint8 if depth == 8 else np.uint16), depth)


def holed(frame: Frame) -> Frame:
    """Return the picture with nodata pixels."""
    pixels = frame.pixels.copy()
    rows, columns = pixels.shape[:2]
    pixels[rows // 8 : rows // 4 + 1, columns // 8 : columns // 2 + 1] = 0
    return Frame(pixels, frame.bit_depth, nodata=0)


def originals(name: str, foreign: ForeignCodec | None = None) -> list[bytes]:
    """Return valid bitstreams; those that take longest to decode come last and are fewest."""

    def encoder_of(tile: int) -> Encoder:
        return encoder(name, tile) if foreign is None else foreign_encoder(foreign, tile)

    if name != "student":
        qualities = (100,) if name == "ccsds121" else (20, 70, 100)
        frame = picture(40, 48, 4)
        return [
            encoder_of(32).encode(one, Setting(quality=quality))
            for one in (holed(frame), frame)
            for quality in qualities
        ]
    small = picture(16, 16, 3)
    choices: list[tuple[Frame, int, Sequence[int]]] = [
        (small, 0, (0, 10, 20, 30, 40, 50, 60, 80, 100)),
        (holed(small), 0, (20, 60)),
        (picture(1, 1, 1), 0, (50,)),
        (picture(7, 13, 1), 0, (40, 100)),
        (picture(16, 16, 2, 12), 0, (50,)),
        (picture(16, 16, 4), 0, (30,)),
        (picture(32, 32, 3), 16, (0, 40, 70)),
        (holed(picture(40, 20, 3)), 16, (50,)),
        (picture(64, 64, 3), 32, (30, 90)),
    ]
    return [
        encoder(name, tile).encode(frame, Setting(quality=quality))
        for frame, tile, qualities in choices
        for quality in qualities
    ]


class Damage:
    """Makes damaged bitstreams from valid ones; the same seed and number give the same one.

    Args:
        name: Name of the codec.
        seed: Seed of the damage.
        foreign: The codec, if it comes from outside.
    """

    def __init__(self, name: str, seed: int, foreign: ForeignCodec | None = None) -> None:
        self._key = f"{name} {seed}"
        self._is_foreign = foreign is not None
        self.sound = originals(name, foreign)
        self.containers = [unpack(bitstream) for bitstream in self.sound]

    def case(self, number: int) -> Case:
        """Return the damaged bitstream of a number."""
        rng = random.Random(f"{self._key} {number}")
        # Cubed, so that the first bitstreams, which decode quickly, are drawn more often.
        chosen = int(rng.random() ** 3 * len(self.sound))
        container = self.containers[chosen]
        share = rng.random()
        if share < 0.8:
            return self._codestream(rng, container)
        if share < 0.9:
            return Case(self._header(rng, container), None)
        return Case(_mutate(rng, self.sound[chosen], rng.choice(self.sound)), None)

    def _codestream(self, rng: random.Random, container: Container) -> Case:
        payloads = [payload or b"\0" for payload in container.payloads]
        hit = {rng.randrange(len(payloads)) for _ in range(rng.choice((1, 1, 1, 3)))}
        for index in hit:
            other = container if rng.random() < 0.5 else rng.choice(self.containers)
            donor = rng.choice(other.payloads) or b"\0"
            if self._is_foreign and rng.random() < 0.5:
                payloads[index] = _with_other_head(rng, payloads[index])
            else:
                payloads[index] = _mutate(rng, payloads[index], donor)
        return Case(pack(container.header, payloads), frozenset(hit))

    def _header(self, rng: random.Random, container: Container) -> bytes:
        payloads = [payload or b"" for payload in container.payloads]
        header = container.header
        if rng.random() < 0.6:
            try:
                header = replace(header, **_fields(rng, header))
            except BitstreamError:  # not a valid header: change its bytes below instead
                pass
            else:
                if header.tile_count <= MOST_TILES:
                    return pack(header, [rng.choice(payloads) for _ in range(header.tile_count)])
                header = container.header
        sound = pack(header, payloads)
        table_end = read_header(sound)[1][0].offset - 4
        size = len(header.pack())
        head = bytearray(_mutate(rng, sound[: size if rng.random() < 0.7 else table_end], sound))
        head[:2] = sound[:2]  # anything else is rejected at once
        head += sound[max(size, len(head)) : table_end]
        return bytes(head) + zlib.crc32(head).to_bytes(4, "little") + b"".join(payloads)


def _fields(rng: random.Random, header: FrameHeader) -> dict[str, Any]:
    """Return one to three fields of a header with other values."""
    sizes = (1, 2, 15, 16, 17, 31, 33, 100, 1 << 12, 1 << 24)
    bands = header.bands

    def scale() -> BandScale:
        return BandScale(
            rng.choice((0, -1, 1 - (1 << 31), (1 << 31) - 1, rng.randrange(1 << 16))),
            rng.choice((1, 3, 65535, (1 << 32) - 1)),
            rng.randrange(-64, 65),
        )

    def turn() -> tuple[int, ...]:
        return tuple(rng.randrange(-127, 128) for _ in range(4))

    makers: dict[str, Callable[[], Any]] = {
        "codec": lambda: rng.choice(sorted(CODECS.values())),
        "width": lambda: rng.choice((*sizes, header.width + 1)),
        "height": lambda: rng.choice((*sizes, max(1, header.height - 1))),
        "bands": lambda: rng.choice((1, 2, 3, 4, 5, 7, 12, 4096)),
        "tile": lambda: rng.choice((0, 16, 17, 32, 48, 64, 1 << 16)),
        "bit_depth": lambda: rng.randrange(1, 17),
        "sample_type": lambda: rng.choice(("uint8", "uint16", "int16")),
        "negative": lambda: rng.random() < 0.5,
        "parameter": lambda: rng.choice(
            (rng.randrange(257), 256, 257, 511, 512, 512 + rng.randrange(257), (1 << 32) - 1)
        ),
        "fingerprint": lambda: rng.choice((NO_MODEL, rng.randbytes(8))),
        "nodata": lambda: rng.choice((None, 0, 1, 255)),
        "masks": lambda: not header.masks,
        "groups": lambda: (tuple(range(bands)),),
        "scales": lambda: rng.choice(
            (None, (scale(),) * bands, tuple(scale() for _ in [*"x" * bands]))
        ),
        "rotations": lambda: rng.choice((None, tuple(turn() for _ in range(-(-bands // 3))))),
    }
    chosen = rng.sample(sorted(makers), rng.choice((1, 1, 2, 3)))
    return {name: makers[name]() for name in chosen}


def _with_other_head(rng: random.Random, data: bytes) -> bytes:
    """Return the bytes with one to three of the first ones changed."""
    out = bytearray(data or b"\0")
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = min(rng.randrange(_HEAD), rng.randrange(_HEAD), len(out) - 1)
        out[at] = rng.choice((rng.randrange(16), rng.randrange(256), 0, 127, 128, 255))
    return bytes(out)


def _mutate(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """Return the bytes flipped, truncated, spliced, or overwritten with extremes or at random."""
    out = bytearray(data or b"\0")
    at = rng.randrange(len(out))
    match rng.randrange(8):
        case 0 | 1:
            for _ in range(rng.choice((1, 1, 2, 8))):
                out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
        case 2:
            del out[at:]
        case 3:
            out[at:] = donor[rng.randrange(len(donor) or 1) :]
        case 4:
            for _ in range(rng.choice((1, 2, 4))):
                out[rng.randrange(min(len(out), 160))] = rng.choice((0, 1, 127, 128, 255))
        case 5:
            out[at : at + rng.randrange(20)] = rng.randbytes(rng.randrange(20))
        case 6:
            out[:] = rng.randbytes(rng.randrange(1, 2 * len(out) + 8))
        case _:
            out[at:] = bytes((rng.choice((0, 85, 170, 255)),)) * rng.choice((1, 4, 60, 1000))
    return bytes(out)
