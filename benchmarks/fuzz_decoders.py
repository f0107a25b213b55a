"""Feed the decoders mutated bitstreams: none may crash, hang or take more memory than it should.

    python benchmarks/fuzz_decoders.py [COUNT [SEED]]

COUNT bitstreams for each codec (default 200,000, a million in all). Every second one has its
CRCs made to match, so that the codec's own decoder sees the damage. Each codec runs in a process
of its own, watched from outside: no sign of life for 20 s is a hang, and the seed and the number
of the bitstream say which one it was.
"""

from __future__ import annotations

import multiprocessing
import random
import resource
import sys
import time
from multiprocessing.connection import Connection

import numpy as np
from downpass.ground.decoders import decode
from downpass.link.bitstream import BitstreamError, pack, unpack
from downpass.payload.encoders.base import Frame, Setting
from downpass.payload.encoders.registry import encoder, names

PATIENCE_S = 20.0


def originals(name: str) -> list[bytes]:
    """Return sound bitstreams of a small textured picture with nodata."""
    row, column = np.mgrid[:40, :48]
    noise = np.random.default_rng(5).integers(0, 40, (40, 48, 4))
    pixels = (np.stack([60 + 2 * row + column * band // 2 for band in range(4)], 2) + noise) % 250
    pixels = pixels.astype(np.uint8) + np.uint8(1)
    pixels[3:9, 5:30] = 0
    qualities = (100,) if name == "ccsds121" else (20, 70, 100)
    frames = (Frame(pixels, 8, nodata=0), Frame(pixels, 8))
    return [
        encoder(name, 32).encode(frame, Setting(quality=quality))
        for frame in frames
        for quality in qualities
    ]


def mutate(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """Return the bytes flipped, cut, spliced, overwritten with extremes, or with random ones."""
    out = bytearray(data)
    at = rng.randrange(len(out))
    match rng.randrange(5):
        case 0:
            for _ in range(rng.choice((1, 1, 2, 8))):
                out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
        case 1:
            del out[at:]
        case 2:
            out[at:] = donor[rng.randrange(len(donor)) :]
        case 3:
            for _ in range(rng.choice((1, 2, 4))):
                out[rng.randrange(min(len(out), 160))] = rng.choice((0, 1, 127, 128, 255))
        case _:
            out[at : at + rng.randrange(20)] = rng.randbytes(rng.randrange(20))
    return bytes(out)


def work(name: str, count: int, seed: int, report: Connection) -> None:
    """Decode mutated bitstreams and say now and then how far it is."""
    rng = random.Random(f"{name} {seed}")
    sound = originals(name)
    containers = [unpack(bitstream) for bitstream in sound]
    refused = lost = 0
    for number in range(count):
        if number % 100 == 0:
            report.send((number, refused, lost))
        if number % 2:
            container = rng.choice(containers)
            payloads = [payload or b"\0" for payload in container.payloads]
            hit = rng.randrange(len(payloads))
            donor = rng.choice(containers).payloads[hit] or b"\0"
            payloads[hit] = mutate(rng, payloads[hit], donor)
            bitstream = pack(container.header, payloads)
        else:
            bitstream = mutate(rng, rng.choice(sound), rng.choice(sound))
        try:
            lost += bool(decode(bitstream).lost_tiles)
        except BitstreamError:
            refused += 1
    report.send((count, refused, lost))
    report.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def main(count: int, seed: int) -> int:
    """Run every codec and print a line for each."""
    context = multiprocessing.get_context("spawn")
    bad = 0
    print(f"{'codec':12}{'bitstreams':>12}{'refused':>10}{'lost':>10}{'MB':>6}{'s':>8}")
    for name in names():
        here, there = context.Pipe(duplex=False)
        start = time.monotonic()
        process = context.Process(target=work, args=(name, count, seed, there), daemon=True)
        process.start()
        there.close()
        done, megabytes = (0, 0, 0), 0
        verdict = "hung"
        while here.poll(PATIENCE_S):
            try:
                message = here.recv()
            except EOFError:
                process.join()
                verdict = "" if megabytes else f"died with {process.exitcode}"
                break
            if isinstance(message, tuple):
                done = message
            else:
                megabytes = message
        process.kill()
        bad += bool(verdict)
        where = f"  {verdict} between {done[0]} and {done[0] + 100}" if verdict else ""
        taken = time.monotonic() - start
        print(f"{name:12}{done[0]:12}{done[1]:10}{done[2]:10}{megabytes:6}{taken:8.0f}{where}")
    return 1 if bad else 0


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    sys.exit(main(*(given + [200_000, 1][len(given) :])))
