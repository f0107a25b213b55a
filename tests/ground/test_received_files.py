"""The archive of what arrives, against one set of byte positions a frame."""

from __future__ import annotations

from downpass.ground.received_files import ReceivedFiles
from hypothesis import given
from hypothesis import strategies as st

SIZE = 40
span = st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda s: (min(s), max(s)))
arrivals = st.lists(st.tuples(st.integers(0, 3), st.lists(span, max_size=4)), max_size=12)


@given(arrivals)
def test_what_is_new_what_came_twice_and_what_never_came(
    came: list[tuple[int, list[tuple[int, int]]]],
) -> None:
    received = ReceivedFiles()
    held: dict[int, set[int]] = {}
    twice: dict[int, int] = {}
    for number, spans in came:
        positions = held.setdefault(number, set())
        fresh = repeated = 0
        for start, end in spans:
            for position in range(start, end):
                if position in positions:
                    repeated += 1
                else:
                    fresh += 1
                    positions.add(position)
        twice[number] = twice.get(number, 0) + repeated
        assert received.receive(number, SIZE, spans) == (fresh, repeated)
    for number in range(4):
        gaps = received.missing(number, SIZE)
        absent = {position for start, end in gaps for position in range(start, end)}
        assert absent == set(range(SIZE)) - held.get(number, set())
        reception = received.reception(number)
        assert (reception is None) == (number not in held)
        if reception is not None:
            assert reception.size == SIZE
            assert reception.new_bytes == len(held[number])
            assert reception.duplicate_bytes == twice[number]


def test_a_frame_that_ends_at_another_pass_is_one_frame() -> None:
    received = ReceivedFiles()
    assert received.receive(7, 100, [(0, 60)]) == (60, 0)
    assert received.missing(7, 100) == [(60, 100)]
    assert received.receive(7, 100, [(50, 100)]) == (40, 10)
    assert received.missing(7, 100) == []
    assert received.missing(8, 100) == [(0, 100)]
