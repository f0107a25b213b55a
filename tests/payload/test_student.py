"""The student: exact, within its budget, and fit for any frame."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downpass.ground.decoders import decode
from downpass.ground.decoders.student_networks import load_network
from downpass.ground.decoders.synthesis import Synthesis
from downpass.ground.quality import psnr
from downpass.link.container.bitstream import read_header, unpack
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.link.student import lapped, shared_model
from downpass.link.student.codestream import AnalysedTile, decode_tile, encode_tile
from downpass.link.student.planes import TileShape
from downpass.link.student.rotation import IDENTITY, rotation_matrix
from downpass.link.student.shared_model import load_integers
from downpass.payload.encoders.base import RateError, Setting
from downpass.payload.encoders.student import student_model, tile_rates
from downpass.payload.encoders.student.encoder import PreparedStudent, StudentEncoder
from downpass.payload.encoders.student.tile_rates import TileRates
from hypothesis import given, settings
from hypothesis import strategies as st

from .frames import AERIAL, SATELLITE, SIGNED, real, small
from .student_reference import Reference, joined

QUALITIES = (0, 60, 130, 200, 256)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(shared_model.FOLDER, student_model.FOLDER, load_network().folder)


def pictures() -> Iterator[tuple[str, np.ndarray]]:
    """Real ones, and inputs made to saturate, to tie, to be blank and to be nothing but noise."""
    rng = np.random.default_rng(7)
    aerial = real(AERIAL, 96).pixels
    yield "aerial", aerial[16:64, 16:80]
    yield "infrared", real(AERIAL, 96, 4).pixels[20:52, :48, 1:4]
    yield "noise", rng.integers(0, 256, (32, 48, 3)).astype(np.uint8)
    yield "extremes", rng.integers(0, 2, (48, 32, 3)).astype(np.uint8) * 255
    yield "stripes", np.tile(np.array([[0], [255]], np.uint8), (16, 48))[..., None].repeat(3, 2)
    yield "black", np.zeros((32, 32, 3), np.uint8)
    yield "white", np.full((16, 32, 3), 255, np.uint8)
    yield "middle", np.full((32, 16, 3), 128, np.uint8)


TURNS = (IDENTITY, (90, -40, 60, 30))


@pytest.mark.parametrize("sides", [(1, 1), (1, 3), (2, 1), (3, 4)], ids=str)
def test_filters_across_block_boundaries_equal_those_of_the_reference(
    sides: tuple[int, int],
) -> None:
    rng, (rows, columns) = np.random.default_rng(11), sides
    weights = (4096 * np.eye(8, dtype=int) + rng.integers(-800, 801, (8, 8))).astype(np.int16)
    planes = rng.integers(-512, 512, (3, 16 * rows, 16 * columns))
    between = joined(planes, weights, 2, 10, (-8192, 8191))
    found = joined(between, weights, 1, 16, (-512, 511))
    np.testing.assert_array_equal(found, lapped.prefilter(planes, weights))
    planes = rng.integers(-8192, 8192, planes.shape)
    between = joined(planes, weights, 1, 13, (-8192, 8191))
    found = joined(between, weights, 2, 13, (-8192, 8191))
    inside = (np.ones(side - 1, np.bool_) for side in sides)
    np.testing.assert_array_equal(found, lapped.postfilter(planes, weights, *inside))


@pytest.mark.parametrize(("name", "pixels"), list(pictures()), ids=[n for n, _ in pictures()])
def test_runtime_and_plain_integers_write_the_same_bytes(
    reference: Reference, name: str, pixels: np.ndarray
) -> None:
    model = student_model.load()
    matrix = rotation_matrix(TURNS[name in ("noise", "extremes")])
    latents, side = model.analyse(pixels, matrix)
    again, side_again = model.analyse(pixels, matrix, threads=2)
    assert np.array_equal(latents, again)
    assert np.array_equal(side, side_again)
    scales = model.log_scales(side)
    plain = reference.analyse(pixels, matrix)
    assert np.array_equal(latents, plain[0])
    assert np.array_equal(side, plain[1])
    assert np.array_equal(scales, plain[2])
    tile = AnalysedTile.of(latents, side, scales)
    shape = TileShape(*latents.shape[1:])
    seen = set()
    for quality in QUALITIES if pixels.size < 6000 else QUALITIES[1::2]:
        stream = encode_tile(model.entropy, tile, quality)
        assert stream == reference.encode(pixels, matrix, quality)
        _parts, decoded = reference.symbols(*plain[::2], quality)
        assert np.array_equal(
            decode_tile(model.entropy, model.log_scales, stream, shape, quality), decoded
        )
        drawn = Synthesis(load_network(), 2, None).run(decoded.astype(np.int32), quality, matrix)
        assert np.array_equal(drawn, reference.synthesise(decoded, quality, matrix))
        seen.add((stream, drawn.tobytes()))
    # A net whose outputs hardly vary would prove nothing.
    if name not in ("stripes", "black", "white", "middle"):
        assert len(seen) > 1
        assert np.unique(latents).size > 100
        assert np.unique(scales).size > 20
        assert np.unique(drawn).size > 20


def test_threads_and_tile_batches_do_not_show() -> None:
    frame = real(AERIAL, 160)
    for tile in (0, 64):
        streams = {
            StudentEncoder(tile, threads).encode(frame, Setting(quality=55))
            for threads in (1, 2, 3)
        }
        assert len(streams) == 1
        stream = streams.pop()
        shown = {decode(stream, threads).frame.pixels.tobytes() for threads in (1, 2)}
        assert len(shown) == 1


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 256), st.integers(0, 2**32 - 1))
def test_symbols_are_recovered_exactly(rows: int, columns: int, quality: int, seed: int) -> None:
    model, rng = student_model.load(), np.random.default_rng(seed)
    smooth = rng.integers(0, 256, (rows, columns, 3)).repeat(16, 0).repeat(16, 1)
    noise = rng.normal(0, rng.choice([0, 3, 40]), smooth.shape)
    pixels = np.clip(smooth + noise, 0, 255).astype(np.uint8)
    latents, side = model.analyse(pixels, rotation_matrix(IDENTITY))
    tile = AnalysedTile.of(latents, side, model.log_scales(side))
    stream = encode_tile(model.entropy, tile, quality)
    shape = TileShape(rows, columns)
    decoded = decode_tile(model.entropy, model.log_scales, stream, shape, quality)
    # What is decoded is coded once more to the same bytes: every symbol came back.
    assert (
        encode_tile(model.entropy, AnalysedTile.of(latents, side, model.log_scales(side)), quality)
        == stream
    )
    gain = 2.0 ** (model.entropy.gain[quality].astype(float) / 32)
    error = np.abs(decoded - latents) * gain[:, None, None] / 16
    skipped = (
        model.log_scales(side)[:, :rows, :columns] + model.entropy.gain[quality][:, None, None]
    ) < -126
    assert error[~skipped].max() <= 1.02


def test_coded_bytes_are_what_the_tables_promise() -> None:
    from collections import Counter

    model, over = student_model.load(), []
    entropy = model.entropy
    pixels = real(AERIAL, 256).pixels
    latents, side = model.analyse(pixels, rotation_matrix(IDENTITY))
    tile = AnalysedTile.of(latents, side, model.log_scales(side))
    for quality in (40, 100, 160, 220):
        spent: Counter[str] = Counter()

        class Ideal:
            """Adds up what a perfect coder needs."""

            def write(self, symbols: np.ndarray, model: Any) -> None:
                spent["bits"] += prices[id(model)](symbols)  # noqa: B023

        prices = {}
        starts = entropy.arrays["tables.latents_start"].astype(int)
        for number, one in enumerate(entropy.latent_models):
            table = entropy.arrays["tables.latents"][starts[number] : starts[number + 1]] / 65536
            prices[id(one)] = lambda s, t=table: float(-np.log2(t[s]).sum())
        for models, tables in zip(entropy.side_models, entropy.arrays["tables.side"], strict=True):
            for one, table in zip(models, tables / 65536, strict=True):
                prices[id(one)] = lambda s, t=table: float(-np.log2(t[s]).sum())
        for bits, one in enumerate(entropy.low_models, 1):
            prices[id(one)] = lambda s, b=bits: float(b * s.size)
        from downpass.link.student import codestream as tilecode

        writer: Any = Ideal()
        tilecode.write_tile(writer, entropy, tile, quality)
        over.append(len(encode_tile(entropy, tile, quality)) * 8 / spent["bits"] - 1)
    assert max(over) < 0.005
    assert min(over) < 0.001


@pytest.mark.parametrize(
    ("path", "bands", "depth", "tile", "size"),
    [(AERIAL, 3, 8, 0, 256), (AERIAL, 3, 8, 64, 256), (SATELLITE, 4, 12, 96, 192)],
)
def test_a_budget_is_used_to_97_per_cent(
    path: Path, bands: int, depth: int, tile: int, size: int
) -> None:
    prepared = StudentEncoder(tile).prepare(real(path, size, bands, depth))
    with pytest.raises(RateError) as smallest:
        prepared.encode(Setting(bytes=40))
    largest = len(prepared.encode(Setting(quality=100)))
    for share in (0.02, 0.05, 0.1, 0.17, 0.3, 0.44, 0.6, 0.75, 0.9):
        budget = int(smallest.value.smallest + share * (largest - smallest.value.smallest))
        assert 0.97 * budget <= len(prepared.encode(Setting(bytes=budget))) <= budget
    assert len(prepared.encode(Setting(bytes=10 * largest))) <= largest


def test_the_networks_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    analyse = student_model.StudentModel.analyse

    def counted(self: Any, pixels: np.ndarray, *rest: Any) -> Any:
        calls.append(pixels.shape)
        return analyse(self, pixels, *rest)

    monkeypatch.setattr(student_model.StudentModel, "analyse", counted)
    prepared = StudentEncoder(64).prepare(real(AERIAL, 128))
    for setting in ("q10", "1bpp", "3kB", "q90", "0.9bpp"):
        prepared.encode(Setting.parse(setting))
    assert calls == [(64, 64, 3)] * 4


def test_a_budget_takes_few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    payload = TileRates._payload

    def counted(self: TileRates, index: int, quality: int) -> bytes:
        tried.append(quality)
        return payload(self, index, quality)

    monkeypatch.setattr(TileRates, "_payload", counted)
    for bpp in (0.6, 1.0, 2.5):
        tried.clear()
        StudentEncoder(0).encode(real(AERIAL, 256), Setting(bpp=bpp))
        assert len(tried) <= 5


@settings(max_examples=25, deadline=None)
@given(small(largest=70), st.integers(0, 100), st.sampled_from((0, 16, 32)))
def test_any_frame_comes_back_in_its_own_form(frame: Frame, quality: int, tile: int) -> None:
    decoded = decode(StudentEncoder(tile).encode(frame, Setting(quality=quality)))
    assert decoded.lost_tiles == ()
    assert decoded.frame.pixels.shape == frame.pixels.shape
    assert decoded.frame.pixels.dtype == frame.pixels.dtype
    seen, there = frame.nodata_mask(), decoded.frame.nodata_mask()
    assert (seen is None) == (there is None)
    if seen is not None and there is not None:
        assert np.array_equal(seen, there)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (257, 1), (17, 31), (64, 65)])
def test_odd_sizes(shape: tuple[int, int]) -> None:
    row, column = np.mgrid[: shape[0], : shape[1]]
    pixels = (60 + row // 3 + column // 2)[..., None] % 200 + np.array([0, 10, 20])
    frame = Frame(pixels.astype(np.uint8), 8)
    decoded = decode(StudentEncoder(32).encode(frame, Setting(quality=90)))
    assert psnr(frame, decoded.frame) > 34


@pytest.mark.parametrize(
    ("path", "bands", "depth", "least"),
    [(AERIAL, 1, 8, 38), (AERIAL, 2, 8, 38), (AERIAL, 4, 8, 38), (SATELLITE, 4, 16, 45),
     (SIGNED, 13, 16, 42)],
)  # fmt: skip
def test_bands_and_depths(path: Path, bands: int, depth: int, least: float) -> None:
    frame = real(path, 96, bands, depth)
    found = []
    for quality in (20, 60, 100):
        stream = StudentEncoder(48).encode(frame, Setting(quality=quality))
        found.append((len(stream), psnr(frame, decode(stream).frame)))
    assert found == sorted(found)
    assert found[-1][1] > least


def test_a_grey_frame_is_grey_and_costs_no_three_bands() -> None:
    colour, grey = real(AERIAL, 128), real(AERIAL, 128, 1)
    three, one = (StudentEncoder().encode(f, Setting(quality=50)) for f in (colour, grey))
    assert len(one) < 1.6 * len(three)
    assert decode(one).frame.pixels.shape == (128, 128, 1)
    assert read_header(one)[0].rotations is None


def test_colours_are_rotated_and_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = real(AERIAL, 192, 4).pixels[..., [3, 0, 1]]  # an infrared composite
    frame = Frame(swapped, 8)

    def curve() -> tuple[list[float], list[float]]:
        streams = [StudentEncoder().encode(frame, Setting(quality=q)) for q in (20, 35, 50, 65)]
        return [math.log(len(s)) for s in streams], [psnr(frame, decode(s).frame) for s in streams]

    rotations = read_header(StudentEncoder().encode(frame, Setting(quality=50)))[0].rotations
    assert rotations is not None
    assert rotations[0] != IDENTITY
    turned_bits, turned_db = curve()
    monkeypatch.setattr(PreparedStudent, "_rotation", lambda *_: IDENTITY)
    plain_bits, plain_db = curve()
    at = np.linspace(max(turned_db[0], plain_db[0]), min(turned_db[-1], plain_db[-1]), 20)
    saved = np.interp(at, plain_db, plain_bits) - np.interp(at, turned_db, turned_bits)
    assert saved.mean() > 0.02


def test_finer_tiles_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_rates, "_ENOUGH", 1.0)  # so that the search goes on to the last step
    prepared = StudentEncoder(32).prepare(real(AERIAL, 128))
    header, found = None, set()
    for budget in range(2500, 5000, 400):
        stream = prepared.encode(Setting(bytes=budget))
        header = read_header(stream)[0]
        found.add(header.parameter // 512)
        assert 0.99 * budget <= len(stream) <= budget
        assert decode(stream).lost_tiles == ()
    assert len(found) > 1


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(InputError, match="tile 500: allowed are multiples of 16"):
        StudentEncoder(500)
    with pytest.raises(InputError, match="threads 0"):
        StudentEncoder(threads=0)
    with pytest.raises(RateError, match="smallest that it can make is"):
        StudentEncoder().encode(real(AERIAL, 64), Setting(bytes=20))


def test_a_board_needs_neither_torch_nor_the_decoder() -> None:
    for folder in (shared_model.FOLDER, student_model.FOLDER):
        assert not list(folder.glob("decoder*"))
        assert not [name for name in load_integers(folder) if name.startswith("synthesis")]
    import subprocess
    import sys

    code = (
        "import sys; from downpass.payload.encoders.registry import encoder; encoder('student');"
        "print([m for m in sys.modules if m.split('.')[0] == 'torch' or 'downpass.ground' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_fingerprint_is_of_every_integer_that_both_ends_need() -> None:
    import hashlib

    arrays: dict[str, np.ndarray] = {}
    for folder in (shared_model.FOLDER, student_model.FOLDER):
        with np.load(folder / "integers.npz") as file:
            arrays |= {name: file[name] for name in file.files}
    digest = hashlib.sha256(b"downpass student 2")
    for name in sorted(arrays):
        one = np.ascontiguousarray(arrays[name])
        one = one.astype(one.dtype.newbyteorder("<"))
        digest.update(f"\n{name} {one.dtype.str} {one.shape}\n".encode())
        digest.update(one.tobytes())
    assert digest.digest()[:8] == student_model.load().fingerprint


def test_at_rates_where_it_was_trained_it_beats_nothing_at_all() -> None:
    frame = real(AERIAL, 256)
    blank = Frame(np.full_like(frame.pixels, int(frame.pixels.mean())), 8)
    stream = StudentEncoder().encode(frame, Setting(quality=30))
    assert math.isfinite(psnr(frame, decode(stream).frame))
    assert psnr(frame, decode(stream).frame) > psnr(frame, blank) + 3
    assert unpack(stream).damaged == ()


def test_a_frame_is_freed_without_garbage_collection() -> None:
    prepared = StudentEncoder(64).prepare(real(AERIAL, 96))
    prepared.encode(Setting(quality=40.0))
    gone = weakref.ref(prepared)
    del prepared
    assert gone() is None
