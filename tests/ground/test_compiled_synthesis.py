"""The decoder networks in C, every variant, against ONNX Runtime and plain integers in numpy."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downpass.ground.decoders import compiled_synthesis as compiled
from downpass.ground.decoders import decode, student, synthesis
from downpass.ground.decoders.block_boundaries import JoinedBlocks
from downpass.ground.decoders.compiled_synthesis import CompiledSynthesis
from downpass.ground.decoders.student_networks import available, load_network
from downpass.ground.decoders.synthesis import Synthesis
from downpass.ground.training.export.integer_networks import IntegerNetworks
from downpass.link.student import shared_model
from downpass.link.student.lapped import POSTFILTER
from downpass.link.student.rotation import IDENTITY, rotation_matrix
from downpass.link.student.shared_model import load_integers
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.imager.scenes import FrameWindow, Scene
from hypothesis import given, settings
from hypothesis import strategies as st

from .made_up_networks import (
    FILTERS,
    KINDS,
    QUALITIES,
    Arrays,
    Integers,
    made_up,
    made_up_latents,
    plain,
    some_joined,
)

NATIVE = Path(compiled.__file__).parent / "native"
SHARED = Path(shared_model.__file__).parent / "native"
DRIVER = Path(__file__).parent / "native" / "synthesis_driver.c"
SCENES = Path(__file__).parents[2] / "scenarios" / "scenes"
AERIAL = SCENES / "naip_nd_20140720_5m_rgbn_u8.tif"
SATELLITE = SCENES / "l8_oli_30m_bgrn_u16.tif"
TURN = (20, 90, -80, 30)

here = pytest.mark.parametrize("variant", compiled.variants() or ["none"])


@pytest.fixture(autouse=True)
def native() -> None:
    """Skip where nothing was compiled."""
    if compiled.NATIVE is None:
        pytest.skip("installed without a C compiler (gcc, and the headers of Python)")


def fitting(arrays: Arrays, variant: str | None = None) -> CompiledSynthesis:
    found = CompiledSynthesis.of(arrays, variant)
    assert found is not None
    return found


@cache
def shipped(name: str = "fast") -> Arrays:
    return load_integers(load_network(name).folder)


@here
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.integers(1, 40),
    widths=st.sampled_from(((16, 16), (16, 48), (48, 32), (32, 64), (80, 16))),
    depth=st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 2)),
    boundaries=st.sampled_from(FILTERS),
    sides=st.tuples(st.integers(1, 3), st.integers(1, 5)),
    kind=st.sampled_from(KINDS),
    quality=st.integers(0, QUALITIES - 1),
)
def test_any_network_is_that_of_plain_integers(
    variant: str,
    seed: int,
    channels: int,
    widths: tuple[int, int],
    depth: tuple[int, int, int],
    boundaries: str,
    sides: tuple[int, int],
    kind: str,
    quality: int,
) -> None:
    arrays = made_up(seed, channels, widths, depth, boundaries)
    latents = made_up_latents(kind, channels, *sides, seed)
    matrix, joined = rotation_matrix(TURN), some_joined(latents, seed)
    found = fitting(arrays, variant).run(latents, quality, matrix, joined)
    np.testing.assert_array_equal(found, plain(arrays, latents, quality, matrix, joined))


@here
@pytest.mark.parametrize(
    ("widths", "depth"), [((64, 128), (2, 2, 1)), ((128, 256), (2, 4, 1))], ids=["fast", "full"]
)
def test_networks_of_both_shapes_are_those_of_plain_integers(
    variant: str, widths: tuple[int, int], depth: tuple[int, int, int]
) -> None:
    arrays = made_up(7, 640, widths, depth)
    latents = made_up_latents("usual", 640, 2, 3, 7)
    matrix = rotation_matrix(TURN)
    wanted = plain(arrays, latents, 1, matrix)
    np.testing.assert_array_equal(fitting(arrays, variant).run(latents, 1, matrix), wanted)
    assert len(np.unique(wanted)) > 200


def test_made_up_networks_prove_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the properties above are worth: values vary in every layer, and reach both limits."""
    seen: dict[str, set[int]] = {}
    shares: list[float] = []

    def noted(name: str, value: Integers) -> Integers:
        if name.endswith("first"):
            shares.append(np.count_nonzero(value) / value.size)
        seen.setdefault(name, set()).update(np.unique(value).tolist())
        return value

    layer, residual = IntegerNetworks._layer, IntegerNetworks._residual
    monkeypatch.setattr(IntegerNetworks, "_layer", lambda *a: noted(a[1], layer(*a)), raising=True)
    monkeypatch.setattr(
        IntegerNetworks, "_residual", lambda *a: noted(a[1], residual(*a)), raising=True
    )
    for seed in range(6):
        plain(made_up(seed), made_up_latents("usual", 37, 3, 4, seed), 0, rotation_matrix(TURN))
    for name in ("enter", "latent_in", "down", "leave", "before.0", "below.0", "after.0"):
        values = seen[f"synthesis.{name}"]
        assert len(values) > 1000, name
        assert {-4096, 4095} < values or {-8192, 8191} < values, name
    for name, high in (("before.0", 511), ("below.0", 255), ("after.0", 511)):
        values = seen[f"synthesis.{name}.first"]
        assert len(values) > 64, name
        assert {0, high} < values, name
    assert any(0 < share < 1 / 16 for share in shares), shares
    assert any(share > 1 / 4 for share in shares), shares


