"""The firmware on an emulated Zynq-7000: the conformance suite, and the faults."""

from __future__ import annotations

import random
import zlib

import pytest
from downpass.link.serial.constants import TickKind
from downpass.link.serial.events import Finished
from downpass.link.serial.faultyline import Faults
from downpass.link.serial.port import Port
from downpass.link.serial.rehearsal import plain_tile
from downpass.sim.board import conformance
from downpass.sim.board.client import BoardClient
from downpass.sim.board.emulators import PACKAGES, board_port, missing_tools
from downpass.sim.board.proxy import LineProxy

pytestmark = pytest.mark.skipif(
    bool(missing_tools()), reason=f"{', '.join(missing_tools())} missing: apt install {PACKAGES}"
)


def test_it_passes_the_whole_suite() -> None:
    with board_port("emulator:zynq-a9") as name, Port(name) as port:
        outcomes = conformance.check(port)
    assert [(one.name, one.fault) for one in outcomes if one.fault] == []


def test_no_tile_is_lost_or_wrong_over_a_bad_line() -> None:
    rng = random.Random(11)
    tiles = []
    for step in range(60):
        rows = rng.randint(1, 64)
        samples = rng.randbytes(64 * rows)
        form = plain_tile(samples, step)
        tiles.append((type(form)(64 * rows, zlib.crc32(samples), 64, rows, 1, 8, form.sample, 0,
                                 form.setting_kind, 0, step), samples))  # fmt: skip
    bad = Faults(
        drop=0.03, duplicate=0.03, reorder=0.03, truncate=0.03, garbage=0.03, flip_bit=1e-5
    )
    with (
        board_port("emulator:zynq-a9") as name,
        LineProxy(name, seed=5, baud=921600, delay_s=0.002, faults=bad) as line,
        BoardClient(line.address) as client,
    ):
        assert client.capabilities().tick_kind == TickKind.MODELLED
        results = dict(client.encode(tiles))
    assert sorted(results) == list(range(60))
    for index, (_, samples) in enumerate(tiles):
        result = results[index]
        assert isinstance(result, Finished), result
        assert result.payload == samples
    assert line.down.counts.total > 20
