"""The clock on the wall: nothing before its time, and what is late is told."""

from __future__ import annotations

import time

from downpass.sim.model.pace import PacedEnvironment


def test_nothing_happens_before_its_time() -> None:
    env = PacedEnvironment(factor=0.1)
    seen: list[float] = []
    begun = time.monotonic()
    for ticks in (1_000_000, 2_000_000):
        env.call_later(ticks, lambda: seen.append(time.monotonic() - begun))
    env.run(until=2_000_001)
    assert seen[0] >= 0.1
    assert seen[1] >= 0.2
    assert env.now == 2_000_001


def test_what_takes_too_long_is_late_and_not_wrong() -> None:
    env = PacedEnvironment(factor=0.001)
    order: list[int] = []
    env.call_later(10, lambda: time.sleep(0.3))
    env.call_later(20, lambda: order.append(1))
    env.call_later(30, lambda: order.append(2))
    env.run(until=40)
    assert order == [1, 2]
    assert env.behind_at == 20
    assert env.behind_s > 0.29
