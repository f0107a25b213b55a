"""The prefilter in the firmware's encoder against its definition in numpy."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from downpass.link.student import lapped
from downpass.payload.board.firmware.kernel_layers import pixels_of_block
from downpass.payload.board.firmware.weights import generate
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Compile
from .models import ReferenceModel, changed, without_prefilter
from .student_tiles import chosen_cases, run_tiles, streams

WEIGHTS = ("near the identity", "any", "largest")
PLANES = ("any", "extremes", "largest sums")


@pytest.fixture(scope="module")
def prefilter(compile_nn: Compile, lapped_sources: Path) -> ctypes.CDLL:
    """The prefilter alone, for this computer."""
    return ctypes.CDLL(
        str(
            compile_nn(
                Path(__file__).with_name("prefilter_alone.c"),
                *("-O2", "-shared", "-fPIC"),
                generated=lapped_sources,
                without="networks.c",
            )
        )
    )


def weights_like(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Weights whose magnitudes sum to at most 16 in a row."""
    if kind == "near the identity":
        weights = 4096 * np.eye(8) + rng.integers(-800, 801, (8, 8))
    elif kind == "any":
        weights = rng.integers(-8192, 8193, (8, 8))
    else:
        weights = np.broadcast_to(8192 * rng.choice([-1, 1], 8), (8, 8))
    return np.ascontiguousarray(weights.astype(np.int16))


def planes_like(
    kind: str, shape: tuple[int, int, int], weights: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Planes in half grey levels; *largest sums* have the signs of a row of the weights."""
    if kind == "any":
        return rng.integers(-512, 512, shape)
    if kind == "extremes":
        return rng.choice([-512, 511], shape)
    signs = np.sign(weights[0])
    across = np.tile(np.concatenate([-signs, signs[::-1]]), shape[2] // 16)
    return np.broadcast_to(np.where(across > 0, 511, -512), shape)


def as_stored(planes: np.ndarray) -> np.ndarray:
    """The firmware's order of planes (3, h, w): block by block, in cells."""
    rows, columns = (side // 16 for side in planes.shape[1:])
    blocks = planes.reshape(3, rows, 16, columns, 16).transpose(1, 3, 0, 2, 4)
    out = np.empty((rows * columns, 768), np.int16)
    out[:, pixels_of_block()] = blocks.reshape(rows * columns, 768)
    return out


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(WEIGHTS),
    st.sampled_from(PLANES),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_planes_equal_the_definition(
    prefilter: ctypes.CDLL, weight: str, plane: str, rows: int, columns: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = weights_like(weight, rng)
    assert lapped.weights_of({"weights": weights}, "weights") is weights
    planes = planes_like(plane, (3, 16 * rows, 16 * columns), weights, rng)
    stored = as_stored(planes)
    prefilter.prefilter_alone(
        weights.ctypes.data_as(ctypes.c_void_p),
        rows,
        columns,
        stored.ctypes.data_as(ctypes.c_void_p),
    )
    assert np.array_equal(stored, as_stored(lapped.prefilter(planes, weights)))


def test_codestreams_equal_those_of_the_networks_in_numpy(
    compile_nn: Compile, lapped_model: Path, lapped_sources: Path, tmp_path: Path
) -> None:
    """With sanitizers, which find nothing; `run_tiles.c` codes the golden tile, too."""
    program = compile_nn(
        Path(__file__).with_name("run_tiles.c"),
        *("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        generated=lapped_sources,
    )
    cases = chosen_cases(5)
    reference = ReferenceModel.of(lapped_model)
    wanted = [stream for case in cases for stream in streams(case, reference)]
    coded, _ = run_tiles([program], tmp_path, cases)
    assert coded == wanted
    unfiltered = replace(reference, arrays={**reference.arrays})
    without_prefilter(unfiltered.arrays)
    whole = next(case for case in cases if case.pixels.shape == (64, 64, 3))
    assert streams(whole, unfiltered) != streams(whole, reference), "the filter does nothing"


def test_a_model_without_a_prefilter_has_no_code_of_it(tmp_path: Path) -> None:
    generate(tmp_path / "out", changed(tmp_path / "model", without_prefilter))
    for source in (tmp_path / "out").iterdir():
        text = source.read_text()
        assert "DP_LAPPED" not in text
        assert "dp_prefilter" not in text
