from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from downpass.payload.board.firmware.weights import generate

from .cores import NN, WARNINGS


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the C sources generated from the shipped model."""
    folder = tmp_path_factory.mktemp("model")
    generate(folder)
    return folder


Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def compile_nn(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """A function that compiles nn/ with further sources and arguments."""

    def compile_nn(*more: str | Path, compiler: str = "gcc", package: str = "gcc") -> Path:
        found = shutil.which(compiler)
        assert found, f"the firmware's tests need {compiler}: install {package}"
        output = tmp_path_factory.mktemp("nn") / "out"
        sources = [*sorted(NN.glob("*.c")), generated / "dp_model.c"]
        command = [found, *WARNINGS, f"-I{NN}", f"-I{generated}", *sources, *more, "-o", output]
        ran = subprocess.run([*map(str, command)], check=False, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return output

    return compile_nn


@pytest.fixture(scope="session")
def nn(compile_nn: Compile) -> ctypes.CDLL:
    """nn/ as a shared library for this computer."""
    library = ctypes.CDLL(str(compile_nn("-O2", "-shared", "-fPIC", "-Wl,-z,defs")))
    for name in ("dp_nn_encode", "dp_nn_self_test", "dp_coder_finish"):
        getattr(library, name).restype = ctypes.c_uint32
    return library
