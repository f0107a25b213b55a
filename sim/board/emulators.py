"""Boards that this computer can be: `emulator:NAME` in place of a port."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ...link.errors import InputError
from ...payload import board as payload_board

PREFIX: Final = "emulator:"
AGENT: Final = "agent"
ZYNQ: Final = "zynq-a9"
EMULATORS: Final = {
    AGENT: "the Linux agent with JPEG 2000, or agent:CODEC, in a process of its own",
    ZYNQ: "Zynq-7000 (Cortex-A9) in QEMU; gives tiles back as they came",
}
PACKAGES: Final = "qemu-system-arm gcc-arm-none-eabi libnewlib-arm-none-eabi"
FIRMWARE: Final = Path(payload_board.__file__).parent / "firmware"
_PROTO: Final = ("main.c", "proto/board.c", "proto/codes.c")
_COMPILE: Final = (
    "-std=c99 -O2 -Wall -Wextra -Werror -Wconversion -mcpu=cortex-a9 -marm -mfloat-abi=soft "
    "-mno-unaligned-access -nostartfiles --specs=nosys.specs"
)
# Counted instructions: the same ticks at every start, whatever else this computer does.
_QEMU: Final = (
    "-M xilinx-zynq-a9 -m 256M -display none -monitor none -serial pty -icount shift=5,sleep=off"
)


@contextlib.contextmanager
def board_port(name: str) -> Iterator[str]:
    """Give the port of a board; one that is emulated is started, and stopped at the end.

    Raises:
        InputError: No such emulator, or what it needs is not installed.
    """
    if not name.startswith(PREFIX):
        yield name
        return
    kind, _, codec = name.removeprefix(PREFIX).partition(":")
    if kind not in EMULATORS or (codec and kind != AGENT):
        raise InputError(f"emulator {kind!r}: there are {', '.join(EMULATORS)}")
    with tempfile.TemporaryDirectory(prefix="downpass-board-") as folder:
        if kind == AGENT:
            command = [sys.executable, "-m", "downpass.payload.board", "serve"]
            command += ["--pty", "--name", kind, *(["--codec", codec] if codec else [])]
        else:
            image = build_zynq(Path(folder) / "zynq-a9.elf")
            command = [_tool("qemu-system-arm"), *_QEMU.split(), "-kernel", str(image)]
        with _running(kind, command, Path(folder) / "said") as port:
            yield port


def build_zynq(image: Path) -> Path:
    """Compile the firmware for the Zynq-7000 and return the image.

    Raises:
        InputError: The compiler is not installed.
    """
    folder = FIRMWARE / "boards" / ZYNQ
    sources = [folder / "start.S", folder / "hal.c", *(FIRMWARE / name for name in _PROTO)]
    command = [_tool("arm-none-eabi-gcc"), *_COMPILE.split(), f'-DDP_BOARD_NAME="{ZYNQ}"']
    command += ["-T", str(folder / "link.ld"), "-o", str(image), *map(str, sources)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if ran.returncode:
        raise RuntimeError(f"the firmware does not compile: {ran.stderr}")
    return image


def missing_tools() -> list[str]:
    """Return the programs that the emulated boards need and this computer lacks."""
    return [name for name in ("qemu-system-arm", "arm-none-eabi-gcc") if not shutil.which(name)]


def _tool(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise InputError(f"emulator {ZYNQ}: {name} is not installed; apt install {PACKAGES}")
    return found


@contextlib.contextmanager
def _running(kind: str, command: list[str], said: Path) -> Iterator[str]:
    """Run a program that names its pseudo-terminal in its first line; stop it at the end."""
    with said.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603  (our own program, nothing of the user's)
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        port = re.search(r"/dev/\S+", process.stdout.readline())
        if port is None:
            raise RuntimeError(f"the emulator {kind} did not start: {said.read_text().strip()}")
        yield port[0]
    finally:
        process.terminate()
        process.wait()
