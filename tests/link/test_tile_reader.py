"""The reading of tiles in C against the same in numpy, which needs no compiler."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downpass.link.student import compiled_reader, shared_model
from downpass.link.student.codestream import AnalysedTile, encode_tile
from downpass.link.student.entropy_model import EntropyModel
from downpass.link.student.planes import TileShape
from downpass.link.student.range_coder import SymbolWriter
from hypothesis import given, settings
from hypothesis import strategies as st

from .random_tiles import Outcome, mutated, random_model, random_tile, read

ROOT = Path(__file__).resolve().parents[2]
C = ROOT / "link/student/native"
SOURCES = (
    "arena", "coded_latents", "context", "predicted_means", "side_contexts", "side_reader",
    "symbol_reader", "tile_reader",
)  # fmt: skip
NATIVE: Any = compiled_reader.NATIVE
FINEST = 256
SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.one_of(st.integers(1, 6), st.integers(7, 40))
WIDTHS = st.sampled_from((0.0, 0.3, 1.0, 20.0))


def shipped() -> EntropyModel:
    return shared_model.load().entropy


@pytest.fixture(autouse=True)
def native() -> None:
    assert NATIVE is not None, "install with a C compiler"


def in_numpy(*arguments: Any) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_reader, "NATIVE", None)
        return read(*arguments)


def check_same(
    model: EntropyModel, tile: AnalysedTile, data: bytes, quality: int, scales: np.ndarray
) -> Outcome:
    """Check that C and numpy read the same integers or give the same reason, and return it."""
    found = read(model, scales, data, tile.shape, quality)
    wanted = in_numpy(model, scales, data, tile.shape, quality)
    if isinstance(found, str) or isinstance(wanted, str):
        assert found == wanted
    else:
        for one, other in zip(found, wanted, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    return found


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(("shipped", "random")), SEEDS, SIDES, SIDES, st.integers(0, FINEST), WIDTHS)
def test_tiles_are_read_as_numpy_reads_them(
    kind: str, seed: int, rows: int, columns: int, quality: int, width: float
) -> None:
    model = shipped() if kind == "shipped" else random_model(seed)
    if kind == "shipped":
        rows, columns = min(rows, 24), min(columns, 24)
    tile = random_tile(model, seed, rows, columns, width)
    data = encode_tile(model, tile, quality)
    found = check_same(model, tile, data, quality, tile.log_scales)
    if not isinstance(found, str):
        np.testing.assert_array_equal(found[1], tile.side)
        again = AnalysedTile.of(found[0], tile.side, tile.log_scales)
        assert again.latents.shape == tile.latents.shape


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(("shipped", "random")), SEEDS, st.integers(1, 9), st.integers(1, 9),
       st.integers(0, FINEST), WIDTHS)  # fmt: skip
def test_damage_is_read_or_refused_as_in_numpy(
    kind: str, seed: int, rows: int, columns: int, quality: int, width: float
) -> None:
    model = shipped() if kind == "shipped" else random_model(seed)
    tile, rng = random_tile(model, seed, rows, columns, width), np.random.default_rng(seed)
    data = encode_tile(model, tile, quality)
    for _ in range(3):
        data = mutated(rng, data)
        check_same(model, tile, data, quality, tile.log_scales)


def contexts_of_zeros(model: EntropyModel) -> list[int]:
    """Return the contexts of a tile's only values of ẑ, zeros: thresholds that the biases reach."""
    of = model.side_contexts
    return (of.bias[:, :1] >= of.thresholds).sum(axis=1).tolist()


def escaped(bits: list[int]) -> tuple[EntropyModel, AnalysedTile, bytes]:
    """Return a model and a tile of one latent, and a codestream of an escape and these bits."""
    arrays = dict(random_model(0).arrays)
    arrays["context.correction"] = np.zeros_like(arrays["context.correction"])
    arrays["gain"] = np.zeros_like(arrays["gain"])
    model = EntropyModel.load(arrays, [(0, 1, 0)])
    tile = random_tile(model, 1, 1, 1, 1.0)
    tile.log_scales[:] = 4 * 40 - 130  # scale index 40
    writer = SymbolWriter()
    for tables, context in zip(model.side_models, contexts_of_zeros(model), strict=True):
        writer.write(np.array([32], np.int32), tables[context])
    writer.write(np.array([2 * model.reaches[40] + 1], np.int32), model.latent_models[40])
    writer.write(np.array(bits, np.int32), model.low_models[0])
    return model, tile, writer.finish()


