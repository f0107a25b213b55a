"""Feed damaged bitstreams to the decoders: none may crash, hang or use more memory than its bound.

    python benchmarks/fuzz_decoders.py                                # every codec, 200,000 each
    python benchmarks/fuzz_decoders.py student --count 1000000 --depth latents
    python benchmarks/fuzz_decoders.py student --count 50000

In four of five cases a tile's codestream has bits flipped, or is truncated, spliced with another's,
overwritten or replaced by random bytes. Its CRCs match, so that the codec's own decoder sees the
damage. In the others, fields of the header are changed and its CRC matches, or any bytes are
damaged and no CRC is corrected. `--depth latents` does everything except the student's decoder
network, whose only inputs are integers, and checks that these are in range.

Each codec runs in a process of its own with a limited address space. A bitstream that takes more
than 10 s of processor time (a hang) or a fault in a library (a crash) ends that process, and the
next process continues after it. Each bitstream is a function of seed and number: `--only NUMBER`
decodes only that one and prints the outcome.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from downpass.ground.decoders import decode
from downpass.ground.decoders import student as ground
from downpass.link.container.band_scales import BandScale
from downpass.link.container.bitstream import Container, pack, read_header, unpack
from downpass.link.container.frame import Frame
from downpass.link.container.header import CODECS, NO_MODEL, FrameHeader
from downpass.link.errors import BitstreamError
from downpass.link.student.range_coder import CodeError
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder, names

CASE_S: Final = 10.0
"""Processor seconds for one bitstream after which its decoder counts as hung."""
STILL_S: Final = 900.0
"""Seconds without any progress after which it counts as hung, too."""
SPARE_BYTES: Final = {"student": 1 << 29}
"""Address space in bytes that a decoder may add to what it has before the first bitstream."""
OTHERS_SPARE_BYTES: Final = 1 << 27
"""The same for codecs not in `SPARE_BYTES`; docs/bitstream.md promises a quarter of it."""
MOST_SAMPLES: Final = 1 << 15
MOST_TILES: Final = 64
MOST_DEATHS: Final = 20
OUTCOMES: Final = ("refused", "concealed", "decoded", "crash", "hang", "memory")
FIELDS: Final = (*OUTCOMES, "entered", "number", "growth")
"""What a worker shares: counts by outcome, the count of bitstreams whose damage the entropy decoder
saw, the current bitstream's number, and the growth of its peak memory in KiB."""


@dataclass(frozen=True, slots=True)
class Case:
    """A damaged bitstream, and which of its tiles may be lost (None: any)."""

    bitstream: bytes
    hit: frozenset[int] | None


