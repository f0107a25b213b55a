"""Filtered block boundaries in the decoder: the same in every engine, in windows and in tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downpass.ground.decoders import decode, student, synthesis
from downpass.ground.decoders.block_boundaries import JoinedBlocks
from downpass.ground.decoders.compiled_synthesis import NATIVE, CompiledSynthesis, variants
from downpass.ground.decoders.student_networks import DecoderNetwork, load_network
from downpass.ground.decoders.synthesis import Synthesis
from downpass.ground.training.export.float32_graphs import decoder_graph
from downpass.link.container.bitstream import without
from downpass.link.container.frame import Frame
from downpass.link.student.lapped import POSTFILTER
from downpass.link.student.rotation import rotation_matrix
from downpass.link.student.shared_model import load_integers
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student.encoder import StudentEncoder
from hypothesis import given, settings
from hypothesis import strategies as st

from .made_up_networks import (
    KINDS,
    Arrays,
    Integers,
    made_up_filter,
    made_up_latents,
    plain,
    some_joined,
)

ROTATION = rotation_matrix((20, 90, -80, 30))
LATENTS = 640
ENGINES = ("onnx", *variants())


@pytest.mark.parametrize(
    ("blocks", "tile", "wanted"),
    [
        (range(1), 0, []),
        (range(4), 0, [1, 1, 1]),
        (range(7), 48, [1, 1, 0, 1, 1, 0]),
        (range(2, 7), 48, [0, 1, 1, 0]),
        (range(3, 7), 48, [1, 1, 0]),
        (range(3, 6), 16, [0, 0]),
        (range(2, 5), 256, [1, 1]),
        (range(5, 6), 32, []),
    ],
    ids=str,
)
def test_boundaries_inside_tiles_by_hand(blocks: range, tile: int, wanted: list[int]) -> None:
    joined = JoinedBlocks.of(blocks, range(1), tile)
    assert joined.rows.tolist() == wanted
    assert joined.columns.size == 0
    assert JoinedBlocks.of(range(1), blocks, tile).columns.tolist() == wanted


@given(st.integers(0, 40), st.integers(1, 12), st.integers(1, 9))
def test_windows_have_the_boundaries_of_the_frame(first: int, count: int, side: int) -> None:
    whole = JoinedBlocks.of(range(first + count + 3), range(2), 16 * side).rows
    window = JoinedBlocks.of(range(first, first + count), range(2), 16 * side).rows
    np.testing.assert_array_equal(window, whole[first : first + count - 1])


@pytest.fixture(scope="module")
def lapped(tmp_path_factory: pytest.TempPathFactory) -> DecoderNetwork:
    """The shipped decoder `fast`, with a filter that no training has made."""
    return network_in(tmp_path_factory.mktemp("lapped"))


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> DecoderNetwork:
    """The same without its correction, so that pixels depend on the linear planes alone."""
    return network_in(tmp_path_factory.mktemp("linear"), "leave.weight", "leave.bias")


def network_in(folder: Path, *zeros: str) -> DecoderNetwork:
    """Make a decoder of the shipped arrays and a made-up filter; some arrays become zeros."""
    shipped = load_network()
    arrays = load_integers(shipped.folder) | {POSTFILTER: made_up_filter("near", 5)}
    for name in zeros:
        arrays[f"synthesis.{name}"] = np.zeros_like(arrays[f"synthesis.{name}"])
    (folder / "decoder.onnx").write_bytes(decoder_graph(arrays))
    np.savez(folder / "integers.npz", **arrays)  # type: ignore[arg-type]
    return replace(shipped, folder=folder)


@cache
def arrays_of(folder: Path) -> Arrays:
    return load_integers(folder)


@cache
def engine(network: DecoderNetwork, name: str, threads: int = 1) -> Synthesis:
    compiled = None
    if name != "onnx":
        compiled = CompiledSynthesis.of(arrays_of(network.folder), name)
        assert compiled is not None
    return Synthesis(network, threads, compiled)


@settings(max_examples=20, deadline=None)
@given(
    sides=st.one_of(
        st.just((1, 1)),
        st.tuples(st.just(1), st.integers(2, 5)),
        st.tuples(st.integers(2, 5), st.just(1)),
        st.tuples(st.integers(2, 3), st.integers(2, 3)),
    ),
    kind=st.sampled_from(("usual", "dense", "zero")),
    quality=st.integers(0, 256),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_engine_filters_as_plain_integers_do(
    lapped: DecoderNetwork, sides: tuple[int, int], kind: str, quality: int, seed: int
) -> None:
    latents = made_up_latents(kind, LATENTS, *sides, seed)
    joined = some_joined(latents, seed)
    wanted = plain(arrays_of(lapped.folder), latents, quality, ROTATION, joined)
    for name in ENGINES:
        found = engine(lapped, name).run(latents, quality, ROTATION, joined)
        np.testing.assert_array_equal(found, wanted, name)
    found = engine(lapped, "onnx", 2).run(latents, quality, ROTATION, joined)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_boundaries_between_tiles_stay_as_they_are(
    linear: DecoderNetwork, name: str, kind: str
) -> None:
    """Without the correction, each tile of a frame has the pixels that it has alone."""
    latents = made_up_latents(kind, LATENTS, 5, 7, 3)
    run = engine(linear, name).run
    for side in (1, 2, 3):
        joined = JoinedBlocks.of(range(5), range(7), 16 * side)
        whole = run(latents, 80, ROTATION, joined)
        for row in range(0, 5, side):
            for column in range(0, 7, side):
                tile = latents[:, row : row + side, column : column + side]
                alone = run(np.ascontiguousarray(tile), 80, ROTATION)
                place = np.s_[16 * row : 16 * (row + side), 16 * column : 16 * (column + side)]
                np.testing.assert_array_equal(whole[place], alone)
    if kind != "zero":
        assert (run(latents, 80, ROTATION) != whole).mean() > 0.01


@pytest.mark.parametrize("name", ENGINES)
def test_a_filter_changes_eight_pixels_on_either_side(linear: DecoderNetwork, name: str) -> None:
    latents = made_up_latents("usual", LATENTS, 2, 3, 3)
    run = engine(linear, name).run
    separate = run(latents, 80, ROTATION, JoinedBlocks.of(range(2), range(3), 16))
    one = JoinedBlocks(np.zeros(1, np.bool_), np.array([False, True]))
    changed = (run(latents, 80, ROTATION, one) != separate).any(axis=(0, 2))
    assert changed[24:40].all()
    assert not changed[:24].any()
    assert not changed[40:].any()


@pytest.fixture(params=["compiled", "onnx"])
def installed(
    request: pytest.FixtureRequest, lapped: DecoderNetwork, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Decode frames with the filter, in either engine."""
    if request.param == "compiled" and NATIVE is None:
        pytest.skip("installed without a C compiler (gcc, and the headers of Python)")
    if request.param == "onnx":
        monkeypatch.setattr(synthesis, "compiled_network", lambda _folder: None)
    monkeypatch.setattr(student, "load_network", lambda _name: lapped)
    yield


