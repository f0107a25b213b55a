"""Codestreams whose own headers ask for more than their tile: refused before a library sees them.

The CRCs of every container here match: these are what a hostile or broken encoder writes.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from downpass.ground.decoders import decode
from downpass.link.container.bitstream import pack, unpack
from downpass.link.container.frame import Frame
from downpass.link.container.header import FrameHeader
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.jpeg2000 import without_comments
from downpass.payload.encoders.registry import encoder

SIDE = 64
MEGABYTE = 1 << 20


def frame(bands: int = 3, depth: int = 8, side: int = SIDE) -> Frame:
    noise = np.random.default_rng(bands + depth).integers(0, 1 << depth, (side, side, bands))
    return Frame(noise.astype(np.uint8 if depth <= 8 else np.uint16), depth)


def codestream(
    name: str, quality: float, bands: int = 3, depth: int = 8, side: int = SIDE
) -> bytes:
    """Return the codestream of a frame of one tile and at most three bands."""
    bitstream = encoder(name, 0).encode(frame(bands, depth, side), Setting(quality=quality))
    return unpack(bitstream).payloads[0] or b""


def container(name: str, payload: bytes, bands: int = 3, depth: int = 8, side: int = SIDE) -> bytes:
    kind = "uint8" if depth <= 8 else "uint16"
    return pack(FrameHeader(name, side, side, bands, depth, kind), [payload])  # type: ignore[arg-type]


def after(stream: bytes, mark: bytes, offset: int, new: bytes) -> bytes:
    """Return the stream with some bytes behind a mark replaced."""
    at = stream.index(mark) + len(mark) + offset
    return stream[:at] + new + stream[at + len(new) :]


# JPEG 2000: the fields of SIZ and COD, 15444-1, A.5.1 and A.6.1.
SIZ, COD = b"\xff\x51", b"\xff\x52"


def with_precincts(stream: bytes, size: int) -> bytes:
    """Return a lossless codestream with precincts of 2^size a side."""
    start = stream.index(COD)
    length = struct.unpack_from(">H", stream, start + 2)[0]
    body = bytearray(stream[start + 4 : start + 2 + length])
    body[0] |= 1
    body += bytes((size << 4 | size,)) * (body[5] + 1)
    segment = COD + struct.pack(">H", len(body) + 2) + body
    return stream[:start] + segment + stream[start + 2 + length :]


def with_segment(stream: bytes, mark: bytes, segment: bytes) -> bytes:
    at = stream.index(mark)
    return stream[:at] + segment + stream[at:]


J2K = codestream("jpeg2000", 100)
LOSSY_J2K = codestream("jpeg2000", 50)
HOSTILE_J2K = {
    "a wider picture": after(J2K, SIZ, 4, struct.pack(">I", 1 << 16)),
    "tiles of a pixel": after(J2K, SIZ, 20, struct.pack(">II", 1, 1)),
    "an offset": after(J2K, SIZ, 12, struct.pack(">I", 8)),
    "16384 components": after(J2K, SIZ, 36, struct.pack(">H", 16384)),
    "subsampled components": after(J2K, SIZ, 38, bytes((7, 2, 2))),
    "38 bits": after(J2K, SIZ, 38, bytes((37, 1, 1)) * 3),
    "fewer bits than the tile": after(J2K, SIZ, 38, bytes((6, 1, 1)) * 3),
    "precincts of a pixel": with_precincts(J2K, 0),
    "precincts of two pixels": with_precincts(J2K, 1),
    "precincts of a pixel in a lossy one": after(LOSSY_J2K, COD, 12, bytes(6)),
    "65535 layers": after(J2K, COD, 4, struct.pack(">H", 65535)),
    "32 halvings": after(J2K, COD, 7, bytes((32,))),
    "code-blocks of 4 x 4": after(J2K, COD, 8, bytes((0, 0))),
    "code-blocks of 1024 x 4": after(J2K, COD, 8, bytes((8, 0))),
    "code-block options": after(J2K, COD, 10, bytes((0x3F,))),
    "another COD": with_segment(
        J2K, b"\xff\x90", b"\xff\x52\x00\x0c\x00\x00\x00\x01\x00\x05\0\0\0\1"
    ),
    "a component's COC": with_segment(J2K, b"\xff\x90", b"\xff\x53\x00\x09\x00\x00\x05\0\0\0\1"),
    "packed packet headers": with_segment(J2K, b"\xff\x90", b"\xff\x60\x00\x04\x00\x00"),
    "several tile-parts": J2K[:-2] + J2K[J2K.index(b"\xff\x90") :],
    "cut": J2K[:-40],
    "boxes": b"\0\0\0\x0cjP  \r\n\x87\n" + J2K,
}

# JPEG-LS: 14495-1, annex C.
JLS = codestream("jpegls", 100)
HOSTILE_JLS = {
    "a wider picture": after(JLS, b"\xff\xf7", 5, struct.pack(">H", 60_000)),
    "255 components": after(JLS, b"\xff\xf7", 7, b"\xff"),
    "16 bits": after(JLS, b"\xff\xf7", 2, b"\x10"),
    "another size": with_segment(JLS, b"\xff\xda", b"\xff\xf8\x00\x0d\x04\x04" + b"\0\1\0\0" * 2),
    "a mapping table": with_segment(JLS, b"\xff\xda", b"\xff\xf8\x00\x08\x02\x01\x01abc"),
    "a scan a component": after(JLS, b"\xff\xda", 2, b"\x01"),
    "a colour transform": with_segment(JLS, b"\xff\xf7", b"\xff\xe8\x00\x07mrfx\x01"),
    "cut": JLS[:-40],
}


# JPEG XL: bit by bit, the lowest first, from 18181-1, annexes D to F.
def bits(*fields: tuple[int, int]) -> bytes:
    """Return fields of (value, bits) as bytes."""
    value, at = 0, 0
    for field, count in fields:
        value, at = value | field << at, at + count
    return value.to_bytes(-(-at // 8), "little")


SIZE = ((1, 1), (SIDE // 8 - 1, 5), (1, 3))  # multiples of eight, square
DEFAULT = (1, 1)
SIGNATURE = b"\xff\x0a"


def jxl(*fields: tuple[int, int]) -> bytes:
    return SIGNATURE + bits(*SIZE, *fields) + bytes(200)


def jxl_metadata(
    extra: int = 0, fp: int = 0, channels: int = 0, icc: int = 0, extensions: int = 0
) -> tuple[tuple[int, int], ...]:
    """Return ImageMetadata of 8 bits and XYB; `extra` is what its six extra bits say."""
    there = ((1, 1), (extra, 6)) if extra else ((0, 1),)
    colour = ((0, 1), (1, 1), (0, 2)) if icc else ((1, 1),)
    tone = ((1, 1),) if extra else ()
    return (
        *((0, 1), *there, (fp, 1), (0, 2), (1, 1), (channels, 2), (1, 1)),
        *(*colour, *tone, (extensions, 2), DEFAULT),
    )


def jxl_frame(
    kind: int = 0, flags: int = 0, passes: int = 0, crop: int = 0, blend: int = 0, last: int = 1
) -> tuple[tuple[int, int], ...]:
    """Return a FrameHeader of VarDCT and XYB."""
    coded = ((1, 2), (flags - 1, 4)) if flags else ((0, 2),)
    return (
        *((0, 1), (kind, 2), (0, 1), *coded, (0, 2), (2, 3), (2, 3)),
        *((passes, 2), (crop, 1), (blend, 2), (last, 1)),
    )


def jxl_bytes(metadata: tuple[tuple[int, int], ...], header: tuple[tuple[int, int], ...]) -> bytes:
    """Return both, the frame from a byte's beginning."""
    return SIGNATURE + bits(*SIZE, *metadata) + bits(*header) + bytes(200)


