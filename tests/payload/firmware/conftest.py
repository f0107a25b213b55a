from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[3] / "payload" / "board" / "firmware"
PROTO = sorted((FIRMWARE / "proto").glob("*.c"))
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-O1", "-g"]


def compile_c(output: Path, *arguments: str | Path) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler, "the firmware's tests need a C compiler: install gcc"
    subprocess.run(
        [compiler, *WARNINGS, "-o", str(output), *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    )
    return output


@pytest.fixture(scope="session")
def proto(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """proto/ as a shared library for this computer, in which undefined behaviour is fatal."""
    folder = tmp_path_factory.mktemp("proto")
    extra = folder / "size.c"
    extra.write_text(
        '#include "proto.h"\n'
        "size_t size_of_board(void);\n"
        "size_t size_of_board(void) { return sizeof(struct dp_board); }\n"
    )
    library = compile_c(
        folder / "proto.so",
        "-shared",
        "-fPIC",
        "-fsanitize=undefined",
        "-fno-sanitize-recover=all",
        f"-I{FIRMWARE / 'proto'}",
        *PROTO,
        extra,
    )
    return ctypes.CDLL(str(library))


@pytest.fixture(scope="session")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fuzz target with its own mutator, built with the address sanitizer."""
    return compile_c(
        tmp_path_factory.mktemp("fuzz") / "fuzz_board",
        "-DSTANDALONE",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        FIRMWARE / "fuzz" / "fuzz_board.c",
        *PROTO,
    )
