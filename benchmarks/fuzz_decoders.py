"""Feed damaged bitstreams to the decoders: none may crash, hang or use more memory than its bound.

    python benchmarks/fuzz_decoders.py                                # every codec, 200,000 each
    python benchmarks/fuzz_decoders.py student --count 1000000 --depth latents
    python benchmarks/fuzz_decoders.py student --count 50000
    python benchmarks/fuzz_decoders.py command onnx --count 5000

`damaged_bitstreams` says what is damaged, and how. `--depth latents` does everything except the
student's decoder network, whose only inputs are integers, and checks that these are in range.

Each codec runs in a process of its own with a limited address space. A bitstream that takes more
than 10 s of processor time (a hang) or a fault in a library (a crash) ends that process, and the
next process continues after it. Each bitstream is a function of seed and number: `--only NUMBER`
decodes only that one and prints the outcome.

Codecs from outside are decoded if they are named, since each tile starts a program or asks a
process with a graph (see `foreign_codecs`). Their time is limited, and at the end no file and no
process of theirs may be left.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from damaged_bitstreams import Case, Damage
from downpass.ground.decoders import decode
from downpass.ground.decoders import student as ground
from downpass.link.container.bitstream import Container
from downpass.link.errors import BitstreamError
from downpass.link.student.range_coder import CodeError
from downpass.payload.encoders.registry import names
from foreign_codecs import NAMES, Watched, foreign_codec, left_behind

CASE_S: Final = 10.0
"""Processor seconds for one bitstream after which its decoder counts as hung."""
STILL_S: Final = 900.0
"""Seconds without any progress after which it counts as hung, too."""
SPARE_BYTES: Final = {"student": 1 << 29}
"""Address space in bytes that a decoder may add to what it has before the first bitstream."""
OTHERS_SPARE_BYTES: Final = 1 << 27
"""The same for codecs not in `SPARE_BYTES`; docs/bitstream.md promises a quarter of it."""
MOST_SAMPLES: Final = 1 << 15
MOST_DEATHS: Final = 20
OUTCOMES: Final = ("refused", "concealed", "decoded", "crash", "hang", "memory")
FIELDS: Final = (*OUTCOMES, "entered", "number", "growth")
"""What a worker shares: counts by outcome, the count of bitstreams whose damage the entropy decoder
saw, the current bitstream's number, and the growth of its peak memory in KiB."""


class Latents:
    """Replaces the decoder's network and checks its inputs."""

    def run(self, _: Sequence[str], inputs: dict[str, Any]) -> list[Any]:
        """Return mid-grey."""
        latents = inputs["latents"]
        if latents.dtype != np.int32 or int(np.abs(latents).max()) > 1 << 20:
            raise RuntimeError(f"latents {latents.dtype} up to {np.abs(latents).max()}")
        return [np.full((16 * latents.shape[1], 16 * latents.shape[2], 3), 128, np.uint8)]


class Entropy:
    """Tile decoder that counts damaged codestreams and caches the results of valid ones."""

    def __init__(self, containers: Sequence[Container]) -> None:
        self._decode = ground.decode_tile
        self._sound = {payload for one in containers for payload in one.payloads}
        self._known: dict[Any, Any] = {}
        self.entered = False

    def __call__(self, model: Any, hyper: Any, data: bytes, shape: Any, quality: int) -> Any:
        """Decode a tile."""
        if data not in self._sound:
            self.entered = True
            return self._decode(model, hyper, data, shape, quality)
        key = (data, shape, quality)
        if key not in self._known:
            try:
                self._known[key] = self._decode(model, hyper, data, shape, quality)
            except CodeError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, CodeError):
            raise found
        return found


def judge(case: Case, foreign: Watched | None = None) -> str:
    """Decode a case, perhaps by a codec from outside, and return its outcome.

    Raises:
        Exception: An error that no decoder may raise, or a result of the wrong form.
    """
    try:
        decoded = decode(case.bitstream, most_samples=MOST_SAMPLES, foreign=cast("Any", foreign))
    except BitstreamError as error:
        if "\n" in str(error) or not str(error):
            raise RuntimeError(f"said in more than a line: {error}") from error
        if case.hit is not None:
            raise RuntimeError(f"refused for what is in a tile: {error}") from error
        return "refused"
    except MemoryError:
        return "memory"
    frame, header = decoded.frame, decoded.header
    if frame.pixels.shape != (header.height, header.width, header.bands):
        raise RuntimeError(f"a frame of {frame.pixels.shape}")
    if case.hit is not None and not set(decoded.lost_tiles) <= case.hit:
        raise RuntimeError(f"tiles {decoded.lost_tiles} lost, {sorted(case.hit)} damaged")
    return "concealed" if decoded.lost_tiles else "decoded"


