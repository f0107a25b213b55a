"""The onboard networks in C, every variant, against ONNX Runtime and plain integers in numpy."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downpass.ground.training.export.integer_networks import IntegerNetworks
from downpass.link.inference import session
from downpass.link.student import lapped, shared_model
from downpass.link.student.compiled_networks import layer
from downpass.link.student.rotation import IDENTITY, rotation_matrix
from downpass.link.student.shared_model import load_integers
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student import compiled, int8_graphs, student_model
from downpass.payload.encoders.student.compiled import CompiledNetworks
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.encoders.student.pixel_blocks import planes_of
from hypothesis import given, settings
from hypothesis import strategies as st

from .frames import AERIAL, SATELLITE, real

Arrays = dict[str, np.ndarray[Any, Any]]
Outputs = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]

NATIVE = Path(compiled.__file__).parent / "native"
SHARED = Path(shared_model.__file__).parent / "native"
DRIVER = Path(__file__).parent / "native" / "networks_driver.c"
EXTREMES = np.array([0, 1, 127, 128, 254, 255], np.uint8)
TURN = (124, -16, -18, -17)
"""A picture's: its planes are still much alike."""
INVERTED = (20, 90, -80, 30)

here = pytest.mark.parametrize("variant", compiled.variants() or ["none"])

EXACT = [False, True] if int8_graphs.is_exact(student_model.FOLDER) else [False]
"""Whether ONNX Runtime's 8-bit kernels are used; where they do not add exactly, never."""


@pytest.fixture(autouse=True)
def native() -> None:
    """Skip where nothing was compiled."""
    if compiled.NATIVE is None:
        pytest.skip("installed without a C compiler (gcc, and the headers of Python)")


@cache
def shipped() -> Arrays:
    return load_integers(shared_model.FOLDER, student_model.FOLDER)


def made_up(seed: int) -> Arrays:
    """Integers of networks with few channels, which saturate and tie."""
    rng = np.random.default_rng(seed)
    latents, side, fine, middle, coarse, hyper, up = (int(n) for n in rng.integers(1, 40, 7))
    arrays: Arrays = {}

    def layer(name: str, outputs: int, inputs: int, limits: tuple[int, int], size: int = 1) -> None:
        count = inputs * size * size
        shape = (outputs, inputs, size, size)
        extreme = rng.choice(np.array([-128, -127, 0, 1, 127]), shape)
        small = rng.integers(-20, 21, shape)
        arrays[f"{name}.weight"] = np.where(rng.random(shape) < 0.5, extreme, small).astype(np.int8)
        arrays[f"{name}.bias"] = rng.integers(-300 * count, 300 * count, outputs).astype(np.int32)
        arrays[f"{name}.shift"] = rng.integers(0, 14, outputs).astype(np.int8)
        arrays[f"{name}.clip"] = np.array(limits, np.int32)

    byte = (0, 255)
    layer("analysis.linear", latents, 768, (-(1 << 17), (1 << 17) - 1))
    layer("analysis.enter", fine, 48, byte)
    for name, channels in (("fine", fine), ("middle", middle), ("coarse", coarse)):
        layer(f"analysis.block_{name}.depthwise", channels, 1, (0, 200), 3)
        layer(f"analysis.block_{name}.pointwise", channels, channels, byte)
    layer("analysis.down_middle", middle, 4 * fine, byte)
    layer("analysis.down_coarse", coarse, 4 * middle, byte)
    layer("analysis.leave", latents, coarse, (-70000, 70000))
    layer("hyper.analysis_in", hyper, latents, byte)
    layer("hyper.analysis_out", hyper, 4 * hyper, (3, 255))
    layer("hyper.analysis_end", side, hyper, (-32, 31))
    layer("hyper.synthesis_in", hyper, side, byte)
    layer("hyper.synthesis_mix", hyper, 1, byte, 3)
    layer("hyper.synthesis_up", 4 * up, hyper, byte)
    layer("hyper.synthesis_out", latents, up, (-2048, 2047))
    arrays["hyper.spread_shift"] = rng.integers(0, 11, latents).astype(np.int8)
    return arrays


