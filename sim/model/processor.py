"""The onboard processor: raw frames wait in working memory and are encoded one at a time."""

from __future__ import annotations

import heapq
from typing import Final

from .events import Event
from .frame_store import FrameStore
from .ledger import Book
from .onboard import Onboard, Wakeup
from .records import FrameRecord, FrameState
from .requantiser import Requantiser, RequantisingSource
from .setup import Capture, EncodeOrder, FrameSource, Situation
from .ticks import Process

MEMORY_FULL: Final = "working memory full"


class Processor:
    """Encodes the frames in working memory, in the order of the policy.

    Args:
        onboard: The satellite's state.
        source: The source of encoded frames.
        store: The store that receives the encoded frames.
    """

    def __init__(self, onboard: Onboard, source: FrameSource, store: FrameStore) -> None:
        self._onboard = onboard
        self._source = source
        self._store = store
        self._queue: list[tuple[tuple[int, int], Capture]] = []
        self._frame_arrived = Wakeup(onboard.env)
        self._requantiser: Requantiser | None = None
        shrink = onboard.setup.shrink
        if shrink is not None:
            if not isinstance(source, RequantisingSource):
                raise ValueError(f"{source!r} cannot requantise frames")
            self._requantiser = Requantiser(onboard, source, store, shrink, self._requantise)

    def accept(self, capture: Capture) -> None:
        """Take a raw frame into working memory, or drop it if it does not fit."""
        onboard = self._onboard
        record = FrameRecord(capture, onboard.index)
        onboard.frames[capture.number] = record
        size = capture.raw_bytes
        fits = onboard.working_bytes + size <= onboard.setup.working_memory
        if fits:
            onboard.ledger.move(Book.RAW, "captured", "queued", size)
            onboard.working_bytes += size
        else:
            onboard.ledger.move(Book.RAW, "captured", "dropped", size, MEMORY_FULL)
        onboard.log(Event.CAPTURE, frame=capture.number, target=capture.target, amount=size)
        if not fits:
            self._store.drop(record, MEMORY_FULL, size)
            return
        rank = -capture.priority if onboard.setup.encode_order is EncodeOrder.PRIORITY else 0
        heapq.heappush(self._queue, ((rank, capture.number), capture))
        self._frame_arrived.notify()

    def run(self) -> Process:
        """Encode waiting frames in the order of the policy, whenever there is power."""
        onboard = self._onboard
        while True:
            if not self._queue:
                yield self._frame_arrived.wait()
            if onboard.bus is not None and not onboard.bus.ok:
                yield onboard.bus.restored
                continue  # a more important frame may have arrived meanwhile
            capture = self._queue[0][1]
            encoded = self._source.encode(capture, self._situation())
            if encoded is None:
                return  # the encoder has stopped; waiting frames stay in memory
            heapq.heappop(self._queue)
            record = onboard.frames[capture.number]
            onboard.ledger.move(Book.RAW, "queued", "encoding", capture.raw_bytes)
            record.state = FrameState.ENCODING
            record.encode_start = onboard.env.now
            onboard.log(Event.ENCODE_START, frame=capture.number, target=capture.target)
            yield from self._compute(encoded.ticks)
            onboard.working_bytes -= capture.raw_bytes
            onboard.ledger.move(Book.RAW, "encoding", "encoded", capture.raw_bytes)
            record.encode_end = onboard.env.now
            record.encode_ticks = encoded.ticks
            record.encoded_bytes = encoded.size
            record.setting = encoded.setting
            record.wrong_tiles = encoded.wrong_tiles
            self._count_energy(encoded.ticks)
            onboard.log(
                Event.ENCODE_END,
                frame=capture.number,
                target=capture.target,
                amount=encoded.size,
            )
            if self._requantiser is not None:
                yield from self._requantiser.make_room(record)
            self._store.store(record)

    def _situation(self) -> Situation:
        onboard = self._onboard
        recorder = onboard.recorder
        # No frame is being encoded now, so every frame in working memory is waiting.
        return Situation(onboard.env.now, recorder.used, recorder.capacity, onboard.working_bytes)

    def _count_energy(self, ticks: int) -> None:
        onboard = self._onboard
        power = onboard.setup.encoding_milliwatts
        if power is None or onboard.encode_energy is None:
            onboard.encode_energy = None
        else:
            onboard.encode_energy += ticks * power

    def _requantise(self, ticks: int) -> Process:
        yield from self._compute(ticks)
        self._count_energy(ticks)

    def _compute(self, ticks: int) -> Process:
        """Compute for `ticks`, with pauses while the battery is low."""
        env, bus = self._onboard.env, self._onboard.bus
        if bus is None:
            yield env.timeout(ticks)
            return
        load = bus.setup.encoding
        while ticks > 0:
            if not bus.ok:
                yield bus.restored
            begun = env.now
            bus.draw(load)
            yield env.timeout(ticks) | bus.low
            bus.draw(-load)
            ticks -= env.now - begun