LONGEST = 20
ESCAPES = {
    "a symbol": ([*[0] * 14, 1, *[1] * 14, 0], (1 << 15) - 1),
    "a symbol below zero": ([*[0] * 3, 1, 0, 1, 0, 1], -10),
    "a larger latent": ([*[0] * 16, 1, *[1] * 16, 1], "latents beyond any picture's"),
    "a larger symbol": ([*[0] * LONGEST, 1, *[1] * LONGEST, 1], "symbols beyond any picture's"),
    "a longer escape": ([0] * (LONGEST + 1), "an escape beyond any picture's"),
    "an end too late": ([1, 0, 1, 1, 1], "the bytes do not end where the symbols do"),
}


@pytest.mark.parametrize("what", ESCAPES)
def test_escapes_are_read_as_far_as_any_picture_needs(what: str) -> None:
    bits, wanted = ESCAPES[what]
    model, tile, data = escaped(bits)
    found = check_same(model, tile, data, 0, tile.log_scales)
    if isinstance(wanted, str):
        assert found == wanted
    else:
        # At a gain of 1, steps are 16 wide. The mean is zero.
        size = abs(wanted) + model.reaches[40]
        assert found[0].item() == 16 * (size if wanted > 0 else -size)


def test_noise_reaches_the_other_reasons() -> None:
    """What the properties above are worth: their damage is refused for the reasons there are."""
    rng, seen = np.random.default_rng(5), set()
    for seed in range(40):
        model = shipped() if seed % 4 == 0 else random_model(seed)
        tile = random_tile(model, seed, 3, 3, 1.0)
        for data in (rng.bytes(3000), b"\xff" * 3000, encode_tile(model, tile, 150)):
            found = check_same(model, tile, data, 150, tile.log_scales)
            seen |= {found} if isinstance(found, str) else {"read"}
    assert seen >= {
        "read",
        "no symbols have these bytes",
        "latents beyond any picture's",
        "the bytes do not end where the symbols do",
    }


def test_surplus_rows_and_columns_of_log_scales_are_left_out() -> None:
    model, tile = shipped(), random_tile(shipped(), 4, 3, 5, 1.0)
    wider = np.pad(tile.log_scales, ((0, 0), (0, 1), (0, 1)), constant_values=2000)
    data = encode_tile(model, tile, 150)
    found = check_same(model, tile, data, 150, wider.astype(np.int64))
    exact = read(model, tile.log_scales, data, tile.shape, 150)
    np.testing.assert_array_equal(found[0], exact[0])


@pytest.mark.parametrize("sides", [(1, 65_536), (65_536, 1), (256, 256)])
def test_largest_tiles_are_read(sides: tuple[int, int]) -> None:
    model, shape = random_model(2), TileShape(*sides)
    tile = random_tile(model, 1, *sides, 1.0)
    data = encode_tile(model, tile, 60)
    found = check_same(model, tile, data, 60, tile.log_scales)
    assert not isinstance(found, str)
    assert found[0].shape == (model.latents, shape.rows, shape.columns)


def test_tiles_beyond_the_largest_are_refused() -> None:
    model = random_model(0)
    with pytest.raises(ValueError, match="side information does not fit"):
        NATIVE.read_side(NATIVE.start(b""), model.reader_tables, 1 << 16, 2, bytearray(1 << 17))


def arguments() -> list[Any]:
    model, tile = shipped(), random_tile(shipped(), 4, 3, 4, 1.0)
    latents = np.zeros_like(tile.latents)
    return [NATIVE.start(b""), model.reader_tables, model.gain[9], 3, 4, tile.log_scales, latents]


@pytest.mark.parametrize("number", [2, 5, 6])
def test_arrays_that_do_not_fit_are_refused(number: int) -> None:
    given = arguments()
    given[number] = given[number].ravel()[:-1]
    with pytest.raises(ValueError, match="do not fit the model"):
        NATIVE.read_latents(*given)


@pytest.mark.parametrize("gain", [-449, 129])
def test_gains_out_of_range_are_refused(gain: int) -> None:
    given = arguments()
    given[2] = np.full_like(given[2], gain)
    with pytest.raises(ValueError, match="gains"):
        NATIVE.read_latents(*given)


def first(array: np.ndarray, value: int, at: int = 0) -> np.ndarray:
    """Return the array with one other value."""
    out = array.copy()
    out.reshape(-1)[at] = value
    return out


TABLES: dict[str, tuple[int, Callable[[np.ndarray], Any]]] = {
    "predicted channels inside a group": (0, lambda _: 17),
    "no side channel": (1, lambda _: 0),
    "a group that begins late": (2, lambda a: first(a, 1)),
    "an empty group": (2, lambda a: first(a, 0, 1)),
    "a window before the first channel": (2, lambda a: first(a, 4, 2)),
    "a window of three": (2, lambda a: first(a, 3, 5)),
    "a table of latents that begins late": (8, lambda a: first(a, 1)),
    "a table of latents of one symbol": (8, lambda a: first(a, 2, 1)),
    "a table of latents that ends before it begins": (8, lambda a: first(a, -(2**31), 3)),
    "tables of latents beyond the array": (8, lambda a: first(a, int(a[-1]) + 1, a.size - 1)),
    "a share of nothing": (7, lambda a: first(a, int(a[2]), 1)),
    "shares that do not begin at zero": (7, lambda a: first(a, 1)),
    "side shares that do not end at one": (9, lambda a: first(a, 1 << 25, a.size - 1)),
    "a bias beyond any sum": (11, lambda a: first(a, -(2**31))),
    "a threshold beyond any sum": (12, lambda a: first(a, (1 << 24) + 1)),
    **{f"table {at} is short": (at, lambda a: a.ravel()[:-1].copy()) for at in range(3, 13)},
}  # fmt: skip


