from __future__ import annotations

import resource
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.link.student.codestream import AnalysedTile
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student import spill_cache
from downpass.payload.encoders.student.encoder import StudentEncoder
from hypothesis import given, settings
from hypothesis import strategies as st

from .frames import AERIAL, real


def tile(seed: int, rows: int, columns: int) -> AnalysedTile:
    rng = np.random.default_rng(seed)
    return AnalysedTile.of(
        rng.integers(-(2**17), 2**17, (8, rows, columns)),
        rng.integers(-32, 32, (2, -(-rows // 2), -(-columns // 2))),
        rng.integers(-2048, 2048, (8, rows, columns)),
    )


def same(one: AnalysedTile, other: AnalysedTile) -> bool:
    return one.shape == other.shape and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in ("latents", "side", "log_scales")
    )


shapes = st.lists(st.lists(st.tuples(*[st.integers(1, 9)] * 2), max_size=3), max_size=12)


@settings(deadline=None)
@given(shapes, st.integers(0, 20_000))
def test_what_is_put_comes_back(tiles: list[list[tuple[int, int]]], most: int) -> None:
    store = spill_cache.SpillCache(most)
    put = {
        number: [tile(31 * number + at, *shape) for at, shape in enumerate(triples)]
        for number, triples in enumerate(tiles)
    }
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(store.put, put, put.values()))
        found = list(pool.map(store.get, put))
    for own, back in zip(put.values(), found, strict=True):
        assert back is not None
        assert len(own) == len(back)
        assert all(map(same, own, back))
    assert store.get(len(tiles)) is None
    assert store._used <= most


def test_a_budget_is_met_out_of_the_file_as_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = real(AERIAL, 200)
    whole = StudentEncoder(64).encode(frame, Setting(bytes=3000))
    stored: list[int] = []
    write = spill_cache.SpillCache._write

    def seen(self: spill_cache.SpillCache, array: np.ndarray) -> object:
        stored.append(array.nbytes)
        return write(self, array)

    monkeypatch.setattr(spill_cache.SpillCache, "_write", seen)
    monkeypatch.setattr(spill_cache.SpillCache.__init__, "__defaults__", (100_000,))
    assert StudentEncoder(64, threads=2).encode(frame, Setting(bytes=3000)) == whole
    assert sum(stored) > 400_000


def test_no_room_is_one_line_and_spoils_nothing() -> None:
    store = spill_cache.SpillCache(0)
    first, last = tile(1, 5, 6), tile(2, 7, 8)
    store.put(0, [first])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (first.latents.nbytes, limits[1]))
        with pytest.raises(InputError, match="no room for"):
            store.put(1, [last])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert store.get(1) is None
    store.put(2, [last])
    for number, put in ((0, first), (2, last)):
        found = store.get(number)
        assert found is not None
        assert same(found[0], put)
