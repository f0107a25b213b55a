from __future__ import annotations

import random
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from downpass.link.container.frame import Frame
from downpass.link.serial.constants import SettingCode
from downpass.link.serial.events import Finished, Refused
from downpass.sim.board.client import BoardClient


def picture(seed: int, side: int, bands: int) -> Frame:
    rng = np.random.default_rng(seed)
    slope = np.add.outer(np.arange(side), np.arange(side))[..., None] % 251
    return Frame((slope // 2 + rng.integers(0, 40, (side, side, bands))).astype(np.uint8), 8)


def test_every_tile_is_what_this_computer_makes_of_it(reference: Any, board: BoardClient) -> None:
    own = board.capabilities()
    side = min(64, own.most_columns)
    jobs = reference.jobs(picture(1, 4 * side, 3), side)
    results = dict(board.encode(jobs))
    assert sorted(results) == list(range(16))
    for index, (form, tile) in enumerate(jobs):
        result = results[index]
        assert isinstance(result, Finished), result
        assert result.payload == reference.encode(form, tile)
        assert result.encode_ticks > 0
    # A small tile may arrive in one read, that is within one tick; not all sixteen of them.
    assert sum(result.receive_ticks for result in results.values()) > 0
    assert board.counts.sessions_lost == 0
    assert board.counts.chunks_repeated == 0


def test_the_clock_goes_at_the_rate_that_it_says(board: BoardClient) -> None:
    rate = board.capabilities().tick_rate
    first, second = board.clock(), board.clock()
    assert 0 < (second.ticks - first.ticks) / rate < 5
    assert second.boot_nonce == first.boot_nonce


def test_a_setting_that_cannot_be_is_refused_in_words(reference: Any, board: BoardClient) -> None:
    ((form, tile),) = reference.jobs(picture(2, 16, 1), 0)
    deep = replace(form, setting_kind=SettingCode.BYTES, setting=1)
    ((_, result),) = board.encode([(deep, tile)])
    assert isinstance(result, Refused)
    assert "setting" in result.cause or "budget" in result.cause


def test_a_tile_too_large_is_refused_and_the_next_one_coded(
    reference: Any, board: BoardClient
) -> None:
    own = board.capabilities()
    rows = bytes(own.most_columns + 1)
    form, _ = reference.jobs(picture(3, 8, 1), 0)[0]
    wide = replace(form, tile_bytes=len(rows), tile_crc=zlib.crc32(rows), columns=len(rows), rows=1)
    results = dict(board.encode([(wide, rows), *reference.jobs(picture(3, 8, 1), 0)]))
    assert isinstance(results[0], Refused)
    assert isinstance(results[1], Finished)


def test_many_sessions_one_after_the_other(board_port: str, reference: Any) -> None:
    seeds = random.Random(4)
    for _ in range(3):
        with BoardClient(board_port) as client:
            jobs = reference.jobs(picture(seeds.randrange(99), 32, 1), 0)
            assert isinstance(dict(client.encode(jobs))[0], Finished)
