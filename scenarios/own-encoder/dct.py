"""An encoder of your own, as an example: cosine transform, uniform quantiser, LZMA.

    dct.py encode WIDTH HEIGHT BANDS BITS QUALITY < samples > stream
    dct.py decode WIDTH HEIGHT BANDS BITS < stream > samples

Samples are band after band (bsq), a byte each up to 8 bits, else two, the lower first. The
transform goes over all bands and over blocks of 8 x 8 pixels. A stream is the quality in one byte,
and the coefficients, sorted by frequency. QUALITY is 0 (coarsest) to 60 (finest).
"""

import lzma
import sys

import numpy as np

SIDE = 8
CODER = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 0, "pb": 0}


def cosines(size):
    """Return the orthonormal matrix of the discrete cosine transform, type II."""
    waves = np.sqrt(2 / size) * np.cos(
        np.outer(np.arange(size), 2 * np.arange(size) + 1) * np.pi / (2 * size)
    )
    waves[0] /= np.sqrt(2)
    return waves


def step(quality, bits):
    """Return the quantiser's step: 1024 to 1 grey levels of 8 bits."""
    return 2.0 ** (10 - quality / 6) * 2.0 ** (bits - 8)


def encode(data, shape, bits, quality):
    """Return the stream of a tile's samples."""
    bands, rows, columns = shape
    planes = np.frombuffer(data, "u1" if bits <= 8 else "<u2").reshape(shape).astype(float)
    padding = ((0, 0), (0, -rows % SIDE), (0, -columns % SIDE))
    planes = np.pad(planes, padding, "edge") - 2.0 ** (bits - 1)
    blocks = planes.reshape(bands, planes.shape[1] // SIDE, SIDE, -1, SIDE)
    waves = np.einsum("wb,ui,vk,brick->wuvrc", *transforms(bands), blocks, optimize=True)
    sizes = np.abs(waves) / step(quality, bits)
    levels = np.copysign(np.floor(sizes + 0.35), waves).clip(-32768, 32767)
    # Bytes that resemble each other lie together.
    low, high = np.ascontiguousarray(levels, "<i2").view("u1").reshape(-1, 2).T
    coded = lzma.compress(low.tobytes() + high.tobytes(), lzma.FORMAT_RAW, filters=[CODER])
    return bytes([quality]) + coded


def decode(stream, shape, bits):
    """Return the samples of a tile's stream."""
    bands, rows, columns = shape
    down, across = -(-rows // SIDE), -(-columns // SIDE)
    size = bands * SIDE * SIDE * down * across
    coder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[CODER])
    data = np.frombuffer(coder.decompress(stream[1:], 2 * size), "u1")
    levels = np.ascontiguousarray(data.reshape(2, size).T).view("<i2")
    waves = levels.reshape(bands, SIDE, SIDE, down, across) * step(stream[0], bits)
    blocks = np.einsum("wb,ui,vk,wuvrc->brick", *transforms(bands), waves, optimize=True)
    planes = blocks.reshape(bands, down * SIDE, across * SIDE)[:, :rows, :columns]
    samples = np.rint(planes + 2.0 ** (bits - 1)).clip(0, 2**bits - 1)
    return samples.astype("u1" if bits <= 8 else "<u2").tobytes()


def transforms(bands):
    """Return the matrices over bands, rows and columns."""
    return cosines(bands), cosines(SIDE), cosines(SIDE)


def main(way, width, height, bands, bits, quality="0"):
    """Encode or decode from standard input to standard output."""
    data, shape = sys.stdin.buffer.read(), (int(bands), int(height), int(width))
    if way == "encode":
        sys.stdout.buffer.write(encode(data, shape, int(bits), int(quality)))
    else:
        sys.stdout.buffer.write(decode(data, shape, int(bits)))


if __name__ == "__main__":
    main(*sys.argv[1:])
