"""The fast kernels on bare emulated cores: the same bytes as Python's encoder."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from downpass.payload.board.firmware.build import PACKAGES, missing_tools

from .conftest import Compile
from .cores import CORES, HERE
from .student_tiles import expected, packed, tile_cases, unpacked

# Where CI is set, the hook in tests/conftest.py makes a failure of this skip.
pytestmark = pytest.mark.skipif(
    bool(missing_tools()),
    reason=f"{', '.join(missing_tools())} missing: apt install {PACKAGES}",
)


@pytest.mark.parametrize("name", list(CORES))
def test_same_bytes_as_python(name: str, compile_nn: Compile, tmp_path: Path) -> None:
    core = CORES[name]
    script = tmp_path / "image.ld"
    script.write_text(core.linker_script())
    image = compile_nn(
        HERE / "run_tiles.c",
        *core.arguments(script),
        compiler="arm-none-eabi-gcc",
        package=PACKAGES,
    )
    # Every kind of tile, at one of its qualities.
    chosen = [(number, number % 3) for number in range(0, len(tile_cases()), 7)]
    cases = tile_cases()
    (tmp_path / "tiles").write_bytes(
        packed(replace(cases[n], qualities=(cases[n].qualities[q],)) for n, q in chosen)
    )
    ran = subprocess.run(
        core.command(image), cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.split() == [core.kernels]
    assert unpacked((tmp_path / "streams").read_bytes()) == [expected(n)[q] for n, q in chosen]