@here
@pytest.mark.parametrize("name", available())
@pytest.mark.parametrize("kind", ["usual", "wide", "zero"])
def test_the_shipped_networks_are_those_of_onnx_runtime(variant: str, name: str, kind: str) -> None:
    latents = made_up_latents(kind, 640, 3, 5, 1)
    network = load_network(name)
    for quality, turn in ((0, IDENTITY), (97, TURN), (256, TURN)):
        matrix = rotation_matrix(turn)
        wanted = Synthesis(network, 1, None).run(latents, quality, matrix)
        found = fitting(shipped(name), variant).run(latents, quality, matrix)
        np.testing.assert_array_equal(found, wanted)


@here
@pytest.mark.parametrize("path", [AERIAL, SATELLITE], ids=lambda path: path.stem)
def test_frames_are_the_same_in_every_variant_and_in_onnx_runtime(
    variant: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Scene(path) as scene:
        frames = [scene.read(FrameWindow(0, 0, 72, 72), bands) for bands in (3, 1, 4)]
    streams = [StudentEncoder(32).encode(frame, Setting(quality=60)) for frame in frames]
    found: list[list[Integers]] = []
    monkeypatch.setattr(student, "NARROWEST", 2)
    for instead in (None, fitting(shipped(), variant)):
        monkeypatch.setattr(synthesis, "compiled_network", lambda folder, instead=instead: instead)
        found.append([decode(stream, threads=2).frame.pixels for stream in streams])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_many_threads_share_a_network() -> None:
    network, matrix = fitting(made_up(5)), rotation_matrix(TURN)
    windows = [made_up_latents(KINDS[i % 5], 37, 1 + i % 3, 1 + i % 4, i) for i in range(24)]
    wanted = [network.run(window, 1, matrix) for window in windows]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(
            pool.map(lambda w: network.run(w, 1, matrix), windows), wanted, strict=True
        ):
            np.testing.assert_array_equal(one, other)


def change(name: str, value: Any, at: Any = ...) -> Callable[[Arrays], None]:
    def apply(arrays: Arrays) -> None:
        array = arrays[f"synthesis.{name}"].copy()
        array[at] = value
        arrays[f"synthesis.{name}"] = array

    return apply


def replace(name: str, how: Callable[[Integers], Integers]) -> Callable[[Arrays], None]:
    def apply(arrays: Arrays) -> None:
        arrays[f"synthesis.{name}"] = np.ascontiguousarray(how(arrays[f"synthesis.{name}"]))

    return apply


def remove(name: str) -> Callable[[Arrays], None]:
    def apply(arrays: Arrays) -> None:
        del arrays[f"synthesis.{name}"]

    return apply


UNFIT = {
    "wide stream": change("enter.clip", (-40000, 4095)),
    "wide hint": change("latent_in.clip", (-20000, 20000)),
    "limits reversed": change("before.0.first.clip", (5, 4)),
    "left shift": change("leave.shift", -1, 3),
    "long shift": change("leave.shift", 31, 3),
    "move far left": change("to_up.shift", -9),
    "move far right": change("after.0.entering.shift", 40),
    "bias": change("down.bias", 2**31 - 1, 5),
    "bias of a quality": change("below.0.bias", -(2**31), (1, 2)),
    "linear weight": change("linear.weight", 40000, (5, 6)),
    "linear bias": change("linear.bias", 1 << 40, 700),
    "negative spread": change("spread_shift", -1, 2),
    "no array": remove("up.clip"),
    "filter's weights": change("postfilter", 32767, 2),
    "weight without opposite": change("postfilter", -32768, (1, 2)),
    "filter of each plane": replace("postfilter", lambda a: np.stack([a] * 3)),
    "wide filter": replace("postfilter", lambda a: a.astype(np.int32)),
    "floats": replace("enter.weight", lambda a: a.astype(np.float32)),
    "wide weights": replace("enter.weight", lambda a: a.astype(np.int32)),
    "weights missing": replace("enter.weight", lambda a: a[:-1]),
    "nothing": replace("enter.weight", lambda a: a[:0]),
    "shifts missing": replace("before.0.first.shift", lambda a: a[:-1]),
    "spread missing": replace("spread_shift", lambda a: a[:-1]),
    "linear missing": replace("linear.weight", lambda a: a[:, :-1]),
    "qualities missing": replace("below.0.bias", lambda a: a[:-1]),
    "a block missing": remove("before.0.second.weight"),
    "limits missing": replace("to_down.clip", lambda a: a[:1]),
    "huge limits": replace("to_down.clip", lambda a: a.astype(np.int64) << 40),
}


@pytest.mark.parametrize("spoil", UNFIT.values(), ids=UNFIT)
def test_networks_that_do_not_fit_are_left_to_onnx_runtime(
    spoil: Callable[[Arrays], None],
) -> None:
    arrays = made_up(2)
    assert CompiledSynthesis.of(arrays) is not None
    spoil(arrays)
    assert CompiledSynthesis.of(arrays) is None


@pytest.mark.parametrize("widths", [(16, 24), (20, 32)], ids=str)
def test_channels_that_are_no_multiples_are_left_to_onnx_runtime(widths: tuple[int, int]) -> None:
    assert CompiledSynthesis.of(made_up(2, widths=widths)) is None


def test_too_many_blocks_are_left_to_onnx_runtime() -> None:
    assert CompiledSynthesis.of(made_up(2, depth=(1, 63, 1))) is None


def test_arrays_of_other_sizes_are_refused() -> None:
    network = fitting(made_up(3))
    call, matrix = compiled.NATIVE.synthesise, rotation_matrix(IDENTITY)
    latents, pixels = np.zeros((37, 1, 2), np.int32), np.zeros((16, 32, 3), np.uint8)
    rows, columns = np.ones(0, np.bool_), np.ones(1, np.bool_)
    good = [network._packed, latents, 1, 2, rows, columns, 0, matrix, pixels]
    call(*good)
    for at, bad in (
        (1, latents[:-1].copy()),
        (1, latents + (1 << 28)),
        (1, latents + np.int32(-(1 << 31))),
        (2, 2),
        (2, -1),
        (3, 1 << 30),
        (4, columns),
        (5, rows),
        (6, QUALITIES),
        (6, -1),
        (7, matrix[:2]),
        (7, matrix * 2),
        (8, pixels[:-1].copy()),
    ):
        with pytest.raises(ValueError, match="fit the network"):
            call(*good[:at], bad, *good[at + 1 :])
    with pytest.raises(ValueError):
        call(object(), *good[1:])
    with pytest.raises(ValueError, match="fit the network"):
        network.run(latents[:-1], 0, matrix)


def test_without_the_c_onnx_runtime_runs_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    synthesis.compiled_network.cache_clear()
    monkeypatch.setattr(compiled, "NATIVE", None)
    try:
        found = Synthesis.of(load_network(), 1)
        assert found.compiled is None
        assert found.engine.startswith("onnxruntime")
        latents = made_up_latents("usual", 640, 1, 2, 3)
        assert found.run(latents, 40, rotation_matrix(TURN)).shape == (16, 32, 3)
    finally:
        synthesis.compiled_network.cache_clear()


def test_portable_c_runs_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "variants", lambda: ("plain",))
    assert CompiledSynthesis.of(made_up(1)) is None
    found = CompiledSynthesis.of(made_up(1), "plain")
    assert found is not None
    assert found.variant == "plain"