HOSTILE_JXL = {
    "a larger picture": SIGNATURE + bits((0, 1), (3, 2), ((1 << 30) - 1, 30), (1, 3), DEFAULT),
    "an orientation": jxl_bytes(jxl_metadata(extra=1), jxl_frame()),
    "another size": jxl_bytes(jxl_metadata(extra=8), jxl_frame()),
    "a preview": jxl_bytes(jxl_metadata(extra=16), jxl_frame()),
    "an animation": jxl_bytes(jxl_metadata(extra=32), jxl_frame()),
    "floating point": jxl_bytes(jxl_metadata(fp=1), jxl_frame()),
    "extra channels": jxl_bytes(jxl_metadata(channels=3), jxl_frame()),
    "a colour profile": jxl_bytes(jxl_metadata(icc=1), jxl_frame()),
    "extensions": jxl_bytes(jxl_metadata(extensions=1), jxl_frame()),
    "a frame for reference": jxl_bytes(jxl_metadata(), jxl_frame(kind=2)),
    "patches": jxl_bytes(jxl_metadata(), jxl_frame(flags=2)),
    "splines": jxl_bytes(jxl_metadata(), jxl_frame(flags=16)),
    "passes": jxl_bytes(jxl_metadata(), jxl_frame(passes=3)),
    "a frame of its own size": jxl_bytes(jxl_metadata(), jxl_frame(crop=1)),
    "blending": jxl_bytes(jxl_metadata(), jxl_frame(blend=1)),
    "layers": jxl_bytes(jxl_metadata(), jxl_frame(last=0)),
    "nothing behind the size": SIGNATURE + bits(*SIZE),
    "boxes": b"\0\0\0\x0cJXL \r\n\x87\n" + codestream("jpegxl", 80),
}

