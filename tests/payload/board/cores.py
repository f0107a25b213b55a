"""The three emulated cores: how nn/ is compiled for each, and how QEMU runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from downpass.payload.board.firmware.build import BOARDS, FIRMWARE

HERE: Final = Path(__file__).parent
NN: Final = FIRMWARE / "nn"
WARNINGS: Final = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-g")


@dataclass(frozen=True)
class Core:
    """A core in QEMU.

    Attributes:
        machine: QEMU's name of the machine.
        board: The board whose firmware is compiled for the same core, with the same flags.
        kernels: The kernels of nn/ that these flags select.
        vectors: Address of the vector table, where the core starts.
        code: Address and size in KiB of code and constants.
        data: The same of data and stack.
        picoseconds: Picoseconds per tick of SysTick; 0 without one.
    """

    machine: str
    board: str
    kernels: str
    vectors: int
    code: tuple[int, int]
    data: tuple[int, int]
    picoseconds: int = 0

    def linker_script(self) -> str:
        """Return the linker script for the core's memory."""
        code, data = self.code, self.data
        return f"""ENTRY({"start" if "a9" in self.machine else "begin"})
MEMORY {{
    vectors (rx) : ORIGIN = {self.vectors:#x}, LENGTH = 1K
    code (rx) : ORIGIN = {code[0]:#x}, LENGTH = {code[1]}K
    data (rw) : ORIGIN = {data[0]:#x}, LENGTH = {data[1]}K
}}
SECTIONS {{
    .vectors : {{ KEEP(*(.vectors)) }} > vectors
    .text : {{ *(.text*) *(.rodata*) }} > code
    .ARM.exidx : {{ *(.ARM.exidx*) }} > code
    .data : {{ *(.data*) }} > data
    .bss : {{ *(.bss*) *(COMMON) }} > data
    end = .;
    stack_top = ORIGIN(data) + LENGTH(data);
}}
"""

    def arguments(self, script: Path) -> list[str]:
        """Return the compiler's arguments besides the sources of nn/."""
        return [
            *BOARDS[self.board].flags.split(),
            "-O2",
            f"-DPICOSECONDS={self.picoseconds}u",
            "--specs=rdimon.specs",
            "-nostartfiles",
            f"-T{script}",
            "-Wl,--no-warn-rwx-segments",
            str(HERE / "start.c"),
        ]

    def command(self, image: Path, *more: str) -> list[str]:
        """Return QEMU's command for an image that reads and writes files in the working folder."""
        quiet = "-display none -monitor none -serial null -semihosting-config enable=on"
        return ["qemu-system-arm", "-M", self.machine, *quiet.split(), *more, "-kernel", str(image)]


CORES: Final = {
    "cortex-a9": Core(
        "xilinx-zynq-a9",
        "zynq-a9",
        "neon",
        0x100000,
        (0x100400, 8192),
        (0x1000000, 8192),
    ),
    "cortex-m7": Core(
        "mps2-an500",
        "cortex-m7",
        "dsp",
        0,
        (0x400, 4095),
        (0x20000000, 1024),
        40000,
    ),
    "cortex-m55": Core(
        "mps3-an547",
        "cortex-m55",
        "helium",
        0,
        (0x1000000, 2048),
        (0x21000000, 1024),
        31250,
    ),
}
