"""Chunks, windows and time-outs suit every bit rate that a scenario may name."""

from __future__ import annotations

import random

import pytest
from downpass.link.serial.faults.faulty_line import Faults, FaultyLine
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.line_pace import LinePace
from downpass.link.serial.testing.rehearsal import Rehearsal, capabilities, plain_tile

TILE = random.Random(1).randbytes(6000)


@pytest.mark.parametrize(
    ("baud", "chunk", "window", "answer_s"),
    [
        (None, 2048, 32, 0.1),
        (921_600, 2048, 32, 0.1 + 34 * 2088 * 10 / 921_600),
        # Two seconds carry 23,040 bytes, or 11 frames of 2088.
        (115_200, 2048, 11, 0.1 + 13 * 2088 * 10 / 115_200),
        (9600, 920, 2, 4.1),
        (300, 64, 2, 0.1 + 4 * 104 / 30),
    ],
)
def test_sizes_by_rate(baud: int | None, chunk: int, window: int, answer_s: float) -> None:
    pace = LinePace(baud)
    assert (pace.chunk(2048), pace.window(32, chunk)) == (chunk, window)
    assert pace.answer_s(window, chunk) == pytest.approx(answer_s)


@pytest.mark.parametrize("baud", [300, 600, 1200, 2400, 4800, 9600, 19_200])
@pytest.mark.parametrize("settings", [{}, {"chunk": 512, "adapts": False}], ids=["usual", "512"])
def test_a_slow_line_carries_tiles_in_one_session_and_repeats_nothing(
    baud: int, settings: dict[str, int]
) -> None:
    rehearsal = Rehearsal(
        capabilities(),
        HostSettings(baud=baud, **settings),  # type: ignore[arg-type]
        FaultyLine(1, baud, 0.01, Faults()),
        FaultyLine(2, baud, 0.01, Faults()),
    )
    found = rehearsal.run([(plain_tile(TILE), TILE)] * 2, limit_s=1e5)
    assert (len(found.payloads), found.opened, found.closed, found.gone) == (2, 1, [], None)
    assert rehearsal.host.counts.chunks_repeated == 0
    # Both ways take 12,000 bytes; a frame of 64 bytes has as many as 104 on the line.
    assert found.seconds < 2.2 * (2 * 12_000 * 10 / baud) + 15


@pytest.mark.parametrize("baud", [300, 921_600])
@pytest.mark.parametrize(("delay_s", "jitter_s"), [(2.0, 0.0), (0.0, 2.0), (1.0, 1.0)])
def test_the_latest_line_that_a_scenario_may_inject_carries_tiles_in_one_session(
    baud: int, delay_s: float, jitter_s: float
) -> None:
    rehearsal = Rehearsal(
        capabilities(),
        HostSettings(baud=baud),
        FaultyLine(1, baud, delay_s, Faults(), jitter_s),
        FaultyLine(2, baud, delay_s, Faults(), jitter_s),
    )
    found = rehearsal.run([(plain_tile(TILE), TILE)] * 2, limit_s=1e5)
    assert (len(found.payloads), found.opened, found.closed, found.gone) == (2, 1, [], None)


@pytest.mark.parametrize("baud", [300, 1200])
def test_a_line_too_slow_for_the_patience_asked_for_still_carries_tiles(baud: int) -> None:
    rehearsal = Rehearsal(
        capabilities(),
        HostSettings(baud=baud, away=1.0, stuck=1.0),
        FaultyLine(1, baud, 0.01, Faults()),
        FaultyLine(2, baud, 0.01, Faults()),
    )
    found = rehearsal.run([(plain_tile(TILE), TILE)] * 2, limit_s=1e5)
    assert (len(found.payloads), found.opened, found.closed, found.gone) == (2, 1, [], None)


@pytest.mark.parametrize(
    ("settings", "patience"),
    [
        (HostSettings(away=1.0), 1.0),
        (HostSettings(away=1.0, baud=921_600), 1.0),
        (HostSettings(away=1.0, baud=300), 20.0),
        (HostSettings(away=60.0, baud=300), 60.0),
    ],
)
def test_patience_is_at_least_what_the_line_needs_to_open_a_session(
    settings: HostSettings, patience: float
) -> None:
    assert settings.patience == patience


@pytest.mark.parametrize("baud", [600, 9600])
def test_a_slow_line_that_loses_frames_still_carries_tiles(baud: int) -> None:
    rehearsal = Rehearsal(
        capabilities(),
        HostSettings(baud=baud),
        FaultyLine(1, baud, 0.01, Faults(drop=0.05)),
        FaultyLine(2, baud, 0.01, Faults(drop=0.05)),
    )
    found = rehearsal.run([(plain_tile(TILE), TILE)] * 2, limit_s=1e5)
    assert (len(found.payloads), found.closed, found.gone) == (2, [], None)
