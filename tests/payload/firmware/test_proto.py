"""The firmware's protocol in C against the specification's vectors and the Python board."""

from __future__ import annotations

import ctypes
import json
import random
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cobs import cobs
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import SampleCode, SettingCode, Status
from downpass.link.serial.framing import Deframer, frame
from downpass.link.serial.messages import (
    Capabilities,
    Caps,
    Got,
    Job,
    Load,
    Message,
    Open,
    Ping,
    Query,
    Release,
    Reset,
    Run,
    TileForm,
    open_body,
    seal,
    session_number,
)
from hypothesis import given
from hypothesis import strategies as st

VECTORS = json.loads(
    (Path(__file__).parents[2] / "link" / "serial" / "vectors.json").read_text(encoding="utf-8")
)
BOOT = VECTORS["boot_nonce"]
u8, u16, u32, u64 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64


class CCapabilities(ctypes.Structure):
    _fields_ = (
        *((name, u32) for name in ("memory", "largest_tile", "largest_result")),
        *((name, u16) for name in ("most_columns", "most_rows", "most_bands")),
        *(
            (name, u8)
            for name in ("bit_depth", "slots", "window", "codec", "features", "tick_kind")
        ),
        ("chunk", u16),
        ("tick_rate", u32),
        ("clock_hz", u32),
        ("fingerprint", u8 * 8),
        ("name", ctypes.c_char_p),
        ("software", ctypes.c_char_p),
    )


class CForm(ctypes.Structure):
    _fields_ = (
        ("tile_bytes", u32),
        ("tile_crc", u32),
        *((name, u16) for name in ("columns", "rows", "bands")),
        *((name, u8) for name in ("bit_depth", "sample", "flags", "setting_kind")),
        ("nodata", ctypes.c_int32),
        ("setting", u32),
        ("rotation", ctypes.c_int8 * 4),
    )


class CWork(ctypes.Structure):
    _fields_ = (
        ("session", u32),
        ("job", u32),
        ("form", CForm),
        ("tile", ctypes.POINTER(u8)),
        ("payload", ctypes.POINTER(u8)),
        ("payload_size", u32),
    )


class CBoard:
    """The C machine with the Python one's methods."""

    def __init__(self, library: ctypes.CDLL, own: Capabilities, boot: int) -> None:
        self._library = library
        library.size_of_board.restype = ctypes.c_size_t
        library.dp_board_send.restype = ctypes.c_size_t
        library.dp_board_take.restype = ctypes.POINTER(CWork)
        library.dp_board_init.restype = ctypes.c_bool
        self._memory = ctypes.create_string_buffer(library.size_of_board())
        self._out = ctypes.create_string_buffer(5000)
        self._work: CWork | None = None
        values = {name: getattr(own, name) for name, *_ in CCapabilities._fields_}
        values |= {
            "fingerprint": (u8 * 8)(*own.fingerprint),
            "name": own.name.encode(),
            "software": own.software.encode(),
        }
        self._own = CCapabilities(**values)
        assert library.dp_board_init(self._memory, ctypes.byref(self._own), u32(boot))

    def receive(self, data: bytes, ticks: int) -> None:
        self._library.dp_board_receive(self._memory, data, ctypes.c_size_t(len(data)), u64(ticks))

    def send(self, ticks: int) -> bytes:
        size = self._library.dp_board_send(self._memory, self._out, u64(ticks))
        return self._out.raw[:size]

    def take(self) -> tuple[int, int, bytes] | None:
        pointer = self._library.dp_board_take(self._memory)
        if not pointer:
            return None
        self._work = pointer.contents
        tile = ctypes.string_at(self._work.tile, self._work.form.tile_bytes)
        return self._work.session, self._work.job, tile

    def finish(self, status: Status, payload: bytes, ticks: int) -> None:
        if self._work is not None:
            room = min(len(payload), self._work.payload_size)
            ctypes.memmove(self._work.payload, payload, room)
        self._library.dp_board_finish(
            self._memory, ctypes.c_int(status), u32(len(payload)), u64(ticks)
        )


