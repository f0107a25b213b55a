"""Builds the firmware images, and lists the boards with their sources and flags.

    BOARDS[name] ── sources, flags, weights (made once) ──► arm-none-eabi-gcc ──► image.elf

The build needs a compiler and this table, but no make. Emulated and real boards share the sources.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ....link.errors import InputError
from ....link.scratch import scratch_folder
from ....link.text import printable

PACKAGES: Final = "qemu-system-arm gcc-arm-none-eabi libnewlib-arm-none-eabi"
FIRMWARE: Final = Path(__file__).parent
STUDENT: Final = "student"
ECHO: Final = "echo"
JOBS: Final = (STUDENT, ECHO)
MEMORY_SECTIONS: Final = (".data", ".bss", ".stack")
_COMPILER: Final = "arm-none-eabi-gcc"
_FLAGS: Final = (
    "-std=c99 -O2 -Wall -Wextra -Werror -Wconversion -ffunction-sections -fdata-sections"
)
_LINK: Final = "-nostartfiles --specs=nosys.specs -Wl,--gc-sections,--fatal-warnings"
_COMMON: Final = (
    "main.c",
    "hal/ring.c",
    "hal/boot.c",
    "proto/board.c",
    "proto/tile.c",
    "proto/answers.c",
    "proto/codes.c",
)
_NN: Final = ("nn/student.c", "nn/networks.c", "nn/codestream.c", "nn/rangecoder.c")
_CORTEX_M: Final = ("boards/cortex-m/start.c",)
# Interrupt code is compiled without vector registers; start.S saves them for library code.
_A9: Final = "-mcpu=cortex-a9 -marm -mfpu=neon -mfloat-abi=softfp -mno-unaligned-access"
_A9_INTERRUPTS: Final = "-mgeneral-regs-only"


@dataclass(frozen=True, slots=True)
class Machine:
    """How QEMU emulates a board.

    Attributes:
        options: QEMU's options for the machine and its memory.
        shift: One counted instruction takes 2**shift ns.
        sleep: Whether virtual time follows real time while the core sleeps. Otherwise it jumps to
            the next event, which never ends if a timer always runs.
        seed_at: Address of `struct kept`'s seed in firmware/hal/boot.c.
    """

    options: str
    shift: int
    sleep: bool
    seed_at: int


@dataclass(frozen=True, slots=True)
class Board:
    """A board that the firmware is built for.

    Attributes:
        what: A description for people, in one line.
        flags: Compiler flags of the core.
        defines: Macros of the drivers.
        link: The linker script under firmware/boards.
        sources: Sources of this board alone.
        interrupt_flags: More flags for `sources` and for hal.
        machine: The machine that emulates it; None for a real board.
    """

    what: str
    flags: str
    defines: tuple[str, ...]
    link: str
    sources: tuple[str, ...]
    interrupt_flags: str = ""
    machine: Machine | None = None


_ZYNQ_SOURCES: Final = ("boards/zynq/start.S", "boards/zynq/board.c", "drivers/cadence_uart.c")
_MPS_SOURCES: Final = (
    *_CORTEX_M,
    "boards/mps/board.c",
    "drivers/cmsdk_uart.c",
    "drivers/systick.c",
)
BOARDS: Final = {
    "zynq-a9": Board(
        what="Zynq-7000 (Cortex-A9, NEON) in QEMU",
        flags=_A9,
        defines=("DP_EMULATED", "DP_CLOCK_HZ=500000000u"),
        link="zynq/link.ld",
        sources=(*_ZYNQ_SOURCES, "drivers/pl330.c"),
        interrupt_flags=_A9_INTERRUPTS,
        machine=Machine("-M xilinx-zynq-a9 -m 256M", 1, False, 0x00FFFF04),
    ),
    "cortex-m7": Board(
        what="Cortex-M7 with DSP instructions (Arm's AN500) in QEMU",
        flags="-mcpu=cortex-m7 -mthumb -mfloat-abi=soft",
        defines=(
            "DP_EMULATED",
            "DP_CLOCK_HZ=500000000u",
            "SYSTEM_CLOCK=25000000u",
            "UART_BASE=0x40004000u",
            "UART_INTERRUPT=0u",
        ),
        link="mps/an500.ld",
        sources=_MPS_SOURCES,
        machine=Machine("-M mps2-an500", 1, True, 0x203FFF04),
    ),
    "cortex-m55": Board(
        what="Cortex-M55 with Helium (Arm's AN547) in QEMU",
        flags="-mcpu=cortex-m55 -mthumb -mfloat-abi=hard",
        defines=(
            "DP_EMULATED",
            "DP_CLOCK_HZ=250000000u",
            "SYSTEM_CLOCK=32000000u",
            "UART_BASE=0x49303000u",
            "UART_INTERRUPT=33u",
        ),
        link="mps/an547.ld",
        sources=_MPS_SOURCES,
        machine=Machine("-M mps3-an547", 2, True, 0x213FFF04),
    ),
    "zedboard": Board(
        what="Zynq-7000 on a ZedBoard or a MicroZed, UART 1; not yet run on the metal",
        flags=_A9,
        defines=("UART_BASE=0xE0001000u", "UART_INTERRUPT=82u"),
        link="zynq/link.ld",
        sources=(*_ZYNQ_SOURCES, "boards/zynq/mmu.c"),
        interrupt_flags=_A9_INTERRUPTS,
    ),
    "nucleo-h743zi2": Board(
        what="STM32H743 (Cortex-M7) on a NUCLEO-H743ZI2, USART3; not yet run on the metal",
        flags="-mcpu=cortex-m7 -mthumb -mfloat-abi=soft",
        defines=("UART_BASE=0x40004800u",),
        link="stm32h7/link.ld",
        sources=(
            *_CORTEX_M,
            "boards/stm32h7/board.c",
            "drivers/stm32_usart.c",
            "drivers/systick.c",
        ),
    ),
}


def build(name: str, image: Path, job: str = STUDENT) -> Path:
    """Compile a board's firmware and return the image.

    Args:
        name: A key of `BOARDS`.
        image: The file to write.
        job: What the firmware does with tiles: `STUDENT`, or `ECHO` to test lines and drivers.

    Raises:
        InputError: No such board or job, or the compiler is not installed or fails.
    """
    if name not in BOARDS:
        raise InputError(f"board {name!r}: there are {', '.join(BOARDS)}")
    if job not in JOBS:
        raise InputError(f"job {job!r} of board {name}: there are {', '.join(JOBS)}")
    board = BOARDS[name]
    with scratch_folder("build") as folder:
        flags = [*_FLAGS.split(), *board.flags.split()]
        flags += [f"-D{one}" for one in board.defines]
        flags += [f'-DDP_BOARD_NAME="{name}"']
        sources = [FIRMWARE / one for one in (*_COMMON, f"jobs/{job}.c")]
        if job == STUDENT:
            sources += [FIRMWARE / one for one in _NN]
            flags += [f"-I{_weights()}", f"-I{FIRMWARE / 'nn'}"]
            sources.append(_weights() / "dp_model.c")
        slow = board.interrupt_flags.split()
        todo = [(source, flags) for source in sources]
        todo += [(FIRMWARE / one, flags + slow) for one in board.sources]
        if slow:
            todo = [(one, flags + slow if one.parent.name == "hal" else own) for one, own in todo]
        with ThreadPoolExecutor(2) as threads:
            objects = list(
                threads.map(
                    lambda numbered: _compile(
                        numbered[1][0], numbered[1][1], folder / f"{numbered[0]}.o"
                    ),
                    enumerate(todo),
                )
            )
        script = FIRMWARE / "boards" / board.link
        _run(
            [tool(_COMPILER), *board.flags.split(), *_LINK.split(), "-T", str(script)],
            [f"-L{FIRMWARE / 'boards' / 'cortex-m'}", "-o", str(image), *map(str, objects)],
        )
    return image


def memory(image: Path) -> dict[str, int]:
    """Return the bytes of an image's sections in RAM, `ram`, and of its constants, `constant`.

    Raises:
        InputError: The tools are not installed.
    """
    said = _run([tool("arm-none-eabi-size"), "-A", str(image)])
    found = {"ram": 0, "constant": 0}
    for line in said.splitlines():
        match line.split():
            case [section, size, _] if section in MEMORY_SECTIONS:
                found["ram"] += int(size)
            case [(".text" | ".vectors"), size, _]:
                found["constant"] += int(size)
    return found


def missing_tools() -> list[str]:
    """Return the programs that emulated boards need and that are not installed."""
    return [name for name in ("qemu-system-arm", _COMPILER) if not shutil.which(name)]


def tool(name: str) -> str:
    """Return a program's path.

    Raises:
        InputError: The program is not installed.
    """
    found = shutil.which(name)
    if not found:
        raise InputError(f"{name} is not installed; apt install {PACKAGES}")
    return found


@functools.cache
def _weights() -> Path:
    """Generate the model's C once per process; its folder lasts as long as the process."""
    kept = contextlib.ExitStack()
    atexit.register(kept.close)
    folder = kept.enter_context(scratch_folder("weights"))
    _run([sys.executable, "-m", "downpass.payload.board.firmware.weights", "--out", str(folder)])
    return folder


def _compile(source: Path, flags: list[str], to: Path) -> Path:
    _run([tool(_COMPILER), *flags, "-c", str(source), "-o", str(to)])
    return to


def _run(*parts: list[str]) -> str:
    command = [word for part in parts for word in part]
    ran = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if ran.returncode:
        raise InputError(f"{Path(command[0]).name} failed: {why_it_failed(ran.stderr)}")
    return ran.stdout.decode()


def why_it_failed(said: bytes) -> str:
    """Return the line of a program's standard error that tells best why it failed."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    faults = [line for line in lines if re.search(r"\b[Ee]rror\b", line)]
    return printable((faults or lines[-1:] or ["it says nothing"])[0], 300)
