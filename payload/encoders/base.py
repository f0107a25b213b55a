"""The interface of every encoder: a frame and a setting go in, a container of bytes comes out.

    Frame ──► Encoder.prepare ──► Prepared.encode(Setting) ──► bytes (link.container)

`prepare` does what does not depend on the rate (padding, nodata, a network's convolutions);
`encode` may then be called for any number of settings and pays only for what the rate changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Protocol

from ...link.container.frame import Frame
from ...link.errors import InputError
from .traits import TRAITS, lossless_codecs

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
    """How strongly to compress: exactly one of a quality, a rate and a byte budget.

    Attributes:
        quality: 0 (coarsest) to 100 (lossless where the codec can be, see `traits`).
        bpp: Bits a pixel, all bands together, container included; an upper bound.
        bytes: Bytes a frame, container included; an upper bound.
        lossless: The user wrote `lossless`, so a codec that cannot be lossless must refuse.
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


class Prepared(Protocol):
    """A frame made ready: encode it at any number of settings."""

    def encode(self, setting: Setting) -> bytes:
        """Return the frame's container at this setting."""
        ...


class Encoder(Protocol):
    """The onboard half of a codec; `ground.decoders` has the other half."""

    @property
    def name(self) -> str:
        """The codec's name, one of `link.container.header.CODECS`."""
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
