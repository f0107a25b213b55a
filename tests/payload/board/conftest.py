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
    """The folder of the shipped model's C."""
    folder = tmp_path_factory.mktemp("model")
    generate(folder)
    return folder


Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def compile_nn(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """A compiler of nn/ and more."""

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
    """nn/ as a library of this computer."""
    library = ctypes.CDLL(str(compile_nn("-O2", "-shared", "-fPIC", "-Wl,-z,defs")))
    for name in ("dp_nn_encode", "dp_nn_self_test", "dp_coder_finish"):
        getattr(library, name).restype = ctypes.c_uint32
    return library
