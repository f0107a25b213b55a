"""Training of a decoder for a model that has been launched: all but the synthesis is frozen.

    planes ── g_a, h_a, h_s in the model's integers ── symbols as on board ── ŷ ── g_s ── x̂
                              frozen                                              trained

The ground may replace the synthesis at any time, because a bitstream does not depend on it. So the
encoder computes in the integers that are on board, and rounds as the onboard encoder does. The
synthesis begins with the function of the model's own (`networks.widen`), in floating point, and
its last steps are on integer grids, as a student's are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ....link.errors import InputError
from ....link.student.shared_model import load_integers
from ..networks.calibrate import put_on_grids, put_synthesis_on_grids
from ..networks.codec import Codec, Coded, CodedLatents
from ..networks.lapped import Apart
from ..networks.quantise import switch_off
from ..networks.shape import BLOCK, CodecShape
from ..networks.synthesis import Synthesis
from ..networks.widen import widen
from ..verify.shipped_codec import (
    from_integers,
    shipped_arrays,
    shipped_shape,
    with_decoder,
)
from .checkpoint import load, restore, shape_of, shape_to_store
from .trainer import Trainer
from .warm_start import restore_biases

log = logging.getLogger(__name__)

DECODER_WIDTHS: dict[str, dict[str, Any]] = {
    "fast": {},
    "full": {"synthesis": (128, 256), "depth": (2, 4, 1)},
}
"""The widths of each decoder that are not those of what it begins from."""


def decoder_shape(shape: CodecShape, name: str, begins_from: Synthesis | None = None) -> CodecShape:
    """Return the widths of a codec with the decoder of this name.

    Args:
        shape: Widths of the codec.
        name: Name of the decoder. `fast` has the widths of what it begins from.
        begins_from: What it begins from; None for the codec's own.
    """
    if begins_from is not None:
        shape = replace(shape, **widths_of(begins_from))
    return replace(shape, **DECODER_WIDTHS[name])


def widths_of(synthesis: Synthesis) -> dict[str, Any]:
    """Return the widths and depths of a synthesis, as a `CodecShape` names them."""
    parts = (synthesis.before, synthesis.below, synthesis.after)
    return {
        "synthesis": (synthesis.enter.out_channels, synthesis.down.out_channels),
        "depth": tuple(len(part) for part in parts),
    }


def with_synthesis(
    content: Mapping[str, Any], shape: CodecShape, synthesis: Synthesis | None
) -> dict[str, Any]:
    """Return a checkpoint's content with another synthesis, for a student to train along with.

    Args:
        content: The checkpoint.
        shape: Widths of the codec with the new synthesis.
        synthesis: What it begins from, made as wide as `shape`; None for the checkpoint's own.
    """
    codec = _averaged(content)
    begins_from = codec.synthesis if synthesis is None else synthesis
    switch_off(begins_from)
    codec.synthesis = widen(begins_from, shape)
    kept = {name: content[name] for name in ("origin",) if name in content}
    return {**kept, "shape": shape_to_store(shape), "model": codec.state_dict()}


def load_synthesis(path: Path) -> Synthesis:
    """Return the synthesis of a checkpoint, or of the folder of a decoder for the shipped model.

    Raises:
        InputError: There is none.
    """
    if not path.is_dir():
        return _averaged(load(path)).synthesis
    try:
        shape = with_decoder(shipped_shape(), path)
        arrays = shipped_arrays() | load_integers(path)
        synthesis = from_integers(arrays, shape).synthesis
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not the folder of a decoder ({error})") from error
    restore_biases(synthesis)
    return synthesis


def _averaged(content: Mapping[str, Any]) -> Codec:
    codec = Codec(shape_of(dict(content)))
    restore(codec, content.get("averaged") or content["model"])
    return codec.eval()


def encode_tiles(codec: Codec, planes: Tensor, quality: Tensor, apart: Apart) -> CodedLatents:
    """Return what the encoder makes of pictures whose tiles are coded separately.

    Args:
        codec: The codec.
        planes: Planes (b, 3, h, w).
        quality: Quality of each sample (b,), 0…1.
        apart: Where tiles meet.
    """
    edges = [
        (0, *places, side // BLOCK) for places, side in zip(apart, planes.shape[2:], strict=True)
    ]
    rows = []
    for top, bottom in pairwise(edges[0]):
        row = planes[:, :, BLOCK * top : BLOCK * bottom]
        tiles = [
            codec.encode(row[..., BLOCK * left : BLOCK * right], quality)
            for left, right in pairwise(edges[1])
        ]
        rows.append(_joined(tiles, 3))
    return _joined(rows, 2)


def _joined(parts: Sequence[CodedLatents], axis: int) -> CodedLatents:
    """Return parts of a picture side by side along an axis, with the sums of their bits."""
    if len(parts) == 1:
        return parts[0]
    found = {}
    for field in fields(CodedLatents):
        values = [getattr(part, field.name) for part in parts]
        whole = values[0].dim() == 1  # bits of each sample
        found[field.name] = torch.stack(values).sum(0) if whole else torch.cat(values, axis)
    return CodedLatents(**found)


class DecoderTrainer(Trainer):
    """A run that trains the synthesis alone; see `Trainer`."""

    def _start_from_nothing(self) -> None:
        raise InputError("--start: none given; a decoder is trained for a model")

    def _start_from(self, content: Mapping[str, Any]) -> None:
        """Take a checkpoint's encoder in integers, and a synthesis to widen."""
        codec = _averaged(content)
        put_on_grids(codec, self.sampler)
        synthesis = codec.synthesis
        if self.settings.synthesis is not None:
            synthesis = load_synthesis(self.settings.synthesis)
        switch_off(synthesis)
        codec.synthesis = widen(synthesis, self.shape)
        restore(self.codec, codec.state_dict())
        self.encoder = {name: content[name] for name in ("step", "seconds") if name in content}

    def _begun(self) -> None:
        """Freeze all but the synthesis."""
        for codec in (self.codec, self.averaged):
            codec.requires_grad_(requires_grad=False).eval()
        self.codec.synthesis.requires_grad_(requires_grad=True).train()

    def _run_codec(self, planes: Tensor, quality: Tensor) -> Coded:
        rows, columns = (side // BLOCK for side in planes.shape[2:])
        apart = self._draw_tiles(rows, columns)
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            coded = encode_tiles(self.codec, planes, quality, apart)
        out = self.codec.synthesis(coded.decoded, quality, apart)
        return Coded.of(coded, out)

    def _draw_tiles(self, rows: int, columns: int) -> Apart:
        """Return where the crops of a step are divided into tiles: one step in two, not at all."""
        number = self.processes.number_of(self.step)
        rng = np.random.default_rng((self.settings.seed, number, 3))
        if rng.random() < 0.5:
            return (), ()
        down, across = int(rng.integers(rows)), int(rng.integers(columns))
        return ((down,) if down else ()), ((across,) if across else ())

    def put_on_grids(self) -> None:
        """Continue with an integer synthesis, from the averaged weights."""
        if self.codec.synthesis.linear_out.on:
            return
        put_synthesis_on_grids(self.averaged, self.sampler)
        self._begin_integers()
