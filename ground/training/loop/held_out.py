"""Held-out pictures: a fixed choice from the corpus, each with its JPEG 2000 curve."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.corpus import Corpus
from .rd_curve import RdCurve, anchor_curve


@dataclass(frozen=True, slots=True)
class HeldOutPicture:
    """One held-out picture with its anchor."""

    name: str
    group: str
    pixels: NDArray[np.uint8]
    anchor: RdCurve


def held_out_pictures(
    corpus: Corpus, cache: Path, per_group: int = 3, side: int = 256
) -> list[HeldOutPicture]:
    """Return some pictures of each group (cut to `side`), with anchors, computed once."""
    by_group = defaultdict(list)
    for picture in corpus.pictures:
        by_group[picture.group].append(picture)
    chosen = []
    for group in sorted(by_group):
        order = sorted(by_group[group], key=lambda p: hashlib.sha256(p.name.encode()).digest())
        # The largest group is what most pictures to come look like, so it gets more.
        chosen += order[: per_group + len(order) // 15]
    stored = json.loads(cache.read_text()) if cache.exists() else {}
    samples = []
    for picture in chosen:
        rows, columns = (min(side, n) // 32 * 32 for n in (picture.height, picture.width))
        pixels = np.ascontiguousarray(corpus.pixels(picture)[:rows, :columns])
        key = hashlib.sha256(pixels.tobytes()).hexdigest()[:24]
        if key not in stored:
            curve = anchor_curve(pixels)
            stored[key] = [list(curve.bpp), list(curve.psnr_db)]
        bpp, quality = stored[key]
        samples.append(
            HeldOutPicture(picture.name, picture.group, pixels, RdCurve(tuple(bpp), tuple(quality)))
        )
    cache.parent.mkdir(parents=True, exist_ok=True)
    temporary = cache.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(stored))
    temporary.replace(cache)
    return samples
