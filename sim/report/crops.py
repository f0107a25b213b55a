"""Pictures of frames: the same crop as captured and as delivered."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from . import wording as w
from .data import Crop

LARGEST = 256


@dataclass(frozen=True, slots=True)
class Still:
    """A picture to embed.

    Attributes:
        uri: A data URI of lossless WebP, so that the report adds no artefacts.
        width: In pixels.
        height: In pixels.
        alt: A sentence on what it shows.
        label: A word or two shown beside it.
        facts: Figures for the caption; may be empty.
    """

    uri: str
    width: int
    height: int
    alt: str
    label: str
    facts: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A crop as captured and as delivered, for the slider."""

    key: str
    title: str
    before: Still
    after: Still
    facts: str


@dataclass(frozen=True, slots=True)
class Contest:
    """A crop as captured, and as delivered with several codecs."""

    key: str
    title: str
    stills: tuple[Still, ...]

    @property
    def columns(self) -> int:
        """Return how many are side by side on a wide screen; the last row is nearly full."""
        number = len(self.stills)
        return max(number, 2) if number <= 4 else 3 if number in (5, 6, 9) else 4


def middle(pixels: NDArray[np.uint8], largest: int = LARGEST) -> NDArray[np.uint8]:
    """Return the middle of a picture, at most `largest` pixels on each side.

    Raises:
        ValueError: The picture is not uint8, height × width × 3, with at least one pixel.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise ValueError(f"a crop is uint8, height × width × 3, not {pixels.dtype} {pixels.shape}")
    rows, columns = (min(side, largest) for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - rows) // 2, (pixels.shape[1] - columns) // 2
    # A copy, because WebP's encoder reads the strides, and a view of one pixel may have any.
    return pixels[top : top + rows, left : left + columns].copy("C")


def still(
    pixels: NDArray[np.uint8], alt: str, label: str, facts: str = "", largest: int = LARGEST
) -> Still:
    """Return a picture with its texts, ready to embed."""
    part = middle(pixels, largest)
    encoded = bytes(imagecodecs.webp_encode(part, level=25, lossless=True))
    uri = f"data:image/webp;base64,{base64.b64encode(encoded).decode('ascii')}"
    return Still(uri, part.shape[1], part.shape[0], alt, label, facts)


def quality(crop: Crop) -> str:
    """Format the crop's rate and quality: "0.5 bpp, 41.2 dB"."""
    known = [w.bits_per_pixel(crop.bpp)] if w.present(crop.bpp) else []
    known.append(w.decibels(crop.psnr_db) if crop.psnr_db is not None else "PSNR not measured")
    return ", ".join(known)


def pair(crop: Crop, key: str) -> Pair:
    """Return one frame for the slider."""
    place = f"{w.plain(crop.target)}, frame {crop.frame}"
    facts = f"Delivered: {quality(crop)} over the whole frame."
    return Pair(
        key=key,
        title=place,
        before=still(crop.original, f"{place}: the original, as captured.", "original"),
        after=still(crop.delivered, f"{place}: as delivered, at {quality(crop)}.", "delivered"),
        facts=f"{facts} {w.plain(crop.note)}" if crop.note else facts,
    )


def contest(shown: Sequence[tuple[str, Crop]], key: str, largest: int = LARGEST) -> Contest:
    """Return one frame by several codecs, given as (label, crop), after the original."""
    first = shown[0][1]
    place = f"{w.plain(first.target)}, frame {first.frame}"
    return Contest(
        key=key,
        title=place,
        stills=(
            still(first.original, f"{place}: the original, as captured.", "Original", "", largest),
            *(
                still(
                    crop.delivered,
                    f"{place}: by {label}, at {quality(crop)}.",
                    label,
                    quality(crop),
                    largest,
                )
                for label, crop in shown
            ),
        ),
    )
