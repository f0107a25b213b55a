"""A cache on disk of encoded frames and their quality, keyed by content.

The key is a SHA-256 over everything that the result depends on, so a hit is right by
construction and any change is a miss. `ValueStore` keeps the values; how each is written, and
whether a stored one could be a result, is decided here.
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...ground.decoders import Decoded, decode, decoder_identity
from ...ground.quality import Quality, quality
from ...link.container.bitstream import read_header, unpack
from ...link.container.frame import Frame
from ...link.container.header import FrameHeader
from ...link.errors import InputError
from ...link.foreign.codec import ForeignCodec
from ...payload.encoders.base import Encoder, RateError, Setting
from ...payload.encoders.rate_control import REVISION as RATE_CONTROL_REVISION
from .value_store import DEFAULT_LIMIT, ValueStore, key_of

_SECONDS: Final = struct.Struct("<d")
_QUALITY: Final = struct.Struct("<ddII")
_LONGEST_REASON: Final = 2000
_RATED: Final = struct.Struct("<Qdd")


@dataclass(frozen=True, slots=True)
class CodedFrame:
    """A frame's bitstream, and the seconds that the host took to encode it the first time."""

    bitstream: bytes
    host_seconds: float


@dataclass(frozen=True, slots=True)
class DeliveredQuality:
    """A bitstream's quality on the ground, and how many of its tiles were lost.

    Attributes:
        quality: The quality, lost tiles concealed.
        lost_tiles: Number of tiles that had to be concealed.
        undecodable: Number of those that arrived whole.
        why: Why the first of these cannot be decoded; empty if it is not known.
    """

    quality: Quality
    lost_tiles: int
    undecodable: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class RatedFrame:
    """A frame's size in bytes at a setting, container included, and its decoded quality."""

    bytes: int
    quality: Quality


def default_folder() -> Path | None:
    """Return the cache folder that the environment selects; None for no cache.

    It is DOWNPASS_CACHE, where an empty value means no cache, or downpass in the user's cache
    folder.
    """
    if (chosen := os.environ.get("DOWNPASS_CACHE")) is not None:
        return Path(chosen).expanduser() if chosen else None
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "downpass"


def open_cache(folder: Path | None = None, limit: int = DEFAULT_LIMIT) -> ContentCache:
    """Open the cache in `folder`, or the user's own cache.

    If the user's own cache cannot be used, the returned cache keeps nothing.

    Raises:
        InputError: `folder` is given and cannot be used.
    """
    if folder is not None:
        return ContentCache(folder, limit)
    try:
        return ContentCache(default_folder(), limit)
    except (InputError, RuntimeError):  # Path.home() finds no home
        return ContentCache(None)