@pytest.mark.parametrize("what", TABLES)
def test_tables_that_do_not_fit_are_refused(what: str) -> None:
    given, (number, change) = arguments(), TABLES[what]
    tables = list(given[1])
    tables[number] = change(tables[number])
    given[1] = tuple(tables)
    with pytest.raises(ValueError, match="tables do not fit each other"):
        NATIVE.read_latents(*given)


def test_a_window_that_no_reader_supports_is_refused() -> None:
    for window, words in ((512, "up to 256"), (3, "powers of two"), (2, "before channel 1")):
        groups = [(0, 1, 0), (1, 1000, window)]
        arrays = dict(random_model(0).arrays)
        arrays["gain"] = np.zeros((257, 1000), np.int16)
        arrays["context.correction"] = np.zeros((2, 4, 32, 32), np.int8)
        with pytest.raises(ValueError, match=words):
            EntropyModel.load(arrays, groups)


def test_threads_read_at_once() -> None:
    model, tile = shipped(), random_tile(shipped(), 4, 12, 12, 1.0)
    data = encode_tile(model, tile, 180)
    wanted, found = read(model, tile.log_scales, data, tile.shape, 180), []
    workers = [
        threading.Thread(
            target=lambda: found.append(read(model, tile.log_scales, data, tile.shape, 180))
        )
        for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == len(workers)
    for one in found:
        np.testing.assert_array_equal(one[0], wanted[0])


def packed(model: EntropyModel, quality: int, shape: TileShape, scales: np.ndarray) -> bytes:
    """What the driver reads of a case before its codestreams."""
    predicted, side, *tables = model.reader_tables
    head = [predicted, side, shape.rows, shape.columns, *(array.size for array in tables)]
    parts = [*tables, model.gain[quality], scales]
    return b"".join([np.array(head, np.int32).tobytes(), *(part.tobytes() for part in parts)])


def build_driver(folder: Path, compiler: str, *options: str) -> Path:
    """Compile the extension's C without Python, as a program that reads codestreams."""
    program, folders = folder / "driver", (C, ROOT / "payload/board/firmware/nn")
    subprocess.run(
        [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", *options,
         *(f"-I{include}" for include in folders), Path(__file__).parent / "native/read_tiles.c",
         *(C / f"{name}.c" for name in SOURCES), "-lm", "-o", program],
        check=True,
    )  # fmt: skip
    return program


def check_driven(program: Sequence[str | Path], folder: Path) -> None:
    """Check that a program reads sound and damaged codestreams as the extension does."""
    rng = np.random.default_rng(9)
    for number in range(16):
        model = shipped() if number % 6 == 0 else random_model(number)
        rows, columns = (int(side) for side in rng.integers(1, 8, 2))
        quality = int(rng.integers(0, 257))
        tile = random_tile(model, number, rows, columns, float(rng.choice([0.3, 1, 20])))
        streams = [encode_tile(model, tile, quality)]
        streams += [mutated(rng, streams[0]) for _ in range(30)]
        case, latents = folder / "case", folder / "latents"
        head = packed(model, quality, tile.shape, tile.log_scales)
        case.write_bytes(head + b"".join(len(one).to_bytes(4, "little") + one for one in streams))
        ran = subprocess.run([*program, case, latents], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr[-3000:]
        outcomes = [read(model, tile.log_scales, one, tile.shape, quality) for one in streams]
        wanted = b"".join(one[0].tobytes() for one in outcomes if not isinstance(one, str))
        assert latents.read_bytes() == wanted


def test_no_access_leaves_the_arrays(tmp_path: Path) -> None:
    """Read with gcc's checks of addresses and of undefined behaviour."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    checks = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    check_driven([build_driver(tmp_path, "gcc", *checks)], tmp_path)


def test_arm_reads_the_same(tmp_path: Path) -> None:
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    emulator = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if compiler is None or emulator is None:
        pytest.skip("needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user-static")
    check_driven([emulator, build_driver(tmp_path, compiler, "-O3", "-static")], tmp_path)


def test_the_module_is_of_the_limited_api() -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert not str(NATIVE.__file__).endswith(suffix)
    assert ".abi3." in str(NATIVE.__file__)
