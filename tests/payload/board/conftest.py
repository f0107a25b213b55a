from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from downpass.payload.board.firmware import weights
from downpass.payload.board.firmware.golden_tile import golden_codestream

from .cores import NN, WARNINGS
from .models import ReferenceModel, changed, with_prefilter


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the C sources generated from the shipped model."""
    folder = tmp_path_factory.mktemp("model")
    weights.generate(folder)
    return folder


@pytest.fixture(scope="session")
def lapped_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with a random prefilter."""
    return changed(tmp_path_factory.mktemp("lapped") / "model", with_prefilter)


@pytest.fixture(scope="session")
def lapped_sources(lapped_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the C sources of `lapped_model`, whose golden tile was coded in numpy."""
    folder = tmp_path_factory.mktemp("lapped")
    golden = golden_codestream(ReferenceModel.of(lapped_model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "golden_codestream", lambda _: golden)
        weights.generate(folder, lapped_model)
    return folder


Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def compile_nn(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """A function that compiles nn/ with further sources and arguments.

    It takes the shipped model's sources, or those in the folder `generated`. It leaves out the
    source of nn/ that is named `without`.
    """
    shipped = generated

    def compile_nn(
        *more: str | Path,
        compiler: str = "gcc",
        package: str = "gcc",
        generated: Path = shipped,
        without: str = "",
    ) -> Path:
        found = shutil.which(compiler)
        assert found, f"the firmware's tests need {compiler}: install {package}"
        output = tmp_path_factory.mktemp("nn") / "out"
        own = sorted(source for source in NN.glob("*.c") if source.name != without)
        sources = [*own, generated / "dp_model.c"]
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