def test_unknown_variants_are_refused() -> None:
    with pytest.raises(ValueError, match=r"variant mmx; this processor runs .*plain"):
        CompiledSynthesis.of(made_up(1), "mmx")


def driven(
    program: list[str],
    folder: Path,
    arrays: Arrays,
    latents: Integers,
    quality: int,
    joined: JoinedBlocks,
) -> Integers:
    """Return the pixels that a compiled driver computes."""

    def of(name: str) -> Integers:
        return arrays[f"synthesis.{name}"]

    def move(name: str) -> bytes:
        return np.array([of(f"{name}.shift"), *of(f"{name}.clip")], "<i4").tobytes()

    def layer(name: str) -> bytes:
        weight = of(f"{name}.weight")
        head = np.array([len(weight), weight[0].size, *of(f"{name}.clip")], "<i4")
        parts = (head, of(f"{name}.shift"), of(f"{name}.bias"), weight)
        return b"".join(part.tobytes() for part in parts)

    qualities, depth, *_ = compiled._arguments(arrays)
    fine, coarse = len(of("enter.weight")), len(of("down.weight"))
    head = [len(latents), fine, coarse, qualities, *depth, *latents.shape[1:], quality]
    head.append(int(POSTFILTER in arrays))
    data = np.array([*head, *rotation_matrix(TURN).ravel()], "<i4").tobytes()
    data += b"".join(map(move, ("to_down", "to_up", "to_leave")))
    data += b"".join(map(layer, ("latent_in", "enter", "down", "up", "leave")))
    for part, count in zip(("before", "below", "after"), depth, strict=True):
        for name in (f"{part}.{i}" for i in range(count)):
            data += move(f"{name}.entering") + layer(f"{name}.first") + layer(f"{name}.second")
            data += of(f"{name}.bias").tobytes()
    data += of("linear.weight").tobytes() + of("linear.bias").tobytes()
    data += of("spread_shift").tobytes() + latents.tobytes()
    data += arrays[POSTFILTER].tobytes() if POSTFILTER in arrays else b""
    data += joined.rows.tobytes() + joined.columns.tobytes()
    (folder / "in").write_bytes(data)
    # The driver leaves its memory to the system.
    environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    subprocess.run(
        [*program, folder / "in", folder / "out"], check=True, timeout=60, env=environment
    )
    shape = (16 * latents.shape[1], 16 * latents.shape[2], 3)
    return np.frombuffer((folder / "out").read_bytes(), np.uint8).reshape(shape)


