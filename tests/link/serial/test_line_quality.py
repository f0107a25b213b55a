"""The chunk size for an error rate: by the formula, and on lines in virtual time."""

from __future__ import annotations

import random

import pytest
from downpass.link.serial.faults.faulty_line import Faults, FaultyLine
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.line_quality import Traffic, best_chunk, bit_error_rate, smaller_chunk
from downpass.link.serial.testing.rehearsal import Rehearsal, capabilities, plain_tile
from scipy.optimize import minimize_scalar


@pytest.mark.parametrize("rate", [1e-6, 1e-5, 1e-4, 3e-4])
def test_the_best_chunk_is_near_the_largest_share_of_the_line(rate: float) -> None:
    def share(chunk: float) -> float:
        return -float(chunk / (chunk + 32) * (1 - rate) ** (8 * (chunk + 32)))

    best = minimize_scalar(share, bounds=(8, 30_000), method="bounded")
    assert share(best_chunk(rate)) < 0.96 * best.fun


@pytest.mark.parametrize(
    ("rate", "chunk"), [(0.0, 32768), (1e-6, 2048), (1e-5, 512), (1e-4, 256), (1e-3, 64), (0.5, 64)]
)
def test_the_best_chunk_is_a_power_of_two(rate: float, chunk: int) -> None:
    assert best_chunk(rate) == chunk


def test_the_rate_of_counted_frames() -> None:
    """100 frames of 125 bytes, 1000 bits each; 63 damaged: -ln 0.37 / 1000 = 9.94e-4."""
    assert bit_error_rate(Traffic(100, 12_500, 63)) == pytest.approx(9.94e-4, rel=1e-3)
    assert bit_error_rate(Traffic(100, 12_500, 7)) is None
    every = bit_error_rate(Traffic(10, 10_000, 10))
    assert every is not None
    assert every < 1


@pytest.mark.parametrize(
    ("chunk", "damaged", "smaller"),
    [(2048, 0, None), (2048, 80, 256), (512, 9, None), (64, 60, None)],
)
def test_a_new_session_only_where_it_is_worth_it(
    chunk: int, damaged: int, smaller: int | None
) -> None:
    assert smaller_chunk(chunk, Traffic(100, 100 * (chunk + 32), damaged)) == smaller


def encoded(faults: Faults, **settings: int | bool) -> Rehearsal:
    rng = random.Random(1)
    tiles = [rng.randbytes(64 * 64 * 3) for _ in range(16)]
    line = Rehearsal(
        capabilities(chunk=4096),
        HostSettings(baud=921600, **settings),  # type: ignore[arg-type]
        FaultyLine(1, 921600, 0.001, faults),
        FaultyLine(2, 921600, 0.001, faults),
        seed=3,
    )
    line.run([(plain_tile(tile, step), tile) for step, tile in enumerate(tiles)])
    return line


def test_a_line_with_bit_errors_gets_smaller_chunks_and_is_faster() -> None:
    bad = Faults(flip_bit=8e-4)  # a bit error rate of 1e-4
    fixed, adapting = encoded(bad, adapts=False), encoded(bad)
    assert len(adapting.outcome.payloads) == 16
    assert adapting.host.counts.chunk <= 256
    assert adapting.host.counts.sessions_lost == 0
    assert adapting.outcome.seconds < fixed.outcome.seconds / 10


@pytest.mark.parametrize("faults", [Faults(), Faults(drop=0.1), Faults(flip_bit=8e-7)])
def test_a_line_without_much_damage_keeps_its_chunks(faults: Faults) -> None:
    """Lost frames are as rare among small ones, so nothing is gained by smaller chunks."""
    counts = encoded(faults).host.counts
    assert (counts.chunk, counts.chunk_changes, counts.sessions) == (2048, 0, 1)


def test_a_chunk_that_was_asked_for_stays() -> None:
    counts = encoded(Faults(flip_bit=8e-5), adapts=False, chunk=1024).host.counts
    assert (counts.chunk, counts.chunk_changes) == (1024, 0)