def said_by(board: CBoard | BoardEnd, ticks: int) -> Iterator[bytes]:
    while data := board.send(ticks):
        yield data


@pytest.fixture(scope="module")
def own() -> Capabilities:
    step = next(step for step in VECTORS["steps"] if step["step"] == "query")
    (body,) = Deframer().feed(bytes.fromhex(step["out"][0]))
    _, message = open_body(body)
    assert isinstance(message, Caps)
    return message.capabilities


def test_the_conversation_of_the_specification(proto: ctypes.CDLL, own: Capabilities) -> None:
    board = CBoard(proto, own, BOOT)
    for step in VECTORS["steps"]:
        board.receive(bytes.fromhex(step["in"]), step["ticks"])
        if step["step"] == "finish":
            board.finish(Status.CODED, bytes.fromhex(VECTORS["payload"]), VECTORS["encode_ticks"])
        assert (board.take() is not None) == step["take"], step["step"]
        assert [data.hex() for data in said_by(board, step["ticks"])] == step["out"], step["step"]


@pytest.mark.parametrize("fields", [0, 3, 4, 10])
def test_only_kinds_below_80_are_answered(
    fields: int, proto: ctypes.CDLL, own: Capabilities
) -> None:
    """The others are the host's: a line that echoes must not start an endless exchange."""
    for kind in range(256):
        said = []
        for board in (CBoard(proto, own, BOOT), BoardEnd(own, BOOT)):
            list(said_by(board, 0))  # its boot
            board.receive(frame(bytes((kind,)) + bytes(fields)), 1)
            said.append(list(said_by(board, 2)))
        assert said[0] == said[1]
        assert len(said[0]) == (kind < 0x80)


def test_crc_and_cobs(proto: ctypes.CDLL) -> None:
    proto.dp_crc32.restype = u32
    proto.dp_cobs_encode.restype = proto.dp_cobs_decode.restype = ctypes.c_size_t

    @given(
        st.binary(max_size=1200)
        | st.binary(min_size=250, max_size=260).map(lambda b: b"\x07" * len(b))
    )
    def same(data: bytes) -> None:
        out = ctypes.create_string_buffer(2500)
        size = ctypes.c_size_t(len(data))
        assert proto.dp_crc32(data, size) == zlib.crc32(data)
        length = proto.dp_cobs_encode(data, size, out)
        assert out.raw[:length] == cobs.encode(data)
        try:
            expected = cobs.decode(data)
        except cobs.DecodeError:
            expected = None
        length = proto.dp_cobs_decode(data, size, out)
        if length == ctypes.c_size_t(-1).value:
            assert expected is None
        else:
            assert out.raw[:length] == expected

    same()