def picture(rows: int, columns: int, bands: int, depth: int = 8) -> Frame:
    """Return a textured picture without a pixel of 0 in all bands."""
    row, column = np.mgrid[:rows, :columns]
    noise = np.random.default_rng(5).integers(0, 40, (rows, columns, bands))
    planes = [60 + 2 * row + column * band // 2 for band in range(bands)]
    pixels = ((np.stack(planes, 2) + noise) % 250 + 1) << (depth - 8)
    return Frame(pixels.astype(np.uint8 if depth == 8 else np.uint16), depth)


def holed(frame: Frame) -> Frame:
    """Return the picture with nodata pixels."""
    pixels = frame.pixels.copy()
    rows, columns = pixels.shape[:2]
    pixels[rows // 8 : rows // 4 + 1, columns // 8 : columns // 2 + 1] = 0
    return Frame(pixels, frame.bit_depth, nodata=0)


def originals(name: str) -> list[bytes]:
    """Return valid bitstreams; those that take longest to decode come last and are fewest."""
    if name != "student":
        qualities = (100,) if name == "ccsds121" else (20, 70, 100)
        frame = picture(40, 48, 4)
        return [
            encoder(name, 32).encode(one, Setting(quality=quality))
            for one in (holed(frame), frame)
            for quality in qualities
        ]
    small = picture(16, 16, 3)
    choices: list[tuple[Frame, int, Sequence[int]]] = [
        (small, 0, (0, 10, 20, 30, 40, 50, 60, 80, 100)),
        (holed(small), 0, (20, 60)),
        (picture(1, 1, 1), 0, (50,)),
        (picture(7, 13, 1), 0, (40, 100)),
        (picture(16, 16, 2, 12), 0, (50,)),
        (picture(16, 16, 4), 0, (30,)),
        (picture(32, 32, 3), 16, (0, 40, 70)),
        (holed(picture(40, 20, 3)), 16, (50,)),
        (picture(64, 64, 3), 32, (30, 90)),
    ]
    return [
        encoder(name, tile).encode(frame, Setting(quality=quality))
        for frame, tile, qualities in choices
        for quality in qualities
    ]


class Damage:
    """Makes damaged bitstreams from valid ones; the same seed and number give the same one."""

    def __init__(self, name: str, seed: int) -> None:
        self._key = f"{name} {seed}"
        self.sound = originals(name)
        self.containers = [unpack(bitstream) for bitstream in self.sound]

    def case(self, number: int) -> Case:
        """Return the damaged bitstream of a number."""
        rng = random.Random(f"{self._key} {number}")
        # Cubed, so that the first bitstreams, which decode quickly, are drawn more often.
        chosen = int(rng.random() ** 3 * len(self.sound))
        container = self.containers[chosen]
        share = rng.random()
        if share < 0.8:
            return self._codestream(rng, container)
        if share < 0.9:
            return Case(self._header(rng, container), None)
        return Case(_mutate(rng, self.sound[chosen], rng.choice(self.sound)), None)

    def _codestream(self, rng: random.Random, container: Container) -> Case:
        payloads = [payload or b"\0" for payload in container.payloads]
        hit = {rng.randrange(len(payloads)) for _ in range(rng.choice((1, 1, 1, 3)))}
        for index in hit:
            other = container if rng.random() < 0.5 else rng.choice(self.containers)
            donor = rng.choice(other.payloads) or b"\0"
            payloads[index] = _mutate(rng, payloads[index], donor)
        return Case(pack(container.header, payloads), frozenset(hit))

    def _header(self, rng: random.Random, container: Container) -> bytes:
        payloads = [payload or b"" for payload in container.payloads]
        header = container.header
        if rng.random() < 0.6:
            try:
                header = replace(header, **_fields(rng, header))
            except BitstreamError:  # not a valid header: change its bytes below instead
                pass
            else:
                if header.tile_count <= MOST_TILES:
                    return pack(header, [rng.choice(payloads) for _ in range(header.tile_count)])
                header = container.header
        sound = pack(header, payloads)
        table_end = read_header(sound)[1][0].offset - 4
        size = len(header.pack())
        head = bytearray(_mutate(rng, sound[: size if rng.random() < 0.7 else table_end], sound))
        head[:2] = sound[:2]  # anything else is rejected at once
        head += sound[max(size, len(head)) : table_end]
        return bytes(head) + zlib.crc32(head).to_bytes(4, "little") + b"".join(payloads)


def _fields(rng: random.Random, header: FrameHeader) -> dict[str, Any]:
    """Return one to three fields of a header with other values."""
    sizes = (1, 2, 15, 16, 17, 31, 33, 100, 1 << 12, 1 << 24)
    bands = header.bands

    def scale() -> BandScale:
        return BandScale(
            rng.choice((0, -1, 1 - (1 << 31), (1 << 31) - 1, rng.randrange(1 << 16))),
            rng.choice((1, 3, 65535, (1 << 32) - 1)),
            rng.randrange(-64, 65),
        )

    def turn() -> tuple[int, ...]:
        return tuple(rng.randrange(-127, 128) for _ in range(4))

    makers: dict[str, Callable[[], Any]] = {
        "codec": lambda: rng.choice(sorted(CODECS.values())),
        "width": lambda: rng.choice((*sizes, header.width + 1)),
        "height": lambda: rng.choice((*sizes, max(1, header.height - 1))),
        "bands": lambda: rng.choice((1, 2, 3, 4, 5, 7, 12, 4096)),
        "tile": lambda: rng.choice((0, 16, 17, 32, 48, 64, 1 << 16)),
        "bit_depth": lambda: rng.randrange(1, 17),
        "sample_type": lambda: rng.choice(("uint8", "uint16", "int16")),
        "negative": lambda: rng.random() < 0.5,
        "parameter": lambda: rng.choice(
            (rng.randrange(257), 256, 257, 511, 512, 512 + rng.randrange(257), (1 << 32) - 1)
        ),
        "fingerprint": lambda: rng.choice((NO_MODEL, rng.randbytes(8))),
        "nodata": lambda: rng.choice((None, 0, 1, 255)),
        "masks": lambda: not header.masks,
        "groups": lambda: (tuple(range(bands)),),
        "scales": lambda: rng.choice(
            (None, (scale(),) * bands, tuple(scale() for _ in [*"x" * bands]))
        ),
        "rotations": lambda: rng.choice((None, tuple(turn() for _ in range(-(-bands // 3))))),
    }
    chosen = rng.sample(sorted(makers), rng.choice((1, 1, 2, 3)))
    return {name: makers[name]() for name in chosen}


def _mutate(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """Return the bytes flipped, truncated, spliced, or overwritten with extremes or at random."""
    out = bytearray(data or b"\0")
    at = rng.randrange(len(out))
    match rng.randrange(8):
        case 0 | 1:
            for _ in range(rng.choice((1, 1, 2, 8))):
                out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
        case 2:
            del out[at:]
        case 3:
            out[at:] = donor[rng.randrange(len(donor) or 1) :]
        case 4:
            for _ in range(rng.choice((1, 2, 4))):
                out[rng.randrange(min(len(out), 160))] = rng.choice((0, 1, 127, 128, 255))
        case 5:
            out[at : at + rng.randrange(20)] = rng.randbytes(rng.randrange(20))
        case 6:
            out[:] = rng.randbytes(rng.randrange(1, 2 * len(out) + 8))
        case _:
            out[at:] = bytes((rng.choice((0, 85, 170, 255)),)) * rng.choice((1, 4, 60, 1000))
    return bytes(out)


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


def judge(case: Case) -> str:
    """Decode a case and return its outcome.

    Raises:
        Exception: An error that no decoder may raise, or a result of the wrong form.
    """
    try:
        decoded = decode(case.bitstream, most_samples=MOST_SAMPLES)
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


def work(name: str, options: argparse.Namespace, first: int, shared: Any) -> None:
    """Decode the bitstreams from `first` on, and count their outcomes."""
    damage = Damage(name, options.seed)
    entropy = Entropy(damage.containers)
    ground.decode_tile = cast("Any", entropy)
    if options.depth == "latents":
        ground.session = cast("Any", lambda *_: Latents())
    for bitstream in damage.sound:
        if decode(bitstream).lost_tiles:
            raise RuntimeError("a sound bitstream has lost tiles")
    counts = {field: at for at, field in enumerate(FIELDS)}
    before, parent = _memory("VmHWM"), os.getppid()
    limit = _memory("VmSize") * 1024 + SPARE_BYTES.get(name, OTHERS_SPARE_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in range(first, options.count):
        if os.getppid() != parent:  # the parent process has ended
            return
        shared[counts["number"]] = number
        case = damage.case(number)
        entropy.entered = False
        signal.setitimer(signal.ITIMER_PROF, CASE_S)  # SIGPROF ends this process
        try:
            outcome = judge(case)
        except Exception:
            outcome = "crash"
            sys.stderr.write(f"\n{name} number {number}:\n{traceback.format_exc()}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        shared[counts[outcome]] += 1
        shared[counts["entered"]] += entropy.entered
        if number % 1000 == 0:
            shared[counts["growth"]] = _memory("VmHWM") - before
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
    context = multiprocessing.get_context("spawn")
    shared: Any = context.RawArray(ctypes.c_int64, len(FIELDS))
    where = {field: at for at, field in enumerate(FIELDS)}
    first, deaths, reported, start = 0, 0, time.monotonic(), time.monotonic()
    while first < options.count and deaths < MOST_DEATHS:
        process = context.Process(target=work, args=(name, options, first, shared), daemon=True)
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
    entered = f"{found['entered']:10}" if name == "student" else f"{'':10}"
    counts = "".join(f"{found[outcome]:10}" for outcome in OUTCOMES)
    total = sum(found[outcome] for outcome in OUTCOMES)
    return f"{name:10}{total:10}{entered}{counts}{found['growth'] / 1024:8.0f}{seconds:8.0f}"


def main() -> int:
    """Run the chosen codecs, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("codecs", nargs="*", metavar="CODEC", help="default: all")
    parser.add_argument("--count", type=int, default=200_000, help="bitstreams for each codec")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--depth", choices=("pixels", "latents"), default="pixels")
    parser.add_argument("--progress", type=Path, help="write a line here every half minute")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="decode this one and no other")
    options = parser.parse_args()
    codecs = options.codecs or names()
    if options.only is not None:
        for name in codecs:
            case = Damage(name, options.seed).case(options.only)
            print(case.bitstream.hex())
            print(judge(case))
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