def filtered(arrays: Arrays, seed: int, largest: int = 800) -> Arrays:
    """The same networks with a prefilter: weights at most `largest` from those of the identity."""
    rng = np.random.default_rng(seed)
    weights = 4096 * np.eye(8, dtype=int) + rng.integers(-largest, largest + 1, (8, 8))
    return arrays | {lapped.PREFILTER: weights.astype(np.int16)}


def plain(arrays: Arrays, pixels: np.ndarray[Any, Any], matrix: np.ndarray[Any, Any]) -> Outputs:
    """What the networks make of pixels (h, w, 3), in int64."""
    integers = IntegerNetworks(arrays)
    planes = ((pixels.astype(np.int64) - 128) @ matrix.astype(np.int64).T + (1 << 12)) >> 13
    latents = integers.analyse(np.moveaxis(planes, 2, 0))
    side = integers.side(latents)
    return latents, side, integers.log_scales(side, 2 * side.shape[1], 2 * side.shape[2])


def picture(kind: str, rows: int, columns: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Pixels of one of the kinds that the networks tell apart."""
    rng, shape = np.random.default_rng(seed), (16 * rows, 16 * columns)
    if kind == "noise":  # planes differ: 4 · coarse + fine in each
        return rng.choice(EXTREMES, (*shape, 3))
    if kind == "calm":  # planes in one byte
        return rng.integers(90, 130, (*shape, 3)).astype(np.uint8)
    if kind == "alike":  # planes far apart in places, and much the same: one coarse part for all
        grey = rng.choice(EXTREMES, (*shape, 1)).astype(int)
        return np.clip(grey + rng.integers(-9, 10, (*shape, 3)), 0, 255).astype(np.uint8)
    if kind == "grey":
        return np.repeat(rng.choice(EXTREMES, (*shape, 1)), 3, axis=2)
    if kind == "mist":
        return np.repeat(rng.integers(90, 130, (*shape, 1)).astype(np.uint8), 3, axis=2)
    assert kind == "mixed"  # of every group of blocks another kind
    parts = [picture(k, rows, columns, seed) for k in ("noise", "calm", "alike", "grey")]
    which = np.arange(shape[1]) // 128 % 4
    return np.stack([parts[k][:, i] for i, k in enumerate(which)], axis=1)


GREYS = ("grey", "mist")
KINDS = ("noise", "calm", "alike", *GREYS, "mixed")
TILES: dict[str, st.SearchStrategy[Any]] = {
    "seed": st.integers(0, 2**32 - 1),
    "rows": st.integers(1, 5),
    "columns": st.integers(1, 19),
    "kind": st.sampled_from(KINDS),
    "turn": st.sampled_from((IDENTITY, TURN, INVERTED)),
}
"""Networks by their seed, and pictures for them."""


def turn_of(kind: str) -> tuple[int, int, int, int]:
    """The rotation with which the networks take a kind for what it is."""
    return IDENTITY if kind in GREYS else TURN


def assert_same(found: Outputs, wanted: Outputs) -> None:
    for name, one, other in zip(("latents", "side", "log-scales"), found, wanted, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def run(
    networks_: CompiledNetworks, pixels: np.ndarray[Any, Any], matrix: np.ndarray[Any, Any]
) -> Outputs:
    latents, side = networks_.analyse(pixels, matrix)
    return latents, side, networks_.log_scales(side)


@here
@settings(max_examples=25, deadline=None)
@given(**TILES)
def test_any_networks_are_those_of_plain_integers(
    variant: str, seed: int, rows: int, columns: int, kind: str, turn: tuple[int, int, int, int]
) -> None:
    arrays, pixels = made_up(seed), picture(kind, rows, columns, seed)
    matrix = rotation_matrix(turn)
    found = CompiledNetworks.of(arrays, variant)
    assert found is not None
    assert_same(run(found, pixels, matrix), plain(arrays, pixels, matrix))


@here
@settings(max_examples=25, deadline=None)
@given(**TILES, largest=st.sampled_from((0, 800, 3600)))
def test_any_networks_with_a_prefilter_are_those_of_plain_integers(
    variant: str,
    seed: int,
    rows: int,
    columns: int,
    kind: str,
    turn: tuple[int, int, int, int],
    largest: int,
) -> None:
    arrays = filtered(made_up(seed), seed, largest)
    pixels, matrix = picture(kind, rows, columns, seed), rotation_matrix(turn)
    found = CompiledNetworks.of(arrays, variant)
    assert found is not None
    wanted = plain(arrays, pixels, matrix)
    assert_same(run(found, pixels, matrix), wanted)
    if kind in GREYS:
        assert_same(run(found, pixels[..., :1], matrix), wanted)


def test_made_up_networks_prove_something() -> None:
    """What the property above is worth: outputs vary, and limits and ties are reached."""
    values: dict[str, set[int]] = {}
    for seed in range(8):
        found = plain(made_up(seed), picture("alike", 3, 4, seed), rotation_matrix(TURN))
        for name, one in zip(("latents", "side", "log-scales"), found, strict=True):
            values.setdefault(name, set()).update(np.unique(one).tolist())
    assert len(values["latents"]) > 1000
    assert {-32, 31} < values["side"]
    assert len(values["side"]) > 40
    assert {-2048, 2047} < values["log-scales"]
    assert len(values["log-scales"]) > 500


@here
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sides", [(1, 1), (2, 33), (5, 8)], ids=str)
def test_the_shipped_networks_are_those_of_onnx_runtime(
    variant: str, kind: str, sides: tuple[int, int]
) -> None:
    found = CompiledNetworks.of(shipped(), variant)
    assert found is not None
    pixels, matrix = picture(kind, *sides), rotation_matrix(turn_of(kind))
    runtime = session(student_model.FOLDER / "encoder.onnx", 1)
    weights = lapped.weights_of(shipped(), lapped.PREFILTER)
    planes = planes_of(pixels, matrix, weights)
    latents, side = runtime.run(["latents", "side"], {"planes": planes})
    scales = session(shared_model.FOLDER / "hyper.onnx", 1).run(["log_scales"], {"side": side})
    assert_same(run(found, pixels, matrix), (latents, side, scales[0]))


@here
@pytest.mark.parametrize("path", [AERIAL, SATELLITE], ids=lambda path: path.stem)
def test_frames_are_the_same_in_every_variant_and_in_onnx_runtime(
    variant: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = student_model.load()
    frames = [real(path, 150, bands) for bands in (3, 1, 4)]
    wanted = []
    for instead in (None, CompiledNetworks.of(shipped(), variant)):
        coder = StudentEncoder(64, model=replace(model, compiled=instead))
        wanted.append([coder.encode(frame, Setting(quality=60)) for frame in frames])
    assert wanted[0] == wanted[1]


@pytest.mark.parametrize("exact", EXACT, ids=["float", "int8"][: len(EXACT)])
def test_onnx_runtime_takes_one_band_for_three(
    exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_graphs, "is_exact", lambda folder: exact)
    model = replace(student_model.load(), compiled=None)
    pixels, matrix = picture("grey", 2, 3), rotation_matrix(IDENTITY)
    wanted = student_model.load().analyse(pixels, matrix)
    for found in (model.analyse(pixels[..., :1], matrix), model.analyse(pixels, matrix)):
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one, other)


@here
@pytest.mark.parametrize("exact", EXACT, ids=["float", "int8"][: len(EXACT)])
@pytest.mark.parametrize("sides", [(1, 1), (1, 6), (7, 1), (3, 5)], ids=str)
@pytest.mark.parametrize("kind", ["noise", "mixed", "grey", "mist"])
def test_onnx_runtime_filters_as_the_c_does(
    variant: str,
    kind: str,
    sides: tuple[int, int],
    exact: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(int8_graphs, "is_exact", lambda folder: exact)
    arrays, pixels = filtered(shipped(), sum(sides)), picture(kind, *sides)
    weights = lapped.weights_of(arrays, lapped.PREFILTER)
    runtime = replace(student_model.load(), compiled=None, prefilter=weights)
    found = CompiledNetworks.of(arrays, variant)
    assert found is not None
    for matrix in (rotation_matrix(IDENTITY), rotation_matrix(TURN)):
        wanted = plain(arrays, pixels, matrix)
        assert_same(run(found, pixels, matrix), wanted)
        assert_same((*runtime.analyse(pixels, matrix), wanted[2]), wanted)


def test_a_prefilter_changes_what_the_networks_see() -> None:
    pixels, matrix = picture("calm", 3, 4), rotation_matrix(TURN)
    without = {name: array for name, array in shipped().items() if name != lapped.PREFILTER}
    latents = []
    for arrays in (without, filtered(without, 3, 0), filtered(without, 3)):
        networks_ = CompiledNetworks.of(arrays, "plain")
        assert networks_ is not None
        latents.append(networks_.analyse(pixels, matrix)[0])
    np.testing.assert_array_equal(latents[1], latents[0])  # of the identity
    assert np.mean(latents[2] != latents[0]) > 0.5


@here
def test_one_band_that_is_rotated_is_three(variant: str) -> None:
    found = CompiledNetworks.of(shipped(), variant)
    assert found is not None
    pixels, matrix = picture("grey", 1, 3), rotation_matrix(INVERTED)
    assert_same(run(found, pixels[..., :1], matrix), run(found, pixels, matrix))


def test_many_threads_share_networks() -> None:
    found, matrix = fastest(), rotation_matrix(TURN)
    tiles = [picture(KINDS[i % len(KINDS)], 1 + i % 4, 1 + i % 7, i) for i in range(24)]
    wanted = [run(found, tile, matrix) for tile in tiles]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(
            pool.map(lambda t: run(found, t, matrix), tiles), wanted, strict=True
        ):
            assert_same(one, other)


def change(name: str, value: Any, at: Any = ...) -> Callable[[Arrays], None]:
    def apply(arrays: Arrays) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name][at] = value

    return apply


def convert(name: str, kind: type) -> Callable[[Arrays], None]:
    def apply(arrays: Arrays) -> None:
        arrays[name] = arrays[name].astype(kind)

    return apply


def remove(name: str) -> Callable[[Arrays], None]:
    def apply(arrays: Arrays) -> None:
        del arrays[name]

    return apply


def shorten(*names: str) -> Callable[[Arrays], None]:
    def apply(arrays: Arrays) -> None:
        for name in names:
            arrays[name] = arrays[name][:-1]

    return apply


@pytest.mark.parametrize(
    "spoil",
    [
        change("analysis.enter.clip", (0, 1023)),
        change("analysis.enter.clip", (-1, 255)),
        change("hyper.analysis_end.clip", (-300, 31)),
        change("hyper.synthesis_out.clip", (-40000, 2047)),
        change("analysis.leave.shift", -1, 3),
        change("analysis.leave.shift", 31, 3),
        change("analysis.linear.bias", 2**31 - 1, 5),
        change("hyper.spread_shift", -1, 2),
        shorten("analysis.leave.bias", "analysis.leave.shift", "analysis.leave.weight"),
        shorten("analysis.block_fine.depthwise.shift"),
        shorten("hyper.spread_shift"),
        shorten("analysis.enter.clip"),
        convert("analysis.enter.weight", np.int16),
        convert("hyper.spread_shift", np.float32),
        remove("hyper.synthesis_up.shift"),
        change(lapped.PREFILTER, -(2**15), (2, 3)),
        change(lapped.PREFILTER, 2**13 + 1, 7),
        shorten(lapped.PREFILTER),
        convert(lapped.PREFILTER, np.int32),
    ],
    ids=[
        "10 bits", "signed", "wide side", "wide scales", "left shift", "long shift", "bias",
        "negative spread", "fewer latents", "shifts missing", "spread missing", "one limit",
        "wide weights", "floats", "no array", "no opposite", "steep filter", "seven rows",
        "wide filter",
    ],
)  # fmt: skip
def test_networks_that_do_not_fit_are_left_to_onnx_runtime(spoil: Callable[[Arrays], None]) -> None:
    arrays = filtered(shipped(), 0)
    assert CompiledNetworks.of(arrays, "plain") is not None
    spoil(arrays)
    assert CompiledNetworks.of(arrays, "plain") is None


def test_sums_beyond_32_bits_are_left_to_onnx_runtime() -> None:
    arrays = made_up(1)
    name = "hyper.analysis_in.bias"
    arrays[name] = np.full_like(arrays[name], 2**31 - 2**24)
    assert CompiledNetworks.of(arrays, "plain") is None


def test_portable_c_runs_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "variants", lambda: ("plain",))
    assert CompiledNetworks.of(shipped()) is None
    found = CompiledNetworks.of(shipped(), "plain")
    assert found is not None
    assert found.variant == "plain"


def fastest() -> CompiledNetworks:
    found = CompiledNetworks.of(shipped(), compiled.variants()[0])
    assert found is not None
    return found


def test_unknown_variants_are_refused() -> None:
    with pytest.raises(ValueError, match=r"variant mmx; this processor runs .*plain"):
        CompiledNetworks.of(shipped(), "mmx")
    with pytest.raises(ValueError, match="no variant mmx"):
        compiled.NATIVE.make_networks("mmx", (), np.zeros(1, np.int8))


@pytest.mark.parametrize(
    ("layers", "error"),
    [
        ((), IndexError),
        (([],), TypeError),
        (((b"1", b"1234", b"1", 0),), TypeError),
        (((np.zeros(1, np.int8), b"1234", None, 0, 1),), TypeError),
        (((b"", b"", b"", 0, 1),), ValueError),
        (((b"1", b"123", b"1", 0, 1),), ValueError),
        (((b"123", b"12345678", b"12", 0, 1),), ValueError),
        (((b"1", b"1234", b"1", 0, 1 << 40),), OverflowError),
    ],
    ids=str,
)
def test_layers_of_other_forms_are_refused(layers: tuple[Any, ...], error: type) -> None:
    with pytest.raises(error):
        compiled.NATIVE.make_networks("plain", layers, np.zeros(1, np.int8))


@pytest.mark.parametrize(
    ("prefilter", "error"),
    [
        (np.zeros(63, np.int16), ValueError),
        ("V", TypeError),
        (np.ones((8, 16), np.int16)[:, ::2], (BufferError, ValueError)),
        (np.full(64, -(2**15), np.int16), ValueError),
    ],
    ids=["short", "text", "not contiguous", "large"],
)
def test_prefilters_of_other_forms_are_refused(prefilter: Any, error: Any) -> None:
    arrays = shipped()
    layers = tuple(layer(arrays, name) for name in compiled._LAYERS)
    spread = arrays["hyper.spread_shift"]
    compiled.NATIVE.make_networks("plain", layers, spread, None)
    with pytest.raises(error):
        compiled.NATIVE.make_networks("plain", layers, spread, prefilter)


def test_arrays_of_other_sizes_are_refused() -> None:
    packed = fastest()
    call, pixels = compiled.NATIVE.analyse, np.zeros((16, 32, 3), np.uint8)
    matrix = rotation_matrix(IDENTITY)
    latents, side = np.zeros((640, 1, 2), np.int32), np.zeros((12, 1, 1), np.int32)
    good = [packed._packed, pixels, 1, 2, 3, matrix, latents, side]
    call(*good)
    for at, bad in (
        (1, pixels[:-1]),
        (2, 2),
        (2, -1),
        (3, 1 << 30),
        (4, 2),
        (4, 1),
        (5, matrix[:2]),
        (5, matrix * 2),
        (6, latents[:-1].copy()),
        (7, side[:-1].copy()),
    ):
        with pytest.raises(ValueError, match="do not fit the networks"):
            call(*good[:at], bad, *good[at + 1 :])
    scales = np.zeros((640, 2, 2), np.int16)
    compiled.NATIVE.find_scales(packed._packed, side, 1, 1, scales)
    with pytest.raises(ValueError, match="does not fit"):
        compiled.NATIVE.find_scales(packed._packed, side, 1, 2, scales)
    with pytest.raises(ValueError, match="no signed byte"):
        compiled.NATIVE.find_scales(packed._packed, side + 128, 1, 1, scales)
    with pytest.raises(ValueError):
        compiled.NATIVE.find_scales(object(), side, 1, 1, scales)


def driven(
    program: list[str], folder: Path, arrays: Arrays, pixels: np.ndarray[Any, Any], matrix: Any
) -> Outputs:
    """Return what a compiled driver finds."""
    rows, columns, bands = (pixels.shape[0] // 16, pixels.shape[1] // 16, pixels.shape[2])
    head: list[int] = []
    for name in compiled._LAYERS:
        outputs = arrays[f"{name}.bias"].size
        head += [outputs, arrays[f"{name}.weight"].size // outputs, *arrays[f"{name}.clip"]]
    prefilter = arrays.get(lapped.PREFILTER, np.zeros(0, np.int16))
    whole = [np.array([*head, rows, columns, bands], np.int32), matrix.ravel()]
    whole.append(np.array([prefilter.size > 0]))
    whole += [arrays[f"{name}.bias"] for name in compiled._LAYERS]
    data = b"".join(part.astype("<i4").tobytes() for part in whole)
    for name in compiled._LAYERS:
        data += arrays[f"{name}.weight"].tobytes() + arrays[f"{name}.shift"].tobytes()
    data += arrays["hyper.spread_shift"].tobytes() + prefilter.astype("<i2").tobytes()
    data += pixels.tobytes()
    (folder / "in").write_bytes(data)
    subprocess.run([*program, folder / "in", folder / "out"], check=True, timeout=60)
    latents, side = arrays["analysis.linear.bias"].size, arrays["hyper.analysis_end.bias"].size
    halves = -(-rows // 2), -(-columns // 2)
    shapes = ((latents, rows, columns), (side, *halves), (latents, 2 * halves[0], 2 * halves[1]))
    out, found, at = (folder / "out").read_bytes(), [], 0
    for shape, kind in zip(shapes, ("<i4", "<i4", "<i2"), strict=True):
        found.append(np.frombuffer(out, kind, int(np.prod(shape)), at).reshape(shape))
        at += found[-1].nbytes
    assert at == len(out)
    return found[0], found[1], found[2]


def build(folder: Path, compiler: str, variant: str, *options: str) -> Path:
    program = folder / variant
    names = (f"variant_{variant}", "networks", "bounds", "scratch")
    sources = [DRIVER, *(NATIVE / f"{name}.c" for name in names)]
    sources += [SHARED / f"{name}.c" for name in ("arena", "given_layer", "processor")]
    subprocess.run(
        [compiler, "-O2", "-static", "-Wall", "-Werror", f"-I{NATIVE}", f"-I{SHARED}",
         f"-DVARIANT=dp_{variant}", *options, *sources, "-o", program],
        check=True,
    )  # fmt: skip
    return program


def check_driven(program: list[str], folder: Path) -> None:
    for seed, kind in enumerate(KINDS):
        pixels = picture(kind, 3, 10 + seed, seed)
        matrix = rotation_matrix(turn_of(kind))
        made = made_up(seed)
        for arrays in (made, filtered(made, seed)):
            found = driven(program, folder, arrays, pixels, matrix)
            assert_same(found, plain(arrays, pixels, matrix))
    pixels, matrix = picture("mixed", 2, 33), rotation_matrix(TURN)
    reference = CompiledNetworks.of(shipped(), "plain")
    assert reference is not None
    assert_same(driven(program, folder, shipped(), pixels, matrix), run(reference, pixels, matrix))


def test_256_bits_of_vnni_are_exact(tmp_path: Path) -> None:
    """AVX-VNNI's code, in the encoding that processors with AVX-512 have."""
    if "avx512" not in compiled.variants() or shutil.which("gcc") is None:
        return  # nothing here can run it; where AVX-VNNI is, the tests above have run it
    options = ("-DDP_EVEX_VNNI", "-DRUNS_HERE=dp_has_avx512()")
    check_driven([str(build(tmp_path, "gcc", "avxvnni", *options))], tmp_path)


def test_dot_products_of_arm_are_exact(tmp_path: Path) -> None:
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    emulator = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if compiler is None or emulator is None:
        pytest.skip("needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user-static")
    program = build(tmp_path, compiler, "neon", "-DRUNS_HERE=dp_has_dotprod()")
    check_driven([emulator, "-cpu", "max", str(program)], tmp_path)
