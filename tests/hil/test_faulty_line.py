"""The board behind a line that does what lines do, in real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from downpass.link.serial.events import Finished
from downpass.link.serial.faults.faulty_line import Faults
from downpass.link.serial.faults.line_proxy import LineProxy
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import TileForm
from downpass.sim.board.client import BoardClient

Jobs = list[tuple[TileForm, bytes]]
MakeJobs = Callable[..., Jobs]


def assert_exact(client: BoardClient, jobs: Jobs, reference: Any) -> None:
    results = dict(client.encode(jobs))
    assert sorted(results) == list(range(len(jobs)))
    for index, (form, tile) in enumerate(jobs):
        result = results[index]
        assert isinstance(result, Finished), result
        assert result.payload == reference.encode(form, tile)


def test_no_tile_is_lost_or_wrong_over_a_bad_line(
    faulty_line: Callable[..., LineProxy], reference: Any, jobs: MakeJobs
) -> None:
    bad = Faults(
        drop=0.03, duplicate=0.03, reorder=0.03, truncate=0.03, garbage=0.03, flip_bit=1e-5
    )
    line = faulty_line(seed=3, baud=3_000_000, delay_s=0.002, faults=bad)
    with BoardClient(line.address) as client:
        assert_exact(client, jobs(40, side=48), reference)
    assert line.down.counts.total + line.up.counts.total > 30


def test_a_host_that_is_cut_off_again_and_again_finishes(
    faulty_line: Callable[..., LineProxy], reference: Any, jobs: MakeJobs
) -> None:
    line = faulty_line(seed=4, baud=921600)
    done = threading.Event()

    def trouble() -> None:
        for strike in range(4):
            if done.wait(0.4):
                return
            if strike % 2:
                line.stall(0.3)
            else:
                line.disconnect()

    cutter = threading.Thread(target=trouble)
    cutter.start()
    with BoardClient(line.address, settings=HostSettings(silence=1)) as client:
        assert_exact(client, jobs(16, side=48), reference)
        assert client.counts.sessions_lost >= 1
    done.set()
    cutter.join()


def test_the_line_is_full_while_tiles_load(
    faulty_line: Callable[..., LineProxy], reference: Any, jobs: MakeJobs
) -> None:
    line = faulty_line(baud=460800, delay_s=0.008)
    tiles = jobs(12, side=48)
    with BoardClient(line.address, 460800) as client:
        client.capabilities()
        begin = time.monotonic()
        assert_exact(client, tiles, reference)
        wall_s = time.monotonic() - begin
    line_s = sum(form.tile_bytes for form, _ in tiles) * 10 / 460800
    # Generous: other work on the machine counts too. The protocol's own share is measured in
    # virtual time, where nothing else is.
    assert line_s < wall_s < 1.6 * line_s