def work(
    name: str, options: argparse.Namespace, first: int, shared: Any, folders: tuple[Path, Path]
) -> None:
    """Decode the bitstreams from `first` on, and count their outcomes.

    Args:
        name: Name of the codec.
        options: Those of the command line.
        first: Number of the first bitstream.
        shared: Numbers by `FIELDS`.
        folders: Folder for the files of a codec from outside, and folder of temporary files.
    """
    os.environ["TMPDIR"] = str(folders[1])
    tempfile.tempdir = None
    codec = foreign_codec(name, folders[0]) if name in NAMES else None
    damage = Damage(name, options.seed, codec)
    foreign = None if codec is None else Watched(codec)
    entropy = Entropy(damage.containers)
    ground.decode_tile = cast("Any", entropy)
    if options.depth == "latents":
        ground.session = cast("Any", lambda *_: Latents())
    for bitstream in damage.sound:
        if decode(bitstream, foreign=cast("Any", foreign)).lost_tiles:
            raise RuntimeError("a sound bitstream has lost tiles")
    if foreign is not None:
        foreign.is_sound = False
    counts = {field: at for at, field in enumerate(FIELDS)}
    before, parent = _memory("VmHWM"), os.getppid()
    limit = _memory("VmSize") * 1024 + SPARE_BYTES.get(name, OTHERS_SPARE_BYTES)
    # A program or a graph has a limit of its own, which may be higher.
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit if codec is None else hard))
    for number in range(first, options.count):
        if os.getppid() != parent:  # the parent process has ended
            return
        shared[counts["number"]] = number
        case = damage.case(number)
        entered = entropy if foreign is None else foreign
        entered.entered = False
        signal.setitimer(signal.ITIMER_PROF, CASE_S)  # SIGPROF ends this process
        try:
            outcome = judge(case, foreign)
        except Exception:
            outcome = "crash"
            sys.stderr.write(f"\n{name} number {number}:\n{traceback.format_exc()}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        shared[counts[outcome]] += 1
        shared[counts["entered"]] += entered.entered
        if number % 1000 == 0:
            shared[counts["growth"]] = _memory("VmHWM") - before
    if codec is not None:
        codec.close()
        time.sleep(1.0)  # for what was killed to end
        if left := left_behind(folders[1]):
            raise RuntimeError(f"left behind: {', '.join(left[:5])}")
    shared[counts["number"]] = options.count
    shared[counts["growth"]] = max(shared[counts["growth"]], _memory("VmHWM") - before)


def _memory(field: str) -> int:
    """Return a figure of this process's memory in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {field}")


def watch(name: str, options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Run a codec's bitstreams, report every half minute, and return the number of failures."""
    with tempfile.TemporaryDirectory() as folder:
        folders = Path(folder, "codec"), Path(folder, "temporary")
        for one in folders:
            one.mkdir()
        return _watch(name, options, say, folders)


def _watch(
    name: str,
    options: argparse.Namespace,
    say: Callable[[str], None],
    folders: tuple[Path, Path],
) -> int:
    context = multiprocessing.get_context("spawn")
    shared: Any = context.RawArray(ctypes.c_int64, len(FIELDS))
    where = {field: at for at, field in enumerate(FIELDS)}
    first, deaths, reported, start = 0, 0, time.monotonic(), time.monotonic()
    while first < options.count and deaths < MOST_DEATHS:
        given = name, options, first, shared, folders
        process = context.Process(target=work, args=given, daemon=True)
        process.start()
        last, moved = -1, time.monotonic()
        while process.is_alive():
            process.join(1.0)
            number, now = shared[where["number"]], time.monotonic()
            if number != last:
                last, moved = number, now
            elif now - moved > STILL_S:
                process.kill()
            if now - reported > 30:
                reported = now
                say(_line(name, shared, now - start))
        number = shared[where["number"]]
        if process.exitcode == 0 and number == options.count:
            break
        verdict = "hang" if process.exitcode in (-signal.SIGPROF, -signal.SIGKILL) else "crash"
        shared[where[verdict]] += 1
        deaths += 1
        say(f"{name} number {number}: {verdict}, exit status {process.exitcode}")
        first = number + 1
    say(_line(name, shared, time.monotonic() - start))
    return sum(shared[where[outcome]] for outcome in ("crash", "hang", "memory"))


def _line(name: str, shared: Any, seconds: float) -> str:
    found = dict(zip(FIELDS, shared, strict=True))
    entered = f"{found['entered']:10}" if name in ("student", *NAMES) else f"{'':10}"
    counts = "".join(f"{found[outcome]:10}" for outcome in OUTCOMES)
    total = sum(found[outcome] for outcome in OUTCOMES)
    return f"{name:10}{total:10}{entered}{counts}{found['growth'] / 1024:8.0f}{seconds:8.0f}"


def main() -> int:
    """Run the chosen codecs, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("codecs", nargs="*", metavar="CODEC", help="default: all of downpass's own")
    parser.add_argument("--count", type=int, default=200_000, help="bitstreams for each codec")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--depth", choices=("pixels", "latents"), default="pixels")
    parser.add_argument("--progress", type=Path, help="write a line here every half minute")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="decode this one and no other")
    options = parser.parse_args()
    codecs = options.codecs or names()
    if options.only is not None:
        for name in codecs:
            with tempfile.TemporaryDirectory() as folder:
                codec = foreign_codec(name, Path(folder)) if name in NAMES else None
                damage = Damage(name, options.seed, codec)
                foreign = None if codec is None else Watched(codec)
                case = damage.case(options.only)
                print(case.bitstream.hex())
                print(judge(case, foreign))
                if codec is not None:
                    codec.close()
        return 0
    heading = f"{'codec':10}{'streams':>10}{'entered':>10}"
    heading += "".join(f"{outcome:>10}" for outcome in OUTCOMES) + f"{'MiB more':>8}{'s':>8}"
    print(heading)
    bad = 0
    for name in codecs:

        def say(line: str) -> None:
            if options.progress is not None:
                with options.progress.open("a") as file:
                    file.write(line + "\n")

        final: list[str] = []

        def tell(line: str, say: Callable[[str], None] = say, kept: list[str] = final) -> None:
            say(line)
            kept.append(line)

        bad += watch(name, options, tell)
        print(
            "\n".join(line for line in final if "number" in line or line is final[-1]), flush=True
        )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