# AVIF: ISO/IEC 14496-12 and 23008-12, AV1 5.5.
AVIF = codestream("avif", 80)


def with_box(stream: bytes, inside: bytes, box: bytes) -> bytes:
    """Return the file with a box at the end of another, whose length and iloc's offset grow."""
    at = stream.index(inside) - 4
    length = int.from_bytes(stream[at : at + 4], "big")
    stream = stream[: at + length] + box + stream[at + length :]
    stream = stream[:at] + (length + len(box)).to_bytes(4, "big") + stream[at + 4 :]
    place = stream.index(b"iloc") + 4 + 14 + 2
    offset = int.from_bytes(stream[place : place + 4], "big") + len(box)
    return stream[:place] + offset.to_bytes(4, "big") + stream[place + 4 :]


def larger_av1() -> bytes:
    """Return a file that claims the tile's size, and whose AV1 has sixteen times the pixels."""
    stream = codestream("avif", 80, side=4 * SIDE)
    return after(stream, b"ispe", 4, struct.pack(">II", SIDE, SIDE))


def repeated_frames() -> bytes:
    """Return a file whose item holds the picture twice."""
    at = AVIF.index(b"mdat") + 4
    data = AVIF[at:] * 2
    stream = AVIF[: at - 8] + struct.pack(">I4s", 8 + len(data), b"mdat") + data
    return after(stream, b"iloc", 18, struct.pack(">I", len(data)))


HOSTILE_AVIF = {
    "a larger extent": after(AVIF, b"ispe", 4, struct.pack(">II", 65_536, 65_536)),
    "a larger AV1 picture": larger_av1(),
    "the picture twice": repeated_frames(),
    "a sequence": bytes(imagecodecs.avif_encode(np.stack([frame().pixels] * 3), level=80)),
    "references between items": with_box(AVIF, b"meta", struct.pack(">I4sI", 12, b"iref", 0)),
    "data in meta": with_box(AVIF, b"meta", struct.pack(">I4s", 8, b"idat")),
    "another property": with_box(AVIF, b"ipco", struct.pack(">I4sI", 12, b"auxC", 0)),
    "two items": after(AVIF, b"iinf", 4, b"\0\2"),
    "two extents": after(AVIF, b"iloc", 12, b"\0\2"),
    "an extent beyond the data": after(AVIF, b"iloc", 18, b"\xff\xff\xff\xff"),
    "a box longer than the file": after(AVIF, b"mdat", -8, b"\x7f\xff\xff\xff"),
    "something behind": AVIF + struct.pack(">I4s", 8, b"free"),
    "cut": AVIF[:-40],
    "alpha": bytes(imagecodecs.avif_encode(frame(4).pixels, level=80)),
}

HOSTILE = [
    pytest.param(name, stream, id=f"{name}: {what}")
    for name, streams in (
        ("jpeg2000", HOSTILE_J2K),
        ("jpegls", HOSTILE_JLS),
        ("jpegxl", HOSTILE_JXL),
        ("avif", HOSTILE_AVIF),
    )
    for what, stream in streams.items()
]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the libraries' decoders were called."""
    calls: list[str] = []

    def spy(function: str) -> Callable[..., object]:
        real = getattr(imagecodecs, function)

        def call(*arguments: object, **named: object) -> object:
            calls.append(function)
            return real(*arguments, **named)

        return call

    for codec in ("jpeg2k", "jpegxl", "jpegls", "avif"):
        monkeypatch.setattr(imagecodecs, f"{codec}_decode", spy(f"{codec}_decode"))
    return calls


@pytest.mark.parametrize("name", ["jpeg2000", "jpegls", "jpegxl", "avif"])
def test_sound_codestreams_are_let_through(name: str, called: list[str]) -> None:
    for depth in (1, 8, 10, 12):
        for bands in (1, 3):
            for quality in (0, 40, 90, 100):
                stream = codestream(name, quality, bands, depth)
                assert decode(container(name, stream, bands, depth)).lost_tiles == ()
    assert len(called) == 32


@pytest.mark.parametrize(("name", "stream"), HOSTILE)
def test_what_is_more_than_its_tile_is_refused_unseen(
    name: str, stream: bytes, called: list[str]
) -> None:
    assert decode(container(name, stream)).lost_tiles == (0,)
    assert called == []


