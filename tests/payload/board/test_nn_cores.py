"""The fast kernels on bare emulated cores: the same bytes as Python's encoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from downpass.payload.board.firmware.build import PACKAGES, missing_tools

from .conftest import Compile
from .cores import CORES, HERE, Core
from .models import ReferenceModel
from .student_tiles import TileCase, chosen_cases, run_tiles, streams

# Where CI is set, the hook in tests/conftest.py makes a failure of this skip.
pytestmark = pytest.mark.skipif(
    bool(missing_tools()),
    reason=f"{', '.join(missing_tools())} missing: apt install {PACKAGES}",
)


@pytest.mark.parametrize("name", list(CORES))
def test_same_bytes_as_python(name: str, compile_nn: Compile, tmp_path: Path) -> None:
    # Every kind of tile, at one of its qualities.
    cases = chosen_cases(7)
    wanted = [stream for case in cases for stream in streams(case)]
    assert encoded(CORES[name], cases, tmp_path, compile_nn) == wanted


@pytest.mark.parametrize("name", list(CORES))
def test_same_bytes_as_numpy_with_a_prefilter(
    name: str, compile_nn: Compile, lapped_model: Path, lapped_sources: Path, tmp_path: Path
) -> None:
    cases, reference = chosen_cases(17), ReferenceModel.of(lapped_model)
    wanted = [stream for case in cases for stream in streams(case, reference)]
    compiled = partial(compile_nn, generated=lapped_sources)
    assert encoded(CORES[name], cases, tmp_path, compiled) == wanted


def encoded(
    core: Core, cases: Sequence[TileCase], folder: Path, compile_nn: Compile
) -> list[bytes]:
    """Encode tiles on an emulated core."""
    script = folder / "image.ld"
    script.write_text(core.linker_script())
    image = compile_nn(
        HERE / "run_tiles.c",
        *core.arguments(script),
        compiler="arm-none-eabi-gcc",
        package=PACKAGES,
    )
    coded, said = run_tiles(core.command(image), folder, cases)
    assert said.split() == [core.kernels]
    return coded
