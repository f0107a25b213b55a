"""Measure the firmware's encoder on three cores in QEMU: bytes, instructions, memory and flash.

    python -m benchmarks.firmware [bytes] [instructions] [memory] [--core cortex-a9 ...]

`bytes` encodes about two hundred tiles at five qualities and compares every codestream with the
one that the encoder in Python writes. `instructions` counts instructions as QEMU does (`-icount
shift=0`) on tiles of real scenes: no caches, no wait states, one pipeline. `memory` reads section
sizes from the linker, and measures the encoder's stack by painting it beforehand. Without an
argument all three run. If any bytes differ, the exit status is 1. The tiles and the bare-metal
programs are those of tests/payload/board.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from downpass.link.student.rotation import IDENTITY
from downpass.payload.board.firmware.build import BOARDS, build, memory, tool
from downpass.payload.board.firmware.weights import generate
from downpass.payload.encoders.student import student_model

from tests.payload.board.cores import CORES, HERE, NN, WARNINGS, Core
from tests.payload.board.student_tiles import TileCase, packed, streams, tile_cases, unpacked
from tests.payload.frames import AERIAL, SATELLITE, SIGNED, real

QUALITIES = (0, 60, 120, 180, 256)
SIDE = 64
COMPILER = "arm-none-eabi-gcc"


def image(core: Core, program: str, weights: Path, folder: Path, *more: str) -> Path:
    """Compile one of the bare programs for a core."""
    script, output = folder / "image.ld", folder / f"{Path(program).stem}.elf"
    script.write_text(core.linker_script(), encoding="utf-8")
    sources = [*sorted(NN.glob("*.c")), weights / "dp_model.c", HERE / program]
    includes = [f"-I{NN}", f"-I{weights}"]
    command = [tool(COMPILER), *WARNINGS, *includes, *map(str, sources), *core.arguments(script)]
    subprocess.run([*command, *more, "-o", str(output)], check=True)
    return output


def run(core: Core, program: Path, cases: Sequence[TileCase], *more: str) -> str:
    """Run a bare program over tiles and return what it prints."""
    (program.parent / "tiles").write_bytes(packed(cases))
    command = core.command(program, *more)
    return subprocess.run(
        command, cwd=program.parent, check=True, capture_output=True, text=True
    ).stdout


def compare(names: Sequence[str], weights: Path) -> int:
    """Print how many codestreams are equal; return how many are not."""
    cases = [replace(case, qualities=QUALITIES) for case in tile_cases()]
    wanted = [stream for case in cases for stream in streams(case)]
    sizes = {case.pixels.shape for case in cases}
    print(f"{len(cases)} tiles of {len(sizes)} sizes x qualities {', '.join(map(str, QUALITIES))}")
    print(f"{len(set(wanted))} different codestreams, {sum(map(len, wanted))} bytes")
    wrong = 0
    for name in names:
        core = CORES[name]
        with tempfile.TemporaryDirectory() as folder:
            program = image(core, "run_tiles.c", weights, Path(folder))
            kernels = run(core, program, cases).strip()
            found = unpacked((Path(folder) / "streams").read_bytes())
        equal = sum(a == b for a, b in zip(found, wanted, strict=True))
        wrong += len(wanted) - equal
        print(f"{name:10}  {kernels:6}  {equal} of {len(wanted)} codestreams equal", flush=True)
    return wrong


def whole_tiles() -> Iterator[TileCase]:
    """Yield two whole tiles of each scene at every quality, with bands scaled to 8 bits."""
    for path, side in ((AERIAL, 256), (SATELLITE, 256), (SIGNED, 96)):
        scene = real(path, side).pixels.astype(np.int64)
        low, high = scene.min(axis=(0, 1)), scene.max(axis=(0, 1))
        scene = (255 * (scene - low) // (high - low)).astype(np.uint8)
        for at in (0, side - SIDE):
            pixels = np.ascontiguousarray(scene[at : at + SIDE, at : at + SIDE])
            yield TileCase("", pixels, IDENTITY, QUALITIES)


def noise() -> TileCase:
    """Return a tile of noise, which takes the encoder longest."""
    pixels = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    return TileCase("", pixels, IDENTITY, (max(QUALITIES),))


@dataclass(frozen=True)
class Count:
    """Instructions and stack that one encoding took, as measure_tiles.c prints them."""

    quality: int
    size: int
    all: int
    networks: int
    symbols: int
    coder: int
    between_polls: int
    stack: int


def measure(core: Core, weights: Path, cases: Sequence[TileCase]) -> list[Count]:
    """Return what each encoding took."""
    with tempfile.TemporaryDirectory() as folder:
        wrap = "-Wl,--wrap=dp_coder_table,--wrap=dp_coder_bits"
        program = image(core, "measure_tiles.c", weights, Path(folder), wrap)
        said = run(core, program, cases, "-icount", "shift=0")
    return [Count(*map(int, line.split())) for line in said.splitlines()]


def instructions(names: Sequence[str], weights: Path) -> None:
    """Print instructions per MAC, their shares, and the longest time between polls of the line."""
    cost = student_model.load().card["kmac_per_pixel"]
    macs = round((cost["analysis"] + cost["hyper"]) * 1000 * SIDE**2)
    scenes = list(whole_tiles())
    print(f"means of {len(scenes)} tiles of {SIDE} x {SIDE} x 3 of real scenes, and one of noise")
    print(f"{macs / 1e6:.2f} M MAC in the networks; instructions: all, per MAC, shares")
    print("core          quality  bytes  million per MAC in nets   nets  sym.  coder  poll gap")
    for name in names:
        counts = measure(CORES[name], weights, [*scenes, noise()])
        rows = {str(q): [one for one in counts[:-1] if one.quality == q] for q in QUALITIES}
        for label, chosen in (*rows.items(), ("noise", counts[-1:])):
            size = fmean(one.size for one in chosen)
            whole, nets, symbols, coder = (
                fmean(getattr(one, part) for one in chosen)
                for part in ("all", "networks", "symbols", "coder")
            )
            shares = "  ".join(f"{100 * part / whole:3.0f} %" for part in (nets, symbols, coder))
            gap = max(one.between_polls for one in chosen)
            print(
                f"{name:10}  {label:>9}  {size:5.0f}  {whole / 1e6:7.1f}  {whole / macs:5.2f}"
                f"  {nets / macs:7.2f}  {shares}  {gap:8}",
                flush=True,
            )


def sections(core: Core, weights: Path, folder: Path) -> tuple[int, int]:
    """Return bytes of constants and code, and of static memory, of nn/ with its weights."""
    flags = [*WARNINGS, *BOARDS[core.board].flags.split(), "-O2", f"-I{NN}", f"-I{weights}"]
    for source in (*sorted(NN.glob("*.c")), weights / "dp_model.c"):
        output = str(folder / f"{source.stem}.o")
        subprocess.run([tool(COMPILER), *flags, "-c", str(source), "-o", output], check=True)
    objects = [str(one) for one in sorted(folder.glob("*.o"))]
    size = [tool("arm-none-eabi-size"), "-t", *objects]
    total = subprocess.run(size, check=True, capture_output=True, text=True).stdout.split("\n")[-2]
    text, data, bss = map(int, total.split()[:3])
    return text + data, data + bss


def sizes(names: Sequence[str], weights: Path) -> None:
    """Print memory and flash of the encoder alone and of the whole images."""
    print("bytes       nn: flash     RAM  stack   image: flash     RAM (8,192 of stack included)")
    for name in names:
        core = CORES[name]
        with tempfile.TemporaryDirectory() as folder:
            flash, static = sections(core, weights, Path(folder))
            whole = memory(build(core.board, Path(folder) / "image.elf"))
        stack = measure(core, weights, [noise()])[0].stack
        code, ram = whole["constant"], whole["ram"]
        print(f"{name:10}  {flash:9}  {static:6}  {stack:5}  {code:13}  {ram:6}", flush=True)


def main() -> int:
    """Run the chosen measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", metavar="bytes | instructions | memory")
    parser.add_argument("--core", nargs="+", choices=CORES, default=list(CORES))
    arguments = parser.parse_args()
    every = ("bytes", "instructions", "memory")
    what = arguments.what or every
    if unknown := set(what) - set(every):
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(every)}")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder)
        generate(weights)
        if "instructions" in what:
            instructions(arguments.core, weights)
        if "memory" in what:
            sizes(arguments.core, weights)
        if "bytes" in what:
            wrong = compare(arguments.core, weights)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
