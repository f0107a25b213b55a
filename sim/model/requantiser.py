"""Makes room in the recorder by requantising frames, before any is dropped.

```
recorder full ─► the least important frame of which nothing was sent ─► requantised to a quarter
      ▲                                                                  of its bytes
      └────────────────────── until the new frame fits ──────────────────────┘
```

Each step takes the processor's time and energy. A frame is protected in the recorder meanwhile.
The new frame takes part like the others; a frame never shrinks for a less important one. A quarter
at once, because requantisation costs least in rate when the step grows by much (docs/codec.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, runtime_checkable

from ...payload.recorder import StoredFile
from .events import Event
from .frame_store import FrameStore
from .onboard import Onboard
from .records import FrameRecord
from .setup import Encoded, ShrinkSetup
from .ticks import Process

_SHARE: Final = 4
"""A frame is requantised to one over this of its bytes, unless that is below the floor."""


@runtime_checkable
class RequantisingSource(Protocol):
    """A source of encoded frames that can also make them smaller, without their pixels."""

    def requantise(self, record: FrameRecord, budgets: tuple[int, ...]) -> Encoded:
        """Requantise an encoded frame.

        Args:
            record: The frame.
            budgets: The most bytes of each step, those of earlier steps included.

        Returns:
            Size and time of the last step. The size is the frame's present one if the codec
            cannot meet the budget.
        """
        ...


class Requantiser:
    """Requantises stored frames and the frame to be stored, one at a time.

    Args:
        onboard: The satellite's state.
        source: Requantises frames.
        store: The recorder with its books.
        setup: The floor.
        compute: Returns the process of computing for so many ticks, energy included.
    """

    def __init__(
        self,
        onboard: Onboard,
        source: RequantisingSource,
        store: FrameStore,
        setup: ShrinkSetup,
        compute: Callable[[int], Process],
    ) -> None:
        self._onboard = onboard
        self._source = source
        self._store = store
        self._setup = setup
        self._compute = compute
        self._smallest: set[int] = set()  # frames that the codec cannot make smaller

    def make_room(self, new: FrameRecord) -> Process:
        """Requantise frames until a new one fits, as far as the floor allows."""
        recorder = self._onboard.recorder
        if new.encoded_bytes + recorder.used <= recorder.capacity:
            return
        self._store.keep_waiting(new)
        while new.encoded_bytes + recorder.used > recorder.capacity:
            chosen = self._next(new)
            if chosen is None:
                return
            yield from self._requantise(*chosen)

    def _next(self, new: FrameRecord) -> tuple[FrameRecord, StoredFile | None] | None:
        """Return the frame to requantise next, and its file if it is stored; None if none is."""
        frames = self._onboard.frames
        choices: list[tuple[FrameRecord, StoredFile | None]] = [
            (frames[file.number], file)
            for file in self._onboard.recorder.untouched()
            if file.priority <= new.capture.priority
        ]
        choices.append((new, None))
        return min(
            (choice for choice in choices if self._target(choice[0]) is not None),
            key=lambda choice: (choice[0].capture.priority, choice[0].capture.number),
            default=None,
        )

    def _target(self, record: FrameRecord) -> int | None:
        """Return the bytes that a frame may have after its next step; None if there is none."""
        capture, size = record.capture, record.encoded_bytes
        if capture.number in self._smallest:
            return None
        target = -(-size // _SHARE)
        if self._setup.least_microbits is None:
            return None if record.budgets else target
        floor = -(-self._setup.least_microbits * capture.width * capture.height // 8_000_000)
        target = max(target, floor)
        return target if target * 10 <= size * 9 else None  # a smaller gain is not worth the loss

    def _requantise(self, record: FrameRecord, file: StoredFile | None) -> Process:
        onboard, capture = self._onboard, record.capture
        target = self._target(record)
        assert target is not None  # noqa: S101  (it was chosen for having one)
        if file is not None:
            onboard.recorder.hold(file)
        budgets = (*record.budgets, target)
        made = self._source.requantise(record, budgets)
        onboard.log(Event.REQUANTISE_START, frame=capture.number, target=capture.target)
        yield from self._compute(made.ticks)
        record.requantise_ticks += made.ticks
        saved = record.encoded_bytes - made.size
        if saved > 0:
            record.budgets = budgets
            record.encoded_bytes = made.size
            record.requantised_bytes += saved
        else:
            saved = 0
            self._smallest.add(capture.number)
        self._store.shrink(file, record.encoded_bytes, saved)
        onboard.log(Event.REQUANTISE_END, frame=capture.number, target=capture.target, amount=saved)
        self._store.announce()
