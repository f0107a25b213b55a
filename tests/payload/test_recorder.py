"""The recorder, against a plain list of files that is sorted anew for every question."""

from __future__ import annotations

import pytest
from downpass.link.channel.transfer import ResumableTransfer
from downpass.payload.recorder import DownlinkOrder, DropRule, Recorder, StoredFile
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule


def stored_file(number: int, size: int, priority: int) -> StoredFile:
    return StoredFile(number, size, priority, ResumableTransfer(size, packet=1))


class RecorderMachine(RuleBasedStateMachine):
    """Stores, sends, puts back and releases at random; every answer has to be the list's."""

    @initialize(
        capacity=st.integers(0, 60),
        order=st.sampled_from(DownlinkOrder),
        drop=st.sampled_from(DropRule),
    )
    def begin(self, capacity: int, order: DownlinkOrder, drop: DropRule) -> None:
        self.recorder = Recorder(capacity, order, drop)
        self.order, self.drop = order, drop
        self.waiting: list[StoredFile] = []
        self.flying: list[StoredFile] = []
        self.seen: set[int] = set()

    def _in_sending_order(self) -> list[StoredFile]:
        def rank(file: StoredFile) -> tuple[int, ...]:
            if self.order is DownlinkOrder.PRIORITY:
                return (-file.priority, not file.transfer.begun, file.number)
            return (file.number if self.order is DownlinkOrder.FIFO else -file.number,)

        return sorted(self.waiting, key=rank)

    def _who_gives_way(self, file: StoredFile) -> list[StoredFile] | None:
        if file.size > self.recorder.capacity:
            return None
        held = sum(f.size for f in self.waiting + self.flying)
        if self.drop is DropRule.NEWEST:
            candidates = []
        elif self.drop is DropRule.OLDEST:
            candidates = sorted(self.waiting, key=lambda f: f.number)
        else:
            candidates = [f for f in self.waiting if f.priority <= file.priority]
            candidates.sort(key=lambda f: (f.priority, f.number))
        gone: list[StoredFile] = []
        for candidate in candidates:
            if held + file.size <= self.recorder.capacity:
                break
            gone.append(candidate)
            held -= candidate.size
        return gone if held + file.size <= self.recorder.capacity else None

    @rule(number=st.integers(0, 200), size=st.integers(1, 25), priority=st.integers(1, 3))
    def store(self, number: int, size: int, priority: int) -> None:
        if number in self.seen:
            return
        self.seen.add(number)
        file = stored_file(number, size, priority)
        expected = self._who_gives_way(file)
        assert self.recorder.store(file) == expected  # files are equal where they are the same
        if expected is not None:
            self.waiting = [f for f in self.waiting if f not in expected] + [file]

    @rule()
    def send(self) -> None:
        order = self._in_sending_order()
        file = self.recorder.next_to_send()
        assert file is (order[0] if order else None)
        if file is not None:
            assert file.in_flight
            self.waiting.remove(file)
            self.flying.append(file)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        file = data.draw(st.sampled_from(self.flying), label="file")
        start, end = file.transfer.next_span()
        acknowledged = data.draw(st.integers(start, end - 1), label="bytes")
        file.transfer.acknowledge((start, acknowledged))
        self.recorder.put_back(file)
        self.flying.remove(file)
        self.waiting.append(file)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        file = data.draw(st.sampled_from(self.flying), label="file")
        self.recorder.release(file)
        self.flying.remove(file)

    @invariant()
    def counts_agree(self) -> None:
        assert self.recorder.used == sum(f.size for f in self.waiting + self.flying)
        assert self.recorder.used <= self.recorder.capacity
        assert self.recorder.ready_bytes == sum(f.transfer.remaining for f in self.waiting)
        highest = max((f.priority for f in self.waiting), default=None)
        assert self.recorder.highest_priority == highest

    @invariant()
    def nothing_in_flight_is_ever_dropped(self) -> None:
        assert all(f.stored and f.in_flight for f in self.flying)
        assert all(f.stored and not f.in_flight for f in self.waiting)


TestRecorder = RecorderMachine.TestCase
TestRecorder.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def filled(order: DownlinkOrder, drop: DropRule, *files: tuple[int, int, int]) -> Recorder:
    recorder = Recorder(100, order, drop)
    for file in files:
        assert recorder.store(stored_file(*file)) == []
    return recorder


def numbers(files: list[StoredFile] | None) -> list[int] | None:
    return None if files is None else [file.number for file in files]


def sent(recorder: Recorder) -> list[int]:
    order = []
    while (file := recorder.next_to_send()) is not None:
        order.append(file.number)
    return order


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (DownlinkOrder.PRIORITY, [3, 1, 2, 4]),
        (DownlinkOrder.FIFO, [1, 2, 3, 4]),
        (DownlinkOrder.NEWEST, [4, 3, 2, 1]),
    ],
)
def test_order_of_sending(order: DownlinkOrder, expected: list[int]) -> None:
    files = [(2, 10, 5), (1, 10, 5), (3, 10, 9), (4, 10, 1)]  # number, size, priority
    assert sent(filled(order, DropRule.NEWEST, *files)) == expected


@pytest.mark.parametrize(
    ("drop", "gone"),
    [
        (DropRule.LOWEST_PRIORITY, [4, 1]),  # priority 1, then the older of the two of 5
        (DropRule.OLDEST, [1, 2]),
        (DropRule.NEWEST, None),  # the newcomer itself
    ],
)
def test_who_gives_way(drop: DropRule, gone: list[int] | None) -> None:
    files = [(1, 30, 5), (2, 30, 5), (3, 30, 9), (4, 10, 1)]
    recorder = filled(DownlinkOrder.FIFO, drop, *files)
    assert numbers(recorder.store(stored_file(5, 40, 5))) == gone
    assert recorder.used == (100 if gone is None or drop is DropRule.LOWEST_PRIORITY else 80)


def test_a_frame_never_makes_a_more_important_one_give_way() -> None:
    recorder = filled(DownlinkOrder.FIFO, DropRule.LOWEST_PRIORITY, (1, 40, 2), (2, 60, 9))
    assert recorder.store(stored_file(3, 50, 8)) is None
    assert recorder.used == 100  # and what could have gone has not gone for nothing
    assert numbers(recorder.store(stored_file(4, 40, 8))) == [1]


def test_one_begun_goes_on_before_others_of_its_priority() -> None:
    recorder = filled(DownlinkOrder.PRIORITY, DropRule.NEWEST, (1, 10, 5), (2, 10, 5), (3, 10, 6))
    assert recorder.next_to_send().number == 3  # type: ignore[union-attr]
    first, second = recorder.next_to_send(), recorder.next_to_send()
    assert first is not None
    assert second is not None
    recorder.put_back(first)
    second.transfer.acknowledge((0, 4))
    recorder.put_back(second)
    assert recorder.ready_bytes == 16
    assert sent(recorder) == [2, 1]


def test_a_file_larger_than_the_memory_is_refused_and_a_negative_memory_is_none() -> None:
    recorder = filled(DownlinkOrder.FIFO, DropRule.OLDEST, (1, 10, 1))
    assert recorder.store(stored_file(2, 101, 9)) is None
    assert recorder.used == 10
    with pytest.raises(ValueError, match="negative"):
        Recorder(-1, DownlinkOrder.FIFO, DropRule.OLDEST)
