"""The entropy coder in C against the same in numpy, which needs no compiler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from downpass.link.student.codestream import AnalysedTile, encode_tile
from downpass.link.student.entropy_model import SCALES, TABLES
from downpass.link.student.symbols import tile_symbols
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student import compiled, student_model, tilewriter
from downpass.payload.encoders.student.encoder import StudentEncoder
from hypothesis import given, settings
from hypothesis import strategies as st

from .frames import AERIAL, real

FINEST = 256
NO_DEAD_ZONE = 128


@pytest.fixture(autouse=True)
def native() -> None:
    """Skip where nothing was compiled."""
    if compiled.NATIVE is None:
        pytest.skip("installed without a C compiler (gcc, and the headers of Python)")


@pytest.fixture
def in_numpy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Do without what was compiled."""
    for module in (compiled, tilewriter):
        monkeypatch.setattr(module, "NATIVE", None)
    yield


def tile_of(seed: int, rows: int, columns: int, width: float) -> AnalysedTile:
    """A tile of noise about as wide as its log-scales say, times a width."""
    model, rng = student_model.load().entropy, np.random.default_rng(seed)
    level = rng.integers(-700, 500) + rng.normal(0, 150, (model.latents, 1, 1))
    scales = np.clip(level + rng.normal(0, 60, (model.latents, rows, columns)), -2048, 2047)
    sizes = width * 16 * np.exp2(scales / 32)
    latents = np.clip(rng.laplace(0, 1, sizes.shape) * sizes, -(1 << 17), (1 << 17) - 1)
    # As far as anything that was taken from a picture: means of such would leave any picture's.
    latents[: model.predicted] = np.clip(latents[: model.predicted], -5e4, 5e4)
    side = rng.integers(-32, 32, (model.side, -(-rows // 2), -(-columns // 2)))
    return AnalysedTile.of(latents.astype(np.int32), side, np.floor(scales).astype(np.int32))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, FINEST),
    st.integers(0, NO_DEAD_ZONE),
    st.sampled_from((0.0, 0.3, 1.0, 20.0)),
)
def test_codestreams_are_those_of_numpy(
    seed: int, rows: int, columns: int, quality: int, narrower: int, width: float
) -> None:
    model, tile = student_model.load(), tile_of(seed, rows, columns, width)
    written = model.writer.write(tile, quality, narrower)
    assert written == encode_tile(model.entropy, tile, quality, narrower)


def test_noise_reaches_low_bits_and_escapes() -> None:
    """What the property above is worth: its tiles reach all that a codestream can hold."""
    model = student_model.load().entropy
    index, beyond = np.zeros(SCALES, bool), 0
    for seed in range(12):
        tile = tile_of(seed, 6, 5, 20.0)
        found = tile_symbols(model, tile.planes, tile.scales, 200)
        index[found.index] = True
        narrow_ones = found.index < TABLES
        reach = model.reach_of_table[found.index[narrow_ones]]
        beyond += int((np.abs(found.symbols[narrow_ones]) > reach).sum())
    assert index[TABLES:].sum() > 30
    assert index.sum() > 90
    assert beyond > 1000


def test_whole_frames_are_the_same_without_a_compiler(request: pytest.FixtureRequest) -> None:
    frame = real(AERIAL, 150)
    settings = (Setting(quality=20), Setting(quality=90), Setting(bytes=2000))
    fast = [StudentEncoder(64).encode(frame, setting) for setting in settings]
    student_model.load.cache_clear()
    request.getfixturevalue("in_numpy")
    try:
        assert student_model.load().writer._tables is None
        assert student_model.load().compiled is None
        assert fast == [StudentEncoder(64).encode(frame, setting) for setting in settings]
    finally:
        student_model.load.cache_clear()


@pytest.mark.parametrize("sides", [(1, 65_536), (40_000, 1)])
def test_tiles_of_any_shape_are_coded(sides: tuple[int, int]) -> None:
    writer = student_model.load().writer
    tile = tile_of(3, 1, 7, 1.0)
    rows, columns = sides
    wide = AnalysedTile.of(
        np.resize(tile.latents[:, 0], (640, rows * columns)).reshape(640, rows, columns),
        np.zeros((12, -(-rows // 2), -(-columns // 2)), np.int8),
        np.full((640, rows, columns), -900, np.int16),
    )
    assert writer.write(wide, 100) == encode_tile(writer.model, wide, 100)


def test_latents_of_no_picture_are_coded_as_in_numpy() -> None:
    model, tile = student_model.load(), tile_of(1, 9, 9, 1.0)
    wild = tile.latents.copy()
    wild[:4] = np.where(np.indices((4, 9, 9)).sum(axis=0) % 2, 2**31 - 1, -(2**31) + 1)
    tile = AnalysedTile.of(wild, tile.side, np.full_like(tile.log_scales, 1500))
    assert model.writer.write(tile, 256) == encode_tile(model.entropy, tile, 256)


def arguments() -> list[Any]:
    """What `write_tile` is given for a tile."""
    model, tile = student_model.load(), tile_of(1, 3, 4, 1.0)
    tables = model.writer._tables
    assert tables is not None
    rounding = model.entropy.arrays["rounding"].astype(np.uint8)
    arrays = [tile.latents, tile.log_scales, tile.side]
    return [tables, model.entropy.gain[9], rounding, 3, 4, *arrays]


@pytest.mark.parametrize("number", [1, 2, 5, 6, 7])
def test_arrays_that_do_not_fit_are_refused(number: int) -> None:
    given = arguments()
    compiled.NATIVE.write_tile(*given)
    given[number] = given[number].ravel()[:-1]
    with pytest.raises(ValueError, match="fit the model"):
        compiled.NATIVE.write_tile(*given)


@pytest.mark.parametrize("number", range(2, 10))
def test_tables_that_do_not_fit_are_refused(number: int) -> None:
    given = arguments()
    tables = list(given[0])
    tables[number] = np.ascontiguousarray(tables[number].ravel()[:-1])
    given[0] = tuple(tables)
    with pytest.raises(ValueError, match="fit the model"):
        compiled.NATIVE.write_tile(*given)


def test_side_information_out_of_range_is_refused() -> None:
    given = arguments()
    given[7] = np.full_like(given[7], 32)
    with pytest.raises(ValueError, match="side information"):
        compiled.NATIVE.write_tile(*given)
