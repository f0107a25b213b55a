"""What is reported of an outage and of a slow tile, by a clock that the test moves."""

from __future__ import annotations

from downpass.link.serial.events import Closed, Event, Finished, Opened
from downpass.link.serial.testing.rehearsal import capabilities
from downpass.sim.board.watch import Watch

OPENED = Opened(capabilities(), again=True)
DONE = Finished(0, b"", 0, 0, 0)


def said(*events: tuple[float, Event | None]) -> list[str]:
    lines: list[str] = []
    now = 0.0
    watch = Watch("/dev/ttyX", 60.0, lines.append, lambda: now)
    for at, event in events:
        now = at
        watch.heard(event, "tile 3 of A")
    return lines


def test_a_board_that_works_says_nothing() -> None:
    assert said(*((float(second), DONE) for second in range(0, 100, 10))) == []


def test_an_outage_has_a_beginning_reminders_and_an_end() -> None:
    assert said(
        (0, DONE), (1, Closed("the board said nothing for 5 s")), (2.9, None), (3, None),
        (32, None), (33.5, None), (50, OPENED), (51, None),
    ) == [
        "board on /dev/ttyX: away for 2 s (the board said nothing for 5 s); giving up in 58 s",
        "board on /dev/ttyX: away for 32 s; giving up in 28 s",
        "board on /dev/ttyX: back after 49.0 s",
    ]  # fmt: skip


def test_sessions_that_are_open_again_at_once_are_not_reported() -> None:
    assert said((0, DONE), (1, Closed("x")), (1.5, OPENED), (2, Closed("x")), (3, OPENED)) == []


def test_a_slow_tile_is_named_now_and_then() -> None:
    assert said((0, None), (14.9, None), (15, None), (44, None), (45.5, None), (46, DONE)) == [
        "board on /dev/ttyX: tile 3 of A is not finished after 15 s",
        "board on /dev/ttyX: tile 3 of A is not finished after 46 s",
    ]


def test_a_cause_from_the_board_stays_one_printable_line() -> None:
    (line,) = said((0, Closed("a\x1b[2J\nb")), (3, None))
    assert line.isprintable()
