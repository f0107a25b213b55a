"""A slow reference of the student's encoder, from docs/codec-integers.md and docs/bitstream.md.

It shares no code with the package. It uses int64 throughout, codes one latent after another, and
computes in Python's integers in the range coder. Its bytes must equal the package's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
Array = np.ndarray[Any, Any]


class Reference:
    """A model's integers, with the networks and the entropy coding that they define."""

    def __init__(self, shared: Path, payload: Path, ground: Path) -> None:
        self.a: dict[str, Array] = {}
        for folder in (shared, payload, ground):
            self.a |= dict(np.load(folder / "integers.npz"))
        self.groups: list[list[int]] = json.loads((shared / "card.json").read_text())["groups"]

    # networks

    def analyse(self, pixels: Array, matrix: Array) -> tuple[Array, Array, Array]:
        """Return latents, side information and log-scales of pixels (h, w, 3)."""
        centred = np.moveaxis(pixels.astype(np.int64), 2, 0) - 128
        planes = (np.tensordot(matrix.astype(np.int64), centred, 1) + (1 << 12)) >> 13
        planes = np.clip(planes, -512, 511)
        if "analysis.prefilter" in self.a:
            weights = self.a["analysis.prefilter"]
            planes = joined(planes, weights, 2, 10, (-8192, 8191))
            planes = joined(planes, weights, 1, 16, (-512, 511))
        value = self.layer("analysis.enter", fold(planes, 4))
        value = self.block("analysis.block_fine", value)
        value = self.layer("analysis.down_middle", fold(value, 2))
        value = self.block("analysis.block_middle", value)
        value = self.layer("analysis.down_coarse", fold(value, 2))
        value = self.block("analysis.block_coarse", value)
        latents = self.layer("analysis.linear", fold(planes, 16))
        latents = latents + self.layer("analysis.leave", value)
        side = shift_round(np.abs(latents), self.a["hyper.spread_shift"][:, None, None])
        side = np.clip(side, 0, 255)
        side = np.pad(side, ((0, 0), (0, side.shape[1] % 2), (0, side.shape[2] % 2)))
        side = self.layer("hyper.analysis_in", side)
        side = self.layer("hyper.analysis_out", fold(side, 2))
        side = self.layer("hyper.analysis_end", side)
        return latents, side, self.log_scales(side)

    def log_scales(self, side: Array) -> Array:
        value = self.layer("hyper.synthesis_in", side)
        mixed = value + self.sums("hyper.synthesis_mix", value)
        value = np.clip(mixed, *self.a["hyper.synthesis_mix.clip"])
        value = unfold(self.layer("hyper.synthesis_up", value), 2)
        return self.layer("hyper.synthesis_out", value)

    def synthesise(self, latents: Array, quality: int, matrix: Array) -> Array:
        """Return the pixels (h, w, 3) of decoded latents."""
        a = self.a
        linear = np.tensordot(a["synthesis.linear.weight"].astype(np.int64), latents, 1)
        linear = shift_round(linear + a["synthesis.linear.bias"][:, None, None], 17)
        linear = unfold(np.clip(linear, -8192, 8191), 16)
        if "synthesis.postfilter" in a:
            for axis in (1, 2):
                linear = joined(linear, a["synthesis.postfilter"], axis, 13, (-8192, 8191))
        seen = fold(np.clip(shift_round(linear, 3), -512, 511), 4)
        value = self.stack("before", self.layer("synthesis.enter", seen), quality)
        hint = shift_round(latents, a["synthesis.spread_shift"][:, None, None])
        hint = unfold(self.layer("synthesis.latent_in", np.clip(hint, -128, 127)), 2)
        inner = self.layer("synthesis.down", fold(self.move("synthesis.to_down", value), 2))
        inner = self.stack("below", inner + hint, quality)
        up = unfold(self.sums("synthesis.up", self.move("synthesis.to_up", inner)), 2)
        value = self.stack("after", np.clip(value + up, *a["synthesis.up.clip"]), quality)
        value = self.layer("synthesis.leave", self.move("synthesis.to_leave", value))
        planes = linear + unfold(value, 4)
        levels = np.tensordot(matrix.T.astype(np.int64), planes, 1) + (128 << 18) + (1 << 17)
        return np.moveaxis(np.clip(levels >> 18, 0, 255), 0, 2).astype(np.uint8)

    def sums(self, name: str, value: Array, bias: Array | None = None) -> Array:
        weight = self.a[f"{name}.weight"].astype(np.int64)
        taken, size = weight.shape[1], weight.shape[2]
        padded = np.pad(value, ((0, 0), (size // 2, size // 2), (size // 2, size // 2)))
        total = np.zeros((weight.shape[0], *value.shape[1:]), np.int64)
        for i in range(size):
            for j in range(size):
                part = padded[:, i : i + value.shape[1], j : j + value.shape[2]]
                if taken == 1 and value.shape[0] > 1:
                    total += weight[:, 0, i, j][:, None, None] * part
                else:
                    total += np.tensordot(weight[:, :, i, j], part, 1)
        bias = self.a[f"{name}.bias"] if bias is None else bias
        total += bias.astype(np.int64)[:, None, None]
        return shift_round(total, self.a[f"{name}.shift"][:, None, None])

    def layer(self, name: str, value: Array, bias: Array | None = None) -> Array:
        return np.clip(self.sums(name, value, bias), *self.a[f"{name}.clip"])

    def block(self, name: str, value: Array) -> Array:
        sums = self.sums(f"{name}.pointwise", self.layer(f"{name}.depthwise", value))
        return np.clip(value + sums, *self.a[f"{name}.pointwise.clip"])

    def move(self, name: str, value: Array) -> Array:
        return np.clip(shift_round(value, self.a[f"{name}.shift"]), *self.a[f"{name}.clip"])

    def stack(self, part: str, value: Array, quality: int) -> Array:
        number = 0
        while f"synthesis.{part}.{number}.bias" in self.a:
            name = f"synthesis.{part}.{number}"
            bias = self.a[f"{name}.bias"][quality]
            inner = self.layer(f"{name}.first", self.move(f"{name}.entering", value), bias)
            sums = self.sums(f"{name}.second", inner)
            value = np.clip(value + sums, *self.a[f"{name}.second.clip"])
            number += 1
        return value

    # entropy path

    def symbols(self, latents: Array, log_scales: Array, quality: int) -> tuple[Any, Array]:
        """Return [part][(index, symbol)] in coding order, and decoded latents."""
        a, count = self.a, latents.shape[0]
        rows, columns = latents.shape[1:]
        gain = a["gain"][quality].astype(np.int64)
        base = log_scales[:, :rows, :columns] + gain[:, None, None]
        base_index = np.clip((base + 130) >> 2, 0, 120)
        expected = a["context.expected"].astype(np.int64)[base_index]
        mantissa = [int(2**12 * 2 ** (i / 32) + 0.5) for i in range(32)]
        predicted = a["means"].shape[1]
        size = np.zeros_like(latents)
        decoded = np.zeros_like(latents)
        parts = []
        phase_of = {place: number for number, place in enumerate(PHASES)}
        for number, (first, last, window) in enumerate(self.groups):
            n = max(window, 1)
            for phase, (row, column) in enumerate(PHASES):
                part = []
                for c in range(first, last):
                    for r in range(row, rows, 2):
                        for s in range(column, columns, 2):
                            mean = 0
                            if c < predicted:
                                for i in range(3):
                                    for j in range(3):
                                        y, x = r + i - 1, s + j - 1
                                        if 0 <= y < rows and 0 <= x < columns:
                                            weight = a["means"][phase, c, :last, i, j]
                                            mean += int(
                                                weight.astype(np.int64) @ decoded[:last, y, x]
                                            )
                                mean = (mean + (1 << 13)) >> 14
                            decoded[c, r, s] = mean
                            if base_index[c, r, s] == 0:
                                continue
                            own = own_expected = far = far_expected = 0
                            for i in (-1, 0, 1):
                                for j in (-1, 0, 1):
                                    y, x = r + i, s + j
                                    if not (0 <= y < rows and 0 <= x < columns):
                                        continue
                                    weight = 4 - 2 * abs(i) - 2 * abs(j)
                                    weight = {4: 8, 2: 2, 0: 1}[weight]
                                    before = slice(first - window, first)
                                    far += weight * int(size[before, y, x].sum())
                                    far_expected += weight * int(expected[before, y, x].sum())
                                    if phase_of[y % 2, x % 2] < phase:
                                        own += weight * int(size[c, y, x])
                                        own_expected += weight * int(expected[c, y, x])
                            num = 16 * (n * own + far) + 2 * n
                            den = n * own_expected + far_expected + 2 * n
                            correction = a["context.correction"][
                                number, phase, log_bin(num, n), log_bin(den, n)
                            ]
                            index = min(
                                max((int(base[c, r, s]) + int(correction) + 130) >> 2, 0), 120
                            )
                            g = int(gain[c])
                            shift = 16 - (g >> 5)
                            value = int(latents[c, r, s]) - mean
                            k = abs(value) * mantissa[g & 31] + (
                                int(a["rounding"][base_index[c, r, s]]) << (shift - 8)
                            )
                            k >>= shift
                            back = k * mantissa[-g & 31] << ((-g >> 5) + 4)
                            back = (back + (1 << 11)) >> 12
                            sign = -1 if value < 0 else 1
                            decoded[c, r, s] = mean + sign * back
                            size[c, r, s] = min(k, 255)
                            part.append((index, sign * k))
                if part:
                    parts.append(part)
        assert count == latents.shape[0]
        return parts, decoded

    def encode(self, pixels: Array, matrix: Array, quality: int) -> bytes:
        """Return a tile's codestream."""
        latents, side, log_scales = self.analyse(pixels, matrix)
        coder = RangeCoder()
        self.code_side(coder, side)
        parts, _ = self.symbols(latents, log_scales, quality)
        starts = self.a["tables.latents_start"].astype(int)
        for part in parts:
            by_table: dict[int, list[tuple[int, int]]] = {}
            for index, k in part:
                bits = max(0, -((64 - index) // 8))
                by_table.setdefault(index - 8 * bits, []).append((bits, k))
            low: dict[int, list[int]] = {}
            escapes = []
            for table in sorted(by_table):
                frequencies = self.a["tables.latents"][starts[table] : starts[table + 1]]
                reach = (frequencies.size - 2) // 2
                for bits, k in by_table[table]:
                    if bits:
                        low.setdefault(bits, []).append((k + (1 << (bits - 1))) & ((1 << bits) - 1))
                        k = (k + (1 << (bits - 1))) >> bits
                    if abs(k) > reach:
                        escapes.append((abs(k) - reach, k < 0))
                        coder.table(2 * reach + 1, frequencies)
                    else:
                        coder.table(k + reach, frequencies)
            for bits in sorted(low):
                for value in low[bits]:
                    coder.interval(value << (24 - bits), 1 << (24 - bits))
            for beyond, negative in escapes:
                code = "0" * (beyond.bit_length() - 1) + f"{beyond:b}" + str(int(negative))
                for bit in code:
                    coder.interval(int(bit) << 23, 1 << 23)
        return coder.finish()

    def code_side(self, coder: RangeCoder, side: Array) -> None:
        channels, rows, columns = side.shape
        for phase, (row, column) in enumerate(PHASES):
            near = {0: [], 1: [(-1, -1), (-1, 1), (1, -1), (1, 1)]}.get(
                phase, [(-1, 0), (0, -1), (0, 1), (1, 0)]
            )
            for channel in range(channels):
                found: list[tuple[int, int]] = []
                for r in range(row, rows, 2):
                    for s in range(column, columns, 2):
                        around = [
                            (r + i, s + j)
                            for i, j in near
                            if 0 <= r + i < rows and 0 <= s + j < columns
                        ]
                        context = self.side_context(side, channel, phase, (r, s), around)
                        found.append((context, int(side[channel, r, s]) + 32))
                for context, value in sorted(found, key=lambda one: one[0]):
                    coder.table(value, self.a["tables.side"][channel, context])

    def side_context(
        self,
        side: Array,
        channel: int,
        phase: int,
        place: tuple[int, int],
        around: list[tuple[int, int]],
    ) -> int:
        total = int(self.a["side.bias"][channel, phase])
        of_means, of_values = self.a["side.weights"][channel, phase]
        for other in range(channel + 1):
            if around:
                mean = Fraction(sum(int(side[other, r, s]) for r, s in around), len(around))
                total += int(of_means[other]) * int(12 * mean)
                assert 12 * mean == int(12 * mean)
            if other < channel:
                total += int(of_values[other]) * 12 * int(side[other, *place])
        return sum(total >= int(one) for one in self.a["side.thresholds"][channel])


class RangeCoder:
    """A 64-bit range coder with 32-bit words and 24-bit probabilities, in Python's integers."""

    def __init__(self) -> None:
        self.low, self.span, self.words = 0, (1 << 64) - 1, 0

    def interval(self, start: int, size: int) -> None:
        scale = self.span >> 24
        self.low += scale * start
        self.span = scale * size
        if self.span < 1 << 32:
            self.low <<= 32
            self.span <<= 32
            self.words += 1

    def table(self, symbol: int, frequencies: Array) -> None:
        count, bits = frequencies.size, int(frequencies.sum()).bit_length() - 1
        below = int(frequencies[:symbol].sum())
        above = below + int(frequencies[symbol])
        start = (below * ((1 << 24) - count) >> bits) + symbol
        end = (above * ((1 << 24) - count) >> bits) + symbol + 1
        self.interval(start, end - start)

    def finish(self) -> bytes:
        """Return the fewest bytes that, followed by zeros, are in the interval."""
        if self.span == (1 << 64) - 1 and not self.words:
            return b""
        length = 8 + 4 * self.words
        for kept in range(4 * self.words, length + 1):
            unit = 1 << (8 * (length - kept))
            value = -(-self.low // unit) * unit
            if value < self.low + self.span:
                return value.to_bytes(length, "big")[:kept].rstrip(b"\0")
        raise AssertionError


def log_bin(value: int, weight: int) -> int:
    exponent = value.bit_length() - 1
    half = value >> (exponent - 1) & 1 if exponent else 0
    return min(max(2 * exponent + half - 2 * (weight.bit_length() - 1) - 2, 0), 31)


def shift_round(value: Array, shift: Array | int) -> Array:
    amount = np.asarray(shift, np.int64)
    half = np.where(amount > 0, np.int64(1) << np.maximum(amount - 1, 0), 0)
    return ((value << np.maximum(-amount, 0)) + half) >> np.maximum(amount, 0)


def fold(value: Array, size: int) -> Array:
    channels, height, width = value.shape
    parts = value.reshape(channels, height // size, size, width // size, size)
    return parts.transpose(0, 2, 4, 1, 3).reshape(-1, height // size, width // size)


def unfold(value: Array, size: int) -> Array:
    channels, height, width = value.shape
    parts = value.reshape(channels // size**2, size, size, height, width)
    return parts.transpose(0, 3, 1, 4, 2).reshape(-1, height * size, width * size)


def tiles_of(pixels: Array, side: int) -> Sequence[Array]:
    """Return a picture's tiles, padded to multiples of 16."""
    out = []
    for row in range(0, pixels.shape[0], side):
        for column in range(0, pixels.shape[1], side):
            tile = pixels[row : row + side, column : column + side]
            pad = ((0, -tile.shape[0] % 16), (0, -tile.shape[1] % 16), (0, 0))
            out.append(np.pad(tile, pad, mode="edge"))
    return out


def joined(planes: Array, weights: Array, axis: int, shift: int, limits: tuple[int, int]) -> Array:
    """Filter a tile's planes (3, h, w) across the block boundaries along an axis."""
    lines = np.moveaxis(planes, axis, 1)
    out = shift_round(8192 * lines, shift)
    for boundary in range(16, lines.shape[1], 16):
        apart = [(boundary - 1 - i, boundary + i) for i in range(8)]
        for i, (before, after) in enumerate(apart):
            weighted = sum(
                int(weights[i, j]) * (lines[:, one] - lines[:, other])
                for j, (one, other) in enumerate(apart)
            )
            total = 4096 * (lines[:, before] + lines[:, after])
            out[:, before] = shift_round(total + weighted, shift)
            out[:, after] = shift_round(total - weighted, shift)
    return np.moveaxis(np.clip(out, *limits), 1, axis)
