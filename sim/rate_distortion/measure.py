"""Measure one codec on one picture: points of rate and distortion, and speed.

The points are measured on decoded bitstreams; their sizes are real bytes, container included. The
cache of encoded frames keeps them, so an unchanged curve (of another codec or an old model) is
measured only once. Speed is measured anew every time, at one rate for all codecs. The quality that
gives this rate is found beforehand, so the search does not count.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, astuple, dataclass
from typing import Final

from ...ground.decoders import decode, decoder_identity
from ...ground.quality import quality
from ...link.container.frame import Frame
from ...link.errors import InputError
from ...link.foreign.codec import ForeignCodec
from ...link.foreign.processor_time import processor_time
from ...payload.encoders.base import Encoder, Prepared, Setting, exact_text
from ..frames.content_cache import ContentCache, frame_digest
from ..frames.value_store import key_of

_POINTS: Final = 12
_HALVINGS: Final = 5
_MORE: Final = 3
_ROUNDS: Final = 2
_KIND: Final = "curve-2"


@dataclass(frozen=True, slots=True)
class Point:
    """Rate and quality of one bitstream of one picture.

    Attributes:
        bytes: Size of the container in bytes.
        bpp: Bits per pixel, all bands together.
        psnr_db: PSNR in dB; infinite if nothing is lost.
        ms_ssim: MS-SSIM, 0 to 1.
    """

    bytes: int
    bpp: float
    psnr_db: float
    ms_ssim: float

    @property
    def ms_ssim_db(self) -> float:
        """MS-SSIM in dB below 1, a scale on which it can be interpolated."""
        return -10 * math.log10(1 - self.ms_ssim) if self.ms_ssim < 1 else math.inf


@dataclass(frozen=True, slots=True)
class RateDistortionCurve:
    """A codec's points on a picture, by rising size, and the quality for measuring its speed."""

    points: tuple[Point, ...]
    quality: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Megapixels per second of processor time, from pixels to container and back."""

    encode_mpx_s: float
    decode_mpx_s: float


def reach(rates: tuple[float, float], anchor: bool) -> tuple[float, float]:
    """Return the rates between which a codec must be measured to cover the anchor's quality range.

    For the anchor these are the two given rates. For other codecs they are half the lower and 1.7
    times the higher rate, because a better codec needs fewer bytes for the same quality, and a
    worse one more.
    """
    return rates if anchor else (rates[0] / 2, rates[1] * 1.7)


def curve(
    codec: Encoder,
    frame: Frame,
    rates: tuple[float, float],
    middle: float,
    cache: ContentCache,
    network: str = "fast",
) -> RateDistortionCurve:
    """Return a codec's curve on a picture, at evenly spaced qualities between two rates.

    The ends lie at or beyond the two rates if the codec reaches that far, so that values at these
    rates are interpolated.

    Args:
        codec: Encoder to measure.
        frame: The picture.
        rates: Lower and higher rate in bits per pixel.
        middle: Rate in bits per pixel whose quality is used for measuring speed.
        cache: Cache that keeps the curve.
        network: Which of its networks a learned codec decodes with.

    Raises:
        InputError: The codec cannot code this picture at all.
    """
    key = key_of(
        frame_digest(frame),
        *(codec.name, codec.version, codec.fingerprint.hex(), codec.tile),
        *map(exact_text, (*rates, middle)),
        decoder_identity(codec.name, network, codec.foreign),
    )

    def make() -> bytes:
        coded = _Coded(codec.prepare(frame))
        pixels = frame.width * frame.height
        low, _ = coded.around(rates[0] * pixels / 8, 0.0, 100.0, _HALVINGS)
        _, high = coded.around(rates[1] * pixels / 8, low, 100.0, _HALVINGS)
        steps = [low + (high - low) * n / (_POINTS - 1) for n in range(_POINTS)]
        bitstreams = {len(coded.at(step)): coded.at(step) for step in steps}
        points = [
            asdict(_point(frame, bitstreams[size], network, codec.foreign))
            for size in sorted(bitstreams)
        ]
        wanted = middle * pixels / 8
        below = [step for step in steps if len(coded.at(step)) <= wanted]
        start = below[-1] if below else low
        at, _ = coded.around(wanted, start, min(start + steps[1] - steps[0], high), _MORE)
        at = 100.0 if coded.lossless else at
        return json.dumps({"points": points, "quality": at}).encode()

    return _read_curve(cache.store.value(_KIND, key, make, _is_curve))


def _read_curve(value: bytes) -> RateDistortionCurve:
    found = json.loads(value)
    return RateDistortionCurve(tuple(Point(**point) for point in found["points"]), found["quality"])


def _is_curve(value: bytes) -> bool:
    """Return whether a cached value is a curve: points of positive numbers, and a quality."""
    try:
        found = _read_curve(value)
        numbers = [number for point in found.points for number in astuple(point)[:2]]
        return bool(numbers) and min(numbers) > 0 and 0 <= found.quality <= 100
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


class _Coded:
    """A picture's bitstreams by quality; each is made only once.

    Attributes:
        lossless: Whether the codec has turned out to be lossless only.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._made: dict[float, bytes] = {}
        self.lossless = False

    def at(self, quality: float) -> bytes:
        """Return the bitstream at a quality; a lossless-only codec has only one."""
        if quality not in self._made:
            try:
                self._made[quality] = self._prepared.encode(Setting(quality=quality))
            except InputError:
                if quality == 100:
                    raise
                self.lossless = True
                self._made[quality] = self.at(100.0)
        return self._made[quality]

    def around(self, wanted: float, low: float, high: float, halvings: int) -> tuple[float, float]:
        """Return qualities below and above `wanted` bytes, by bisection with so many halvings."""
        for _ in range(halvings):
            middle = (low + high) / 2
            fits = len(self.at(middle)) <= wanted
            low, high = (middle, high) if fits else (low, middle)
        return low, high


def speed(codec: Encoder, frame: Frame, at: float, network: str = "fast") -> Speed:
    """Return a codec's speed on a picture, the better of two measurements.

    Args:
        codec: Encoder to measure; its decoder is measured too.
        frame: The picture.
        at: Quality at which to encode.
        network: Which of its networks a learned codec decodes with.
    """
    megapixels = frame.width * frame.height / 1e6
    coding = decoding = math.inf
    for _ in range(_ROUNDS):
        start = processor_time()
        bitstream = codec.encode(frame, Setting(quality=at))
        coded = processor_time()
        decode(bitstream, network=network, foreign=codec.foreign)
        coding = min(coding, coded - start)
        decoding = min(decoding, processor_time() - coded)
    return Speed(megapixels / max(coding, 1e-9), megapixels / max(decoding, 1e-9))


def _point(frame: Frame, bitstream: bytes, network: str, foreign: ForeignCodec | None) -> Point:
    found = quality(frame, decode(bitstream, network=network, foreign=foreign).frame)
    bpp = len(bitstream) * 8 / (frame.width * frame.height)
    return Point(len(bitstream), bpp, found.psnr_db, found.ms_ssim)
