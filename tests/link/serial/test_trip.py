"""A tile's way to the board and back: its times and repetitions, in virtual time."""

from __future__ import annotations

import random

import pytest
from downpass.link.serial.blame import Blame
from downpass.link.serial.faults.faulty_line import CLEAN, Faults, FaultyLine
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.testing.rehearsal import (
    Rehearsal,
    Trouble,
    capabilities,
    plain_tile,
)
from downpass.link.serial.trip import Trip
from hypothesis import given, settings
from hypothesis import strategies as st


def rehearsal(
    delay: float = 0.0,
    faults: Faults = CLEAN,
    trouble: Trouble | None = None,
    baud: int | None = None,
    seed: int = 1,
    encode_s: float = 0.01,
) -> Rehearsal:
    return Rehearsal(
        capabilities(chunk=256, slots=2),
        HostSettings(away=3600, fruitless=10**6, chunk=256, adapts=False),
        FaultyLine(seed, baud, delay, faults),
        FaultyLine(seed + 1, baud, delay, faults),
        seed=seed,
        encode_s=lambda work: encode_s,
        trouble=trouble,
    )


def test_times_of_one_tile_by_hand() -> None:
    tile = bytes(100)
    out = rehearsal(delay=0.1, encode_s=0.05).run([(plain_tile(tile), tile)])
    trip = out.trips[0]
    # Three round trips of 0.2 s open the session. JOB, LOAD and RUN go together, and the STATE that
    # confirms them is back after another. Encoding takes 50 ms from when the tile has arrived, so
    # the result comes 50 ms after that STATE, in one frame and its RESULT at once.
    found = trip.queue_s, trip.upload_s, trip.on_board_s, trip.download_s
    assert found == pytest.approx((0.6, 0.2, 0.05, 0.0), abs=1e-6)
    assert (trip.sessions, trip.chunks, trip.chunks_sent, trip.chunks_repeated) == (1, 1, 1, 0)


def test_the_second_tile_waits_for_the_line() -> None:
    tile = random.Random(1).randbytes(2560)
    form = plain_tile(tile)
    out = rehearsal(baud=9600, encode_s=0.0).run([(form, tile), (form, tile)])
    first, second = out.trips[0], out.trips[1]
    assert first.upload_s is not None
    # Ten chunks of 256 bytes at 960 bytes a second, its framing and JOB.
    assert 2560 / 960 < first.upload_s < 1.15 * 2560 / 960
    assert first.queue_s is not None
    assert second.queue_s is not None
    assert second.queue_s > first.queue_s + 0.9 * first.upload_s


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**16),
    drop=st.floats(0, 0.1),
    restart=st.none() | st.floats(2, 20),
    unplug=st.none() | st.floats(2, 20),
)
def test_nothing_is_counted_twice(
    seed: int, drop: float, restart: float | None, unplug: float | None
) -> None:
    rng = random.Random(seed)
    tiles = [rng.randbytes(rng.randint(1, 2000)) for _ in range(8)]
    trouble = Trouble(restart=restart, unplug=unplug, until_s=60)
    line = rehearsal(0.008, Faults(drop=drop), trouble, 115200, seed)
    out = line.run([(plain_tile(tile), tile) for tile in tiles])
    counts = line.host.counts
    assert sorted(out.trips) == list(range(len(tiles)))
    assert sum(trip.chunks_sent for trip in out.trips.values()) == counts.chunks_sent
    assert sum(trip.chunks_repeated for trip in out.trips.values()) == counts.chunks_sent - sum(
        -(-len(tile) // 256) for tile in tiles
    )
    for ticket, trip in out.trips.items():
        assert trip.chunks == -(-len(tiles[ticket]) // 256)
        assert trip.done_at is not None
        parts = (trip.queue_s, trip.upload_s, trip.on_board_s, trip.download_s)
        assert all(part is not None and part >= 0 for part in parts)
        total = sum(part for part in parts if part is not None)
        assert total == pytest.approx(trip.done_at - trip.submitted_at)
        assert 1 <= trip.sessions <= out.opened
    assert out.reboots <= counts.restarts
    assert len(out.blamed) == len(out.closed) == counts.sessions_lost
    if restart is None:
        assert out.reboots == 0
        assert Blame.REBOOTED not in out.blamed
    if unplug is None:
        assert Blame.LINE not in out.blamed


def test_a_tile_that_has_not_come_back_has_no_times() -> None:
    trip = Trip(3.0)
    assert (trip.queue_s, trip.upload_s, trip.on_board_s, trip.download_s) == (None,) * 4
    trip.begin(2)
    trip.announce(5.0)
    trip.begin(2)  # the session was lost
    assert trip.queue_s is None
    trip.announce(9.0)
    trip.announce(9.5)  # JOB is sent again: the tile was announced before
    assert (trip.queue_s, trip.sessions) == (6.0, 2)
    trip.answer(11.0)
    assert (trip.upload_s, trip.on_board_s) == (2.0, 0.0)
