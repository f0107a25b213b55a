"""The student in C against the encoder in Python: the same bytes, tile by tile."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from downpass.link.student.plain_range_coder import Writer
from downpass.link.student.range_coder import table_model, uniform_model
from downpass.link.student.rotation import IDENTITY
from downpass.payload.encoders.student import student_model
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Compile
from .student_tiles import TileCase, expected, run_tiles, tile_cases

ROOM = 65536
LIMITS, ROOM_CAUSE = 1, 2
Poll = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class CTile(ctypes.Structure):
    _fields_ = (
        ("pixels", ctypes.c_char_p),
        ("rows", ctypes.c_uint16),
        ("columns", ctypes.c_uint16),
        ("bands", ctypes.c_uint8),
        ("rotation", ctypes.c_int8 * 4),
        ("quality", ctypes.c_uint16),
    )


class CCoder(ctypes.Structure):
    _fields_ = (
        ("low", ctypes.c_uint64),
        ("span", ctypes.c_uint64),
        ("out", ctypes.c_void_p),
        ("size", ctypes.c_uint32),
        ("length", ctypes.c_uint32),
        ("zeros", ctypes.c_bool),
        ("ones", ctypes.c_bool),
    )


def c_tile(case: TileCase, quality: int) -> CTile:
    rotation = (ctypes.c_int8 * 4)(*case.rotation)
    return CTile(case.pixels.tobytes(), *case.pixels.shape, rotation, quality)


def encode(
    nn: ctypes.CDLL, case: TileCase, quality: int, room: int = ROOM, poll: object = None
) -> bytes:
    out = ctypes.create_string_buffer(b"\xaa" * (room + 8), room + 8)
    size = nn.dp_nn_encode(ctypes.byref(c_tile(case, quality)), out, room, poll, None)
    assert out.raw[room:] == b"\xaa" * 8, "it wrote behind the room that it was given"
    return out.raw[:size]


def test_same_bytes_as_python(nn: ctypes.CDLL) -> None:
    cases, sizes = tile_cases(), set()
    assert len(cases) >= 200
    for number, case in enumerate(cases):
        for quality, stream in zip(case.qualities, expected(number), strict=True):
            assert encode(nn, case, quality) == stream, (case.name, case.pixels.shape, quality)
            sizes.add(len(stream))
    assert len(sizes) > 150, "too much alike for this to mean much"
    assert {case.pixels.shape[2] for case in cases} == {1, 3}
    assert (1, 1) in {case.pixels.shape[:2] for case in cases}


def test_golden_tile_and_fingerprint(nn: ctypes.CDLL) -> None:
    assert nn.dp_nn_self_test() == ctypes.c_uint32.in_dll(nn, "dp_nn_golden_crc").value
    own = bytes((ctypes.c_uint8 * 8).in_dll(nn, "dp_nn_fingerprint"))
    assert own == student_model.load().fingerprint


def large(quality: int) -> tuple[TileCase, bytes]:
    """The longest tile at a quality of its own."""
    numbers = range(len(tile_cases()))
    number = max(numbers, key=lambda n: len(expected(n)[tile_cases()[n].qualities.index(quality)]))
    case = tile_cases()[number]
    return case, expected(number)[case.qualities.index(quality)]


def test_too_little_room_is_refused(nn: ctypes.CDLL) -> None:
    case, stream = large(256)
    assert encode(nn, case, 256, len(stream)) == stream
    assert nn.dp_nn_why() == 0
    for room in (0, 1, 100, len(stream) // 2, len(stream) - 1):
        assert encode(nn, case, 256, room) == b""
        assert nn.dp_nn_why() == ROOM_CAUSE


@pytest.mark.parametrize(
    ("shape", "rotation", "quality"),
    [
        ((65, 64, 3), IDENTITY, 10),
        ((64, 65, 3), IDENTITY, 10),
        ((0, 16, 3), IDENTITY, 10),
        ((16, 0, 3), IDENTITY, 10),
        ((16, 16, 2), IDENTITY, 10),
        ((16, 16, 4), IDENTITY, 10),
        ((16, 16, 3), (0, 0, 0, 0), 10),
        ((16, 16, 3), IDENTITY, 257),
    ],
)
def test_what_is_out_of_limits_is_refused(
    nn: ctypes.CDLL, shape: tuple[int, int, int], rotation: tuple[int, int, int, int], quality: int
) -> None:
    case = TileCase("", np.zeros(shape, np.uint8), rotation, ())
    assert encode(nn, case, quality) == b""
    assert nn.dp_nn_why() == LIMITS


def test_it_polls_while_it_encodes(nn: ctypes.CDLL) -> None:
    calls = 0

    def poll(_context: object) -> None:
        nonlocal calls
        calls += 1

    case, stream = large(256)
    assert encode(nn, case, 256, poll=Poll(poll)) == stream
    assert calls > 1000, "the plain kernels need some hundred million instructions"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_range_coder_writes_pythons_bytes(nn: ctypes.CDLL, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    writer, coder = Writer(), CCoder()
    room = ctypes.create_string_buffer(1 << 14)
    nn.dp_coder_start(ctypes.byref(coder), room, len(room))
    for _ in range(data.draw(st.integers(1, 40))):
        count, number = int(rng.integers(1, 40)), int(rng.integers(1, 30))
        if rng.random() < 0.3:
            bits = int(rng.integers(1, 17))
            # Ends of the range make carries, and zeros at the end of the bytes.
            values = rng.choice([0, (1 << bits) - 1, int(rng.integers(0, 1 << bits))], number)
            writer.write(values.astype(np.int32), uniform_model(bits))
            for value in values.tolist():
                nn.dp_coder_bits(ctypes.byref(coder), value, bits)
            continue
        frequencies = frequencies_of(rng, count + 1)
        sums = (np.cumsum(frequencies) - frequencies).astype(np.uint16)
        values = rng.choice(count + 1, number, p=frequencies / (1 << 16))
        if rng.random() < 0.3:
            values[:] = rng.choice([0, count])
        writer.write(values.astype(np.int32), table_model(frequencies))
        for value in values.tolist():
            nn.dp_coder_table(ctypes.byref(coder), sums.ctypes.data_as(ctypes.c_void_p),
                              count + 1, value)  # fmt: skip
    size = nn.dp_coder_finish(ctypes.byref(coder))
    assert room.raw[:size] == writer.finish()


def frequencies_of(rng: np.random.Generator, count: int) -> np.ndarray:
    """Some table of frequencies that sum to 2^16, often a very uneven one."""
    share = rng.random(count) ** rng.choice([1, 8, 30])
    frequencies = 1 + (share / share.sum() * ((1 << 16) - count)).astype(np.int64)
    frequencies[int(share.argmax())] += (1 << 16) - frequencies.sum()
    return frequencies


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((0, 1, 0xFFFF)), st.integers(0, 2)), max_size=40))
def test_range_coder_fills_its_room_and_no_more(
    nn: ctypes.CDLL, steps: Sequence[tuple[int, int]]
) -> None:
    """Runs of zeros and ones: carries through, and zeros cut off, at the end of the room."""

    def write(size: int) -> bytes:
        coder, room = CCoder(), ctypes.create_string_buffer(size + 1)
        nn.dp_coder_start(ctypes.byref(coder), room, size)
        # A first symbol in the middle, so that what follows can carry into it.
        nn.dp_coder_bits(ctypes.byref(coder), 0x7FFF, 16)
        for value, more in steps:
            for _ in range(1 + more):
                nn.dp_coder_bits(ctypes.byref(coder), value, 16)
        return room.raw[: nn.dp_coder_finish(ctypes.byref(coder))]

    whole = write(4096)
    assert write(len(whole)) == whole
    for size in {0, 1, len(whole) // 2, len(whole) - 1} - {len(whole)}:
        assert write(size) == b""


def test_sanitizers_find_nothing(compile_nn: Compile, tmp_path: Path) -> None:
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    program = compile_nn("-O1", *sanitize, Path(__file__).with_name("run_tiles.c"))
    cases = [
        replace(case, qualities=(case.qualities[number % 3],))
        for number, case in enumerate(tile_cases())
    ]
    streams, _ = run_tiles([program], tmp_path, cases)
    assert streams == [expected(number)[number % 3] for number in range(len(cases))]