def scenery(rows: int, columns: int) -> Frame:
    rng = np.random.default_rng(3)
    down, across = np.mgrid[:rows, :columns] / 24.0
    base = 120 + 60 * np.sin(down + np.sin(across))[..., None] * (1.0, 0.8, 0.5)
    return Frame(np.clip(base + rng.normal(0, 5, base.shape), 0, 255).astype(np.uint8), 8)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("tile", [0, 16, 48, 64])
def test_windows_give_the_undivided_picture(tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StudentEncoder(tile).encode(scenery(200, 235), Setting(quality=60))
    whole = decode(stream).frame.pixels
    monkeypatch.setattr(student, "NARROWEST", 2)
    for window in (2, 5):
        monkeypatch.setattr(student, "WINDOW", window)
        for threads in (1, 2):
            np.testing.assert_array_equal(decode(stream, threads=threads).frame.pixels, whole)


@pytest.mark.usefixtures("installed")
def test_a_lost_tile_changes_no_far_pixels() -> None:
    stream = StudentEncoder(64).encode(scenery(256, 256), Setting(quality=60))
    sound, holed = decode(stream).frame.pixels, decode(without(stream, [5]))
    assert holed.lost_tiles == (5,)
    near: Any = np.s_[: 128 + 80, : 128 + 80]
    far = np.ones(sound.shape[:2], np.bool_)
    far[near] = False
    np.testing.assert_array_equal(holed.frame.pixels[far], sound[far])


@pytest.mark.usefixtures("installed")
def test_frames_are_those_of_plain_integers(lapped: DecoderNetwork) -> None:
    """The tiles' boundaries are those of the header, and the picture is the reference's."""
    frame = scenery(80, 112)
    seen: list[Integers] = []
    plain_of = arrays_of(lapped.folder)
    for tile in (0, 32, 48):
        stream = StudentEncoder(tile).encode(frame, Setting(quality=60))
        runs: list[tuple[Any, ...]] = []
        found = decoded_with(stream, runs)
        ((latents, quality, matrix, _),) = runs
        joined = JoinedBlocks.of(range(5), range(7), tile)
        np.testing.assert_array_equal(found, plain(plain_of, latents, quality, matrix, joined))
        seen.append(found)
    assert (seen[0] != seen[1]).mean() > 0.01


def decoded_with(stream: bytes, runs: list[tuple[Any, ...]]) -> Integers:
    """Decode a bitstream and note what the network was run with."""
    run = Synthesis.run
    with pytest.MonkeyPatch.context() as patch:

        def noted(network: Synthesis, *arguments: Any) -> Any:
            runs.append(arguments)
            return run(network, *arguments)

        patch.setattr(Synthesis, "run", noted)
        return decode(stream).frame.pixels
