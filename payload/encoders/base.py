"""What an encoder takes and gives: a frame, a setting, and a container of bytes.

    Frame ──► Encoder.prepare ──► Prepared.encode(Setting) ──► bytes (link.container.bitstream)

`prepare` does what does not depend on the rate (padding, nodata, a network's convolutions);
`encode` may then be called for any number of settings and pays only for what the rate changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ...link.container.bitstream import SampleType, sample_range
from ...link.errors import InputError
from .traits import TRAITS, lossless_codecs

_SAMPLE_TYPES: tuple[SampleType, ...] = ("uint8", "uint16", "int16")
_BYTE_UNITS: Final = {"b": 1, "kb": 1000, "mb": 1000**2, "kib": 1024, "mib": 1024**2}
_NUMBER = r"(?P<number>\d+(?:\.\d*)?|\.\d+)"
_FORMS: Final = "q0 to q100, lossless, 0.5bpp, 20kB"


class RateError(InputError):
    """A budget that the codec cannot meet, even at its coarsest.

    Attributes:
        budget: Bytes allowed.
        smallest: Bytes of the smallest bitstream that the codec can make of this frame.
    """

    def __init__(self, message: str, budget: int, smallest: int) -> None:
        # All three are `args`, so that the error survives pickling and SimPy's copy of it.
        super().__init__(message, budget, smallest)
        self.budget = budget
        self.smallest = smallest

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Setting:
    """How hard to compress: exactly one of a quality, a rate and a budget.

    Attributes:
        quality: 0 (coarsest) to 100 (lossless where the codec can be, see `traits`).
        bpp: Bits a pixel, all bands together, container included; an upper bound.
        bytes: Bytes a frame, container included; an upper bound.
        lossless: The quality was asked for by this word, so a codec that cannot be lossless
            must refuse it.
    """

    quality: float | None = None
    bpp: float | None = None
    bytes: int | None = None
    lossless: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        given = [name for name in ("quality", "bpp", "bytes") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise InputError(f"codec setting: {found} given; exactly one of quality, bpp, bytes")
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise InputError(f"codec quality {self.quality:g}: allowed are 0 to 100")
        if self.bpp is not None and not 0 < self.bpp <= 65536:
            raise InputError(f"codec rate {self.bpp:g} bpp: allowed is more than 0, up to 65536")
        if self.bytes is not None and self.bytes < 1:
            raise InputError(f"codec budget {self.bytes} bytes: allowed is at least 1")

    @classmethod
    def parse(cls, text: str) -> Setting:
        """Return the setting that a person wrote: `q80`, `lossless`, `0.5bpp` or `20kB`.

        Raises:
            InputError: The text is none of these.
        """
        plain = text.strip().lower().replace(" ", "")
        if plain == "lossless":
            return cls(quality=100, lossless=True)
        if match := re.fullmatch(rf"q{_NUMBER}", plain):
            return cls(quality=float(match["number"]))
        if match := re.fullmatch(rf"{_NUMBER}bpp", plain):
            return cls(bpp=float(match["number"]))
        if match := re.fullmatch(rf"{_NUMBER}(?P<unit>b|[km]i?b)", plain):
            return cls(bytes=int(float(match["number"]) * _BYTE_UNITS[match["unit"]]))
        raise InputError(f"codec setting {text!r}: write it as {_FORMS}")

    def budget(self, width: int, height: int) -> int | None:
        """Return the most bytes a frame of this size may have; None where quality decides."""
        if self.bytes is not None:
            return self.bytes
        if self.bpp is not None:
            return int(self.bpp * width * height / 8)
        return None

    def __str__(self) -> str:
        if self.quality is not None:
            return "lossless" if self.quality == 100 else f"q{self.quality:g}"
        return f"{self.bpp:g}bpp" if self.bpp is not None else f"{self.bytes}B"


def parse_choice(text: str) -> tuple[str, Setting]:
    """Return codec name and setting of a choice such as `jpeg2000:0.5bpp`.

    Raises:
        InputError: No colon, or the setting is none that `Setting.parse` knows.
    """
    before, colon, after = text.partition(":")
    if not (before and colon):
        raise InputError(f"codec {text!r}: write it as NAME:SETTING, with a setting of {_FORMS}")
    return before.strip().lower(), Setting.parse(after)


def check_lossless(name: str, setting: Setting) -> None:
    """Refuse a codec that is never lossless where somebody asked for just that.

    Raises:
        InputError: Which codecs can be lossless.
    """
    if setting.lossless and name in TRAITS and not TRAITS[name].lossless:
        raise InputError(
            f"codec {name}:lossless: {name} is never lossless; its finest setting is q100, and "
            f"lossless codecs are {lossless_codecs()}"
        )


def setting_label(name: str, setting: Setting) -> str:
    """Return a codec's setting as `Setting.parse` reads it.

    The finest quality of a codec that is never lossless is `q100` and not `lossless`.
    """
    if setting.quality == 100 and name in TRAITS and not TRAITS[name].lossless:
        return "q100"
    return str(setting)


def choice_label(name: str, setting: Setting) -> str:
    """Return codec and setting as `parse_choice` reads them: `jpeg2000:0.5bpp`."""
    return f"{name}:{setting_label(name, setting)}"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame's pixels and what they mean.

    Attributes:
        pixels: (rows, columns, bands) of uint8, uint16 or int16.
        bit_depth: Bits a sample. Valid samples lie in 0 to 2**bit_depth - 1; int16 frames with
            negative samples lie in -2**(bit_depth - 1) to 2**(bit_depth - 1) - 1.
        nodata: A sample that has this value shows nothing (GDAL's meaning: each band for
            itself); None where no value says so.
        mask: (rows, columns), True where no band shows anything, whatever its samples are; None
            where no mask says so.
    """

    pixels: NDArray[np.integer]
    bit_depth: int
    nodata: int | None = None
    mask: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or 0 in self.pixels.shape:
            raise InputError(
                f"frame of shape {self.pixels.shape}: allowed is (rows, columns, bands), none empty"
            )
        if str(self.pixels.dtype) not in _SAMPLE_TYPES:
            raise InputError(
                f"frame of {self.pixels.dtype} samples: allowed are {', '.join(_SAMPLE_TYPES)}"
            )
        most = 8 if self.pixels.dtype == np.uint8 else 16
        if not 1 <= self.bit_depth <= most:
            raise InputError(
                f"bit depth {self.bit_depth} of {self.sample_type} samples: allowed are 1 to {most}"
            )
        if self.nodata is not None:
            low, high = sample_range(self.sample_type)
            if not low <= self.nodata <= high:
                raise InputError(
                    f"nodata {self.nodata} of {self.sample_type} samples: "
                    f"allowed are {low} to {high}"
                )
        if self.mask is not None and self.mask.shape != self.pixels.shape[:2]:
            raise InputError(
                f"mask of shape {self.mask.shape} for a frame of {self.pixels.shape[:2]}"
            )

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def bands(self) -> int:
        """Number of bands."""
        return int(self.pixels.shape[2])

    @property
    def sample_type(self) -> SampleType:
        """The pixels' type, by name."""
        return next(name for name in _SAMPLE_TYPES if name == str(self.pixels.dtype))

    @property
    def raw_bytes(self) -> int:
        """Bytes of the frame as the imager reads it out: its bits packed, nothing coded."""
        return -(-self.pixels.size * self.bit_depth // 8)

    def holes(self) -> NDArray[np.bool_] | None:
        """Return where there is no data, by sample; None where every sample shows something.

        The shape is (rows, columns, 1) where all bands share their holes, else (rows, columns,
        bands).
        """
        holes: NDArray[np.bool_] | None = None if self.mask is None else self.mask[..., None]
        if self.nodata is not None:
            equal: NDArray[np.bool_] = np.asarray(self.pixels == self.nodata)
            if (equal[..., 1:] == equal[..., :1]).all():
                equal = equal[..., :1]
            holes = equal if holes is None else np.asarray(holes | equal)
        return holes if holes is not None and holes.any() else None

    def nodata_mask(self) -> NDArray[np.bool_] | None:
        """Return (rows, columns), True where no band has data; None where no pixel is so."""
        holes = self.holes()
        if holes is None:
            return None
        mask: NDArray[np.bool_] = np.asarray(holes.all(axis=2))
        return mask if mask.any() else None


class Prepared(Protocol):
    """A frame made ready: encode it at any number of settings."""

    def encode(self, setting: Setting) -> bytes:
        """Return the frame's container at this setting."""
        ...


class Encoder(Protocol):
    """A codec's flying half. What it writes, `ground.decoders` reads."""

    @property
    def name(self) -> str:
        """As in `link.container.bitstream.CODECS`."""
        ...

    @property
    def version(self) -> str:
        """Library and version that do the work; part of the content cache's key."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """Which model, 8 bytes; zeros where there is no model."""
        ...

    @property
    def tile(self) -> int:
        """Side of a tile in pixels, 0 for one tile a frame."""
        ...

    def check(self, frame: Frame, setting: Setting) -> None:
        """Refuse what the codec cannot do, by the frame's size, bands and depth alone.

        Raises:
            InputError: What it cannot do, and what it can.
        """
        ...

    def prepare(self, frame: Frame) -> Prepared:
        """Return the frame made ready for `encode`."""
        ...

    def encode(self, frame: Frame, setting: Setting) -> bytes:
        """Return the frame's container.

        Raises:
            InputError: The codec cannot do this setting or this frame.
            RateError: The budget is below the smallest bitstream of this frame.
        """
        ...