def test_hand_made_jpeg_xl_headers_are_sound_but_for_the_fault(called: list[str]) -> None:
    """Without a fault they get as far as libjxl, so each of the table is refused for its own."""
    assert decode(container("jpegxl", jxl_bytes(jxl_metadata(), jxl_frame()))).lost_tiles == (0,)
    assert decode(container("jpegxl", jxl(DEFAULT, DEFAULT, (0, 5), DEFAULT))).lost_tiles == (0,)
    assert called == ["jpegxl_decode"] * 2


def test_jpeg_2000_of_a_higher_precision_is_read() -> None:
    """As encoders write noise of one bit."""
    samples = np.random.default_rng(1).integers(0, 2, (SIDE, SIDE)).astype(np.uint8)
    stream = without_comments(
        imagecodecs.jpeg2k_encode(
            samples, codecformat="J2K", reversible=True, bitspersample=5, resolutions=6, mct=False
        )
    )
    decoded = decode(container("jpeg2000", stream, bands=1, depth=1))
    assert decoded.lost_tiles == ()
    assert np.array_equal(decoded.frame.pixels[..., 0], samples)


@pytest.mark.parametrize("depth", [8, 12, 16])
@pytest.mark.parametrize("cut", [1, 2, 40, 1000])
def test_a_ccsds_121_stream_that_ends_early_is_noticed(depth: int, cut: int) -> None:
    stream = codestream("ccsds121", 100, 3, depth)
    assert decode(container("ccsds121", stream, 3, depth)).lost_tiles == ()
    assert decode(container("ccsds121", stream[:-cut], 3, depth)).lost_tiles == (0,)


def test_three_bytes_are_no_ccsds_121_tile() -> None:
    assert decode(container("ccsds121", b"\0\0\0", 1, side=512)).lost_tiles == (0,)


# Memory: docs/bitstream.md, "Reading what cannot be trusted".
BYTES_A_SAMPLE, BYTES_A_BYTE, CONSTANT = 24, 8, 32 * MEGABYTE


def _measure(folder: Path) -> dict[str, int]:
    """Return by how many bytes decoding each of a folder's bitstreams raised the peak."""
    command = [sys.executable, __file__, str(folder)]
    found = subprocess.run(command, capture_output=True, check=True, timeout=300, text=True).stdout
    return {name: int(grown) for name, grown in (line.split("\t") for line in found.splitlines())}


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def _worker(folder: Path) -> None:
    """Print each bitstream's growth; each is decoded by a child of its own, all libraries warm."""
    for name in ("jpeg2000", "jpegls", "jpegxl", "avif", "ccsds121"):
        decode(container(name, codestream(name, 100, 1, side=8), 1, side=8))
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        child = os.fork()
        if child == 0:
            before = _peak()
            decode(data)
            print(path.name, _peak() - before, sep="\t", flush=True)  # noqa: T201
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            raise RuntimeError(f"{path.name}: the decoder died")


def _grey(name: str, side: int) -> bytes:
    return encoder(name, 0).encode(frame(1, side=side), Setting(quality=100))


def _bitstreams(name: str, side: int) -> dict[str, bytes]:
    sound = _grey(name, side)
    header, payload = unpack(sound).header, unpack(sound).payloads[0] or b""
    files = {"sound": sound, "cut": pack(header, [payload[: len(payload) // 2]])}
    # One of two tiles is lost: the other's pixels conceal it.
    tall = FrameHeader(name, side, 2 * side, 1, 8, "uint8", tile=side)
    files["concealed"] = pack(tall, [payload, b"\0\0\0"])
    if name == "jpeg2000":
        files["precincts"] = pack(header, [with_precincts(payload, 0)])
    if name == "jpegxl":
        still = np.zeros((16, side, side), np.uint8)
        moving = imagecodecs.jpegxl_encode(still, photometric="gray", usecontainer=False)
        files["animation"] = pack(header, [bytes(moving)])
    if name == "avif":
        larger = codestream("avif", 50, 1, side=4 * side)
        files["larger"] = pack(header, [after(larger, b"ispe", 4, struct.pack(">II", side, side))])
    return {f"{name} {what}": data for what, data in files.items()}


def test_memory_is_bounded_by_what_the_header_declares(tmp_path: Path) -> None:
    files: dict[str, bytes] = {}
    for name in ("jpeg2000", "jpegls", "jpegxl", "avif", "ccsds121"):
        files |= _bitstreams(name, 512)
    for what, data in files.items():
        (tmp_path / what).write_bytes(data)
    measured = _measure(tmp_path)
    assert set(measured) == set(files)
    for what, grown in measured.items():
        samples = unpack(files[what]).header.samples
        most = BYTES_A_SAMPLE * samples + BYTES_A_BYTE * len(files[what]) + CONSTANT
        assert grown <= most, json.dumps({what: grown, "allowed": most})


if __name__ == "__main__":
    _worker(Path(sys.argv[1]))
