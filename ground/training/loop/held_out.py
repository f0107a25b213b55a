"""Held-out pictures: a fixed choice from the corpus, each with its JPEG 2000 curve."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....link.files import whole_file
from ..data.corpus import Corpus, load_corpus, split
from .rd_curve import RdCurve, anchor_curve


@dataclass(frozen=True, slots=True)
class HeldOutPicture:
    """One held-out picture with its anchor.

    Attributes:
        name: Name of the picture.
        group: Group of pictures that it belongs to, see `data.corpus`.
        pixels: (height, width, 3), the sides multiples of 32.
        anchor: The curve of JPEG 2000.
    """

    name: str
    group: str
    pixels: NDArray[np.uint8]
    anchor: RdCurve


def held_out_pictures(
    corpus: Corpus, cache: Path, per_group: int = 3, side: int = 256
) -> list[HeldOutPicture]:
    """Return some pictures of each group with their anchors.

    The choice depends on the pictures' names alone.

    Args:
        corpus: The held-out part of a corpus.
        cache: JSON file of the anchors' curves, so that each is computed once.
        per_group: Pictures of each group; large groups have a few more.
        side: Longest side in pixels; larger pictures are cropped.
    """
    by_group = defaultdict(list)
    for picture in corpus.pictures:
        by_group[picture.group].append(picture)
    chosen = []
    for group in sorted(by_group):
        order = sorted(by_group[group], key=lambda p: hashlib.sha256(p.name.encode()).digest())
        # Most pictures that will be coded resemble the largest group, so it is given more.
        chosen += order[: per_group + len(order) // 15]
    stored = json.loads(cache.read_text()) if cache.exists() else {}
    pictures = []
    for picture in chosen:
        rows, columns = (min(side, n) // 32 * 32 for n in (picture.height, picture.width))
        pixels = np.ascontiguousarray(corpus.pixels(picture)[:rows, :columns])
        key = hashlib.sha256(pixels.tobytes()).hexdigest()[:24]
        if key not in stored:
            curve = anchor_curve(pixels)
            stored[key] = [list(curve.bpp), list(curve.psnr_db)]
        bpp, quality = stored[key]
        pictures.append(
            HeldOutPicture(picture.name, picture.group, pixels, RdCurve(tuple(bpp), tuple(quality)))
        )
    cache.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(cache) as file:
        file.write(json.dumps(stored).encode())
    return pictures


def load_training_and_held_out(
    images: Path, cache: Path | None, out: Path
) -> tuple[Corpus, list[HeldOutPicture]]:
    """Return the training part of a folder of pictures, and its held-out pictures.

    Args:
        images: Folder of pictures or shards.
        cache: Folder for decoded pictures and anchors; without one, anchors go to `out`.
        out: Output folder of the run.

    Raises:
        InputError: No picture was found, or one cannot be read.
    """
    training, held_out = split(load_corpus(images, cache))
    return training, held_out_pictures(held_out, (cache or out) / "anchors.json")
