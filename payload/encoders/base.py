"""The interface of every encoder, which turns a frame and a setting into a container of bytes.

    Frame ──► Encoder.prepare ──► Prepared.encode(Setting) ──► bytes (link.container)

`prepare` does the work that does not depend on the rate (padding, nodata, a network's
convolutions). `encode` may then be called for any number of settings, and repeats only the work
that depends on the rate.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Protocol

from ...link.container.frame import Frame
from ...link.errors import InputError
from ...link.foreign.codec import ForeignCodec
from .traits import TRAITS, lossless_codecs

HIGHEST_BPP: Final = 65536
"""Highest rate in bits per pixel, all bands together: 1024 bands of 16 bits have 16384."""
_BYTE_UNITS: Final = {"b": 1, "kb": 1000, "mb": 1000**2, "kib": 1024, "mib": 1024**2}
_NUMBER = r"(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)"
_FORMS: Final = "q0 to q100, lossless, 0.5bpp, 20kB"


class RateError(InputError):
    """Raised if the codec cannot meet a byte budget even at its coarsest step.

    Attributes:
        budget: Allowed size in bytes.
        smallest: Size in bytes of the smallest bitstream that the codec can make of this frame.
    """

    def __init__(self, message: str, budget: int, smallest: int) -> None:
        # All three are in `args`, so that pickling and SimPy can copy the error.
        super().__init__(message, budget, smallest)
        self.budget = budget
        self.smallest = smallest

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Setting:
    """How strongly to compress: exactly one of a quality, a rate and a byte budget.

    Attributes:
        quality: Quality from 0 (coarsest) to 100 (lossless if the codec can be, see `traits`).
        bpp: Upper bound in bits per pixel, all bands together, container included.
        bytes: Upper bound in bytes per frame, container included.
        lossless: Whether the user wrote `lossless`; a codec that cannot be lossless then refuses.
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
            raise InputError(f"codec quality {exact_text(self.quality)}: allowed are 0 to 100")
        if self.bpp is not None and not 0 < self.bpp <= HIGHEST_BPP:
            raise InputError(
                f"codec rate {exact_text(self.bpp)} bpp: allowed is more than 0, up to "
                f"{HIGHEST_BPP}"
            )
        if self.bytes is not None and self.bytes < 1:
            raise InputError(f"codec budget {self.bytes} bytes: allowed is at least 1")

    @classmethod
    def parse(cls, text: str) -> Setting:
        """Return the setting that a user wrote: `q80`, `lossless`, `0.5bpp` or `20kB`.

        Raises:
            InputError: The text has none of these forms.
        """
        plain = text.strip().lower().replace(" ", "")
        if plain == "lossless":
            return cls(quality=100, lossless=True)
        if match := re.fullmatch(rf"q{_NUMBER}", plain):
            return cls(quality=float(match["number"]))
        if match := re.fullmatch(rf"{_NUMBER}bpp", plain):
            return cls(bpp=float(match["number"]))
        if match := re.fullmatch(rf"{_NUMBER}(?P<unit>b|[km]i?b)", plain):
            size = float(match["number"]) * _BYTE_UNITS[match["unit"]]
            if math.isfinite(size):
                return cls(bytes=int(size))
        raise InputError(f"codec setting {text!r}: write it as {_FORMS}")

    def budget(self, width: int, height: int) -> int | None:
        """Return the most bytes that a frame of this size may have; None for a quality."""
        if self.bytes is not None:
            return self.bytes
        if self.bpp is not None:
            # Exactly, because 0.24 bpp of 3000 pixels are 90 bytes, and 89.99… in floats.
            return int(Fraction(repr(float(self.bpp))) * width * height / 8)
        return None

    def __str__(self) -> str:
        """Return the setting in the form that `parse` reads; no two settings have the same text."""
        if self.quality is not None:
            return "lossless" if self.quality == 100 else f"q{exact_text(self.quality)}"
        return f"{self.bytes}B" if self.bpp is None else f"{exact_text(self.bpp)}bpp"


def exact_text(value: float) -> str:
    """Return a short text of a number that gives exactly this number when it is read."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def parse_choice(text: str) -> tuple[str, Setting]:
    """Return the codec name and the setting of a choice such as `jpeg2000:0.5bpp`.

    Raises:
        InputError: The colon is missing, or `Setting.parse` does not know the setting.
    """
    before, colon, after = text.partition(":")
    if not (before and colon):
        raise InputError(f"codec {text!r}: write it as NAME:SETTING, with a setting of {_FORMS}")
    return before.strip().lower(), Setting.parse(after)


def check_lossless(name: str, setting: Setting) -> None:
    """Refuse the setting `lossless` for a codec that is never lossless.

    Raises:
        InputError: The codec is never lossless; the message lists those that can be.
    """
    if setting.lossless and name in TRAITS and not TRAITS[name].lossless:
        known = "not known to be" if TRAITS[name].foreign else "never"
        raise InputError(
            f"codec {name}:lossless: {name} is {known} lossless; its finest setting is q100, and "
            f"lossless codecs are {lossless_codecs()}"
        )


def setting_label(name: str, setting: Setting) -> str:
    """Return a codec's setting in the form that `Setting.parse` reads.

    For a codec that is never lossless, the finest quality is `q100` and not `lossless`.
    """
    if setting.quality == 100 and name in TRAITS and not TRAITS[name].lossless:
        return "q100"
    return str(setting)


def choice_label(name: str, setting: Setting) -> str:
    """Return codec and setting in the form that `parse_choice` reads: `jpeg2000:0.5bpp`."""
    return f"{name}:{setting_label(name, setting)}"


class Prepared(Protocol):
    """A prepared frame, which can be encoded at any number of settings."""

    def encode(self, setting: Setting) -> bytes:
        """Return the frame's container at this setting."""
        ...


class Encoder(Protocol):
    """The onboard half of a codec; `ground.decoders` has the ground half."""

    @property
    def name(self) -> str:
        """The codec's name, one of `link.container.header.CODECS`."""
        ...

    @property
    def version(self) -> str:
        """Name and version of the codec's library; part of the content cache's key."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """Fingerprint of the model, 8 bytes; zeros if the codec has no model."""
        ...

    @property
    def tile(self) -> int:
        """Side of a tile in pixels; 0 for one tile per frame."""
        ...

    @property
    def foreign(self) -> ForeignCodec | None:
        """The codec from outside that decodes its bitstreams; None if downpass decodes them."""
        ...

    def check(self, frame: Frame, setting: Setting) -> None:
        """Refuse what the codec cannot do, judged by the frame's size, bands and bit depth only.

        Raises:
            InputError: The codec cannot do this; the message says what it can do.
        """
        ...

    def prepare(self, frame: Frame) -> Prepared:
        """Return the frame prepared for `encode`."""
        ...

    def encode(self, frame: Frame, setting: Setting) -> bytes:
        """Return the frame's container.

        Raises:
            InputError: The codec cannot do this setting or this frame.
            RateError: The budget is below the smallest bitstream of this frame.
        """
        ...