def some_message(
    rng: random.Random, nonces: list[int], tiles: list[bytes], lowest: int
) -> tuple[Message, int]:
    nonce = nonces[-1] if rng.random() < 0.97 else rng.choice(nonces)
    session = session_number(nonce, BOOT)
    job = max(0, lowest + rng.choice((0, 0, 0, 0, 1, 1, 2, -1, rng.randrange(9))))
    tile = tiles[job % len(tiles)]
    crc = zlib.crc32(tile) ^ (rng.random() < 0.02)
    columns = max(side for side in range(1, 65) if len(tile) % side == 0)
    form = TileForm(
        len(tile), crc, columns, len(tile) // columns, 1, rng.choice((8,) * 50 + (7,)),
        SampleCode.UINT8, rng.choice((0,) * 50 + (4,)),
        rng.choice((SettingCode.STEP,) * 50 + (SettingCode.BYTES,)),
        0, rng.choice((7,) * 50 + (8,)),
        rng.choice(((127, 0, 0, 0),) * 50 + ((90, -90, 1, -127), (0, 0, 0, 0), (0, 0, 0, -128))),
    )  # fmt: skip
    index = rng.randrange(-(-len(tile) // 64) + (rng.random() < 0.1))
    message: Message = rng.choice(
        [
            Reset(nonce, 1, 1),
            Query(nonce, rng.choice((1, 1, 2))),
            Open(nonce, BOOT ^ (rng.random() < 0.1), 1, rng.choice((0, 1, 4, 64)), 64,
                 bytes.fromhex("0102030405060708")),
            Job(job, form), Job(job, form), Job(job, form),
            *[Load(job, index, tile[index * 64 : index * 64 + 64] or b"x")] * 12,
            *[Run(job)] * 4,
            *[Got(job, rng.randrange(2), rng.randrange(4), rng.getrandbits(4),
                  rng.getrandbits(5))] * 6,
            Release(job),
            Ping(nonce),
        ]
    )  # fmt: skip
    return message, session


@pytest.mark.parametrize("seed", range(12))
def test_both_machines_say_the_same(seed: int, proto: ctypes.CDLL, own: Capabilities) -> None:
    rng = random.Random(seed)
    finished = 0
    for _ in range(12):
        c, python = CBoard(proto, own, BOOT), BoardEnd(own, BOOT)
        nonces = [rng.randrange(1, 2**32)]
        tiles = [rng.randbytes(rng.choice((1, 64, 65, 150, 200))) for _ in range(3)]
        first = Open(nonces[0], BOOT, 1, rng.choice((1, 2, 64)), 64, own.fingerprint)
        pending = seal(first, session_number(nonces[0], BOOT))
        for ticks in range(0, 8000, 10):
            if not pending:
                if rng.random() < 0.01:
                    nonces.append(rng.randrange(1, 2**32))
                message, session = some_message(rng, nonces, tiles, python._lowest)
                pending = seal(message, session)
                if rng.random() < 0.05:
                    damaged = bytearray(pending)
                    damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
                    pending = bytes(damaged)
                if rng.random() < 0.03:
                    pending += frame(rng.randbytes(rng.randint(1, 40)))
                if rng.random() < 0.02:
                    pending += rng.randbytes(rng.choice((10, 5000)))
            cut = rng.choice((len(pending), rng.randrange(len(pending) + 1)))
            c.receive(pending[:cut], ticks)
            python.receive(pending[:cut], ticks)
            pending = pending[cut:]
            if rng.random() < 0.7:
                ours, theirs = python.take(), c.take()
                assert (ours and (ours.session, ours.job, ours.tile)) == theirs
            if python.busy and rng.random() < 0.6:
                status = rng.choice((Status.CODED, Status.FAILED))
                payload = rng.randbytes(rng.choice((0, 1, 64, 300, 4096, 4097)))
                finished += 1
                c.finish(status, payload, ticks + 1)
                python.finish(status, payload, ticks + 1)
            for _ in range(rng.randrange(4)):
                assert c.send(ticks) == python.send(ticks)
        assert list(said_by(c, 8000)) == list(said_by(python, 8000))
    assert finished > 20, "too little was encoded for this to mean much"


def fuzz_seeds(folder: Path) -> list[Path]:
    """The conversation as the fuzz target reads it: op, length, data."""
    bodies = []
    for step in VECTORS["steps"]:
        if step["in"]:
            (body,) = Deframer().feed(bytes.fromhex(step["in"]))
            bodies.append(bytes((1, len(body))) + body)
        if step["step"] == "finish":
            bodies.append(bytes((3, 4)))
        if step["take"]:
            bodies.append(bytes((2, 0)))
    paths = [folder / f"seed{number}" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_bytes(b"".join(bodies[: len(bodies) // (number + 1)]))
    return paths


def test_what_the_fuzzer_found_worth_keeping(fuzzer: Path, tmp_path: Path) -> None:
    """Ten minutes of libFuzzer, minimised; docs/boards.md tells how to make it anew."""
    with zipfile.ZipFile(Path(__file__).parent / "fuzz_corpus.zip") as kept:
        kept.extractall(tmp_path)
    files = sorted(tmp_path.iterdir())
    ran = subprocess.run([fuzzer, "0", *files], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout == f"{len(files)} seeds, 0 mutations\n"
    assert len(files) > 100


def test_no_bytes_make_it_stumble(fuzzer: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [fuzzer, "20000", *fuzz_seeds(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout == "4 seeds, 20000 mutations\n"