class ContentCache:
    """Keeps what is made of frames: bitstreams and their quality.

    Attributes:
        store: Where the values are kept.
    """

    def __init__(self, folder: Path | None, limit: int = DEFAULT_LIMIT) -> None:
        """Open or create the cache in a folder; with None, nothing is kept.

        Raises:
            InputError: The folder cannot be created or written to.
        """
        self.store = ValueStore(folder, limit)

    def encoded(self, encoder: Encoder, frame: Frame, setting: Setting) -> CodedFrame:
        """Return the frame's container, from the cache or encoded now.

        Raises:
            InputError: As for `Encoder.encode`. Errors are not cached.
        """
        key = key_of(frame_digest(frame), *_identity(encoder), setting)

        def make() -> bytes:
            start = time.perf_counter()
            bitstream = encoder.encode(frame, setting)
            return _SECONDS.pack(time.perf_counter() - start) + bitstream

        value = self.store.value("encoded", key, make, lambda found: _is_coded(found, frame))
        return CodedFrame(value[_SECONDS.size :], _SECONDS.unpack_from(value)[0])

    def requantised(self, bitstream: bytes, budget: int) -> CodedFrame:
        """Return a student frame that is requantised to a budget, from the cache or made now.

        If the codec cannot meet the budget, it is the same bitstream.

        Args:
            bitstream: The frame's container.
            budget: The most bytes.
        """
        # Imported here, because it loads the model, which runs of other codecs do not need.
        from ...payload.encoders.student.shrink import shrink, version

        key = key_of(hashlib.sha256(bitstream).hexdigest(), version(), budget)

        def make() -> bytes:
            start = time.perf_counter()
            try:
                made = shrink(bitstream, Setting(bytes=budget))
            except RateError:
                made = bitstream
            return _SECONDS.pack(time.perf_counter() - start) + made

        header = read_header(bitstream)[0]
        value = self.store.value("requantised", key, make, lambda found: _is_coded(found, header))
        return CodedFrame(value[_SECONDS.size :], _SECONDS.unpack_from(value)[0])

    def delivered_quality(
        self,
        reference: Frame,
        bitstream: bytes,
        decoded: Decoded | None = None,
        network: str = "fast",
        foreign: ForeignCodec | None = None,
    ) -> DeliveredQuality:
        """Return the quality of a received bitstream, compared with the captured frame.

        Args:
            reference: The frame that the imager captured.
            bitstream: The bitstream that arrived.
            decoded: The decoded bitstream, if the caller already has it.
            network: Which of its networks a learned codec decodes with.
            foreign: Decodes bitstreams of a codec from outside.

        Raises:
            BitstreamError: The bitstream's header is lost.
        """
        header, _ = read_header(bitstream)
        key = key_of(
            frame_digest(reference),
            hashlib.sha256(bitstream).hexdigest(),
            decoder_identity(header.codec, network, foreign),
        )

        def make() -> bytes:
            seen = (
                decode(bitstream, network=network, foreign=foreign) if decoded is None else decoded
            )
            found = quality(reference, seen.frame)
            counts = len(seen.lost_tiles), len(seen.undecodable)
            return _QUALITY.pack(found.psnr_db, found.ms_ssim, *counts) + seen.why.encode()

        value = self.store.value("quality-3", key, make, _is_quality)
        psnr_db, ms_ssim, lost, undecodable = _QUALITY.unpack_from(value)
        why = value[_QUALITY.size :].decode()
        return DeliveredQuality(Quality(psnr_db, ms_ssim), lost, undecodable, why)

    def rated(
        self,
        encoder: Encoder,
        frame: Frame,
        settings: Sequence[Setting],
        network: str = "fast",
    ) -> list[RatedFrame | None]:
        """Return a frame's size and decoded quality at each setting.

        The frame is prepared once. A codec that searches for a rate may start where its previous
        search ended, so all settings, in their order, make up one cached value.

        Args:
            encoder: The encoder.
            frame: The frame.
            settings: Settings to encode at. The result is None where the budget cannot be met.
            network: Which of its networks a learned codec decodes with.

        Raises:
            InputError: As for `Encoder.encode`, except for a budget that cannot be met.
        """
        foreign = encoder.foreign
        decoder = decoder_identity(encoder.name, network, foreign)
        key = key_of(frame_digest(frame), *_identity(encoder), *settings, decoder)

        def make() -> bytes:
            prepared, out = encoder.prepare(frame), []
            for setting in settings:
                try:
                    bitstream = prepared.encode(setting)
                except RateError:
                    out.append(_RATED.pack(0, math.nan, math.nan))
                    continue
                seen = decode(bitstream, network=network, foreign=foreign)
                found = quality(frame, seen.frame)
                out.append(_RATED.pack(len(bitstream), found.psnr_db, found.ms_ssim))
            return b"".join(out)

        value = self.store.value(
            "rated-2", key, make, lambda found: _is_rated(found, len(settings))
        )
        return [
            RatedFrame(size, Quality(psnr_db, ms_ssim)) if size else None
            for size, psnr_db, ms_ssim in _RATED.iter_unpack(value)
        ]


def frame_digest(frame: Frame) -> str:
    """Return the SHA-256 of a frame's content: its samples and how to interpret them."""
    pixels = frame.pixels if frame.pixels.flags.c_contiguous else frame.pixels.copy()
    state = hashlib.sha256()
    state.update(
        f"{frame.pixels.shape} {frame.sample_type} {frame.bit_depth} {frame.nodata} ".encode()
    )
    if frame.nodata is not None:
        state.update(b"by sample ")
    if frame.mask is not None:
        state.update(np.packbits(frame.mask).tobytes())
    state.update(pixels.data)
    return state.hexdigest()


def _identity(encoder: Encoder) -> tuple[object, ...]:
    """Return everything about an encoder that its output depends on."""
    made_by = encoder.name, encoder.version, encoder.fingerprint.hex(), encoder.tile
    return *made_by, RATE_CONTROL_REVISION


def _is_coded(value: bytes, frame: Frame | FrameHeader) -> bool:
    """Return whether a value is a time and an undamaged container of this frame."""
    if len(value) < _SECONDS.size or not 0 <= _SECONDS.unpack_from(value)[0] < math.inf:
        return False
    try:
        container = unpack(value[_SECONDS.size :])
    except InputError:
        return False
    header = container.header
    return not container.damaged and (header.width, header.height, header.bands) == (
        frame.width,
        frame.height,
        frame.bands,
    )


def _is_quality(value: bytes) -> bool:
    if not 0 <= len(value) - _QUALITY.size <= _LONGEST_REASON:
        return False
    psnr_db, ms_ssim, lost, undecodable = _QUALITY.unpack_from(value)
    try:
        value[_QUALITY.size :].decode()
    except UnicodeDecodeError:
        return False
    return undecodable <= lost and _could_be(psnr_db, ms_ssim)


def _is_rated(value: bytes, count: int) -> bool:
    return len(value) == count * _RATED.size and all(
        _could_be(psnr_db, ms_ssim) for size, psnr_db, ms_ssim in _RATED.iter_unpack(value) if size
    )


def _could_be(psnr_db: float, ms_ssim: float) -> bool:
    """Return whether these can be a frame's figures; they are NaN if it has only nodata."""
    return psnr_db != -math.inf and (math.isnan(ms_ssim) or -1e-6 <= ms_ssim <= 1 + 1e-6)
