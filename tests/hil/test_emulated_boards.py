"""The firmware with the student, on every emulated board: conformance, and the bytes of this
computer."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from downpass.link.serial.constants import SampleCode, SettingCode, TickKind
from downpass.link.serial.events import Finished, Refused
from downpass.link.serial.messages import TileForm
from downpass.link.serial.port import Port
from downpass.payload.board.firmware.build import BOARDS, ECHO, build, memory
from downpass.payload.board.tile_coder import tile_coder
from downpass.sim.board import conformance
from downpass.sim.board.client import BoardClient
from downpass.sim.board.emulators import EmulatedBoard

EMULATED = [name for name, board in BOARDS.items() if board.machine]
REAL = [name for name, board in BOARDS.items() if not board.machine]


@pytest.fixture(scope="module", params=EMULATED)
def emulated(request: pytest.FixtureRequest) -> Iterator[EmulatedBoard]:
    with EmulatedBoard(request.param) as board:
        yield board


def job(
    seed: int, rows: int, columns: int, bands: int, step: int, rotation: tuple[int, int, int, int]
) -> tuple[TileForm, bytes]:
    rng = np.random.default_rng(seed)
    slope = np.add.outer(np.arange(rows) * 3, np.arange(columns))[..., None] % 200
    samples = (slope + rng.integers(0, 56, (rows, columns, bands))).astype(np.uint8).tobytes()
    form = TileForm(
        len(samples), zlib.crc32(samples), columns, rows, bands, 8, SampleCode.UINT8, 0,
        SettingCode.STEP, 0, step, rotation,
    )  # fmt: skip
    return form, samples


JOBS = [
    job(1, 64, 64, 3, 128, (120, -20, 30, 12)),
    job(2, 64, 64, 3, 256, (127, 0, 0, 0)),
    job(3, 17, 33, 3, 0, (60, 60, -60, 60)),
    job(4, 1, 1, 1, 200, (127, 0, 0, 0)),
    job(5, 40, 16, 1, 90, (127, 0, 0, 0)),
]


def test_it_passes_the_whole_suite(emulated: EmulatedBoard) -> None:
    with Port(emulated.port) as port:
        results = list(conformance.check(port))
    assert [(result.name, result.fault) for result in results if result.fault] == []


def test_its_bytes_are_those_of_this_computer(emulated: EmulatedBoard) -> None:
    coder = tile_coder("student")
    with BoardClient(emulated.port) as client:
        own = client.capabilities()
        assert own.tick_kind == TickKind.MODELLED
        assert own.fingerprint == coder.fingerprint
        results = dict(client.encode(JOBS))
    for number, one in enumerate(JOBS):
        result = results[number]
        assert isinstance(result, Finished), result
        assert result.payload == coder.encode(*one), number
        assert result.encode_ticks > 0
    assert len({result.payload for result in results.values() if isinstance(result, Finished)}) == 5


def test_what_the_student_cannot_take_is_refused_in_words(emulated: EmulatedBoard) -> None:
    bad = [
        job(1, 8, 8, 2, 10, (127, 0, 0, 0)),
        job(1, 8, 8, 3, 257, (127, 0, 0, 0)),
        job(1, 8, 8, 3, 10, (0, 0, 0, 0)),
    ]
    with BoardClient(emulated.port) as client:
        results = dict(client.encode([*bad, JOBS[3]]))
    for number, word in enumerate(("bands", "step", "rotation")):
        result = results[number]
        assert isinstance(result, Refused)
        assert word in result.cause
    assert isinstance(results[3], Finished)


def test_the_same_tile_takes_the_same_time(emulated: EmulatedBoard) -> None:
    """Whatever the line does meanwhile; the clocks' steps are all that may differ."""
    with BoardClient(emulated.port) as client:
        results = dict(client.encode([JOBS[0]] * 4))
    ticks = [result.encode_ticks for result in results.values() if isinstance(result, Finished)]
    assert len(ticks) == 4
    assert max(ticks) - min(ticks) <= 2e-4 * min(ticks) + 2


@pytest.mark.parametrize("name", REAL)
def test_the_real_boards_images_are_built(name: str, tmp_path: Path) -> None:
    assert memory(build(name, tmp_path / "image.elf", ECHO))["ram"] < 256_000