def build(folder: Path, compiler: str, variant: str, *options: str) -> Path:
    program = folder / variant
    names = (f"variant_{variant}", "packing", "bounds")
    sources = [DRIVER, *(NATIVE / f"{name}.c" for name in names)]
    sources += [SHARED / f"{name}.c" for name in ("arena", "given_layer", "processor")]
    subprocess.run(
        [compiler, "-O2", "-Wall", "-Wextra", "-Werror", f"-I{NATIVE}", f"-I{SHARED}",
         f"-DVARIANT=dp_{variant}", *options, *sources, "-o", program],
        check=True,
    )  # fmt: skip
    return program


def check_driven(program: list[str], folder: Path) -> None:
    for seed, kind in enumerate(KINDS):
        boundaries = FILTERS[seed % len(FILTERS)]
        arrays = made_up(seed, 20 + seed, ((16, 32), (48, 16))[seed % 2], boundaries=boundaries)
        latents = made_up_latents(kind, 20 + seed, 2, 1 + seed, seed)
        quality, joined = seed % QUALITIES, some_joined(latents, seed)
        found = driven(program, folder, arrays, latents, quality, joined)
        wanted = plain(arrays, latents, quality, rotation_matrix(TURN), joined)
        np.testing.assert_array_equal(found, wanted)
    latents = made_up_latents("usual", 640, 1, 2, 3)
    found = driven(program, folder, shipped(), latents, 130, JoinedBlocks.one_tile(latents))
    wanted = fitting(shipped(), "plain").run(latents, 130, rotation_matrix(TURN))
    np.testing.assert_array_equal(found, wanted)


def test_256_bits_of_vnni_are_exact(tmp_path: Path) -> None:
    """AVX-VNNI's code, in the encoding that processors with AVX-512 have."""
    if "avx512" not in compiled.variants() or shutil.which("gcc") is None:
        return  # nothing here can run it; where AVX-VNNI is, the tests above have run it
    options = ("-DDP_EVEX_VNNI", "-DRUNS_HERE=dp_has_avx512()")
    check_driven([str(build(tmp_path, "gcc", "avxvnni", *options))], tmp_path)


def test_products_of_arm_are_exact(tmp_path: Path) -> None:
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    emulator = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if compiler is None or emulator is None:
        pytest.skip("needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user-static")
    program = build(tmp_path, compiler, "neon", "-static", "-DRUNS_HERE=dp_has_dotprod()")
    check_driven([emulator, "-cpu", "max", str(program)], tmp_path)


def test_no_access_leaves_the_arrays(tmp_path: Path) -> None:
    """Run with gcc's checks of addresses and of undefined behaviour."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    options = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DRUNS_HERE=1")
    check_driven([str(build(tmp_path, "gcc", compiled.variants()[0], *options))], tmp_path)
