"""A cache on disk of encoded frames and their quality, keyed by content.

The key is a SHA-256 over everything that the result depends on, so a hit is right by
construction and any change is a miss. Two processes may share a folder. A value appears under its
name when it is complete (by a rename), and a lock for each key lets the second process wait for
the first one's result instead of computing it too. A value is computed again if it is damaged, is
stored under another key's name, is not a regular file, or could not be a result. When the folder
grows above its limit, the least recently used values are deleted. If the cache cannot be written,
a run takes longer but does not fail.

The usual library, diskcache, is not used: it has had no release since 2023, depends on SQLite and
unpickles the files that it finds (CVE-2025-69872). One folder of files is enough here.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
import stat
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
from ...link.files import replaced
from ...link.foreign.codec import ForeignCodec
from ...payload.encoders.base import Encoder, RateError, Setting

DEFAULT_LIMIT: Final = 4 * 1024**3
_MAGIC: Final = b"DPC2"
_HEAD: Final = struct.Struct("<4sIQ")
_SECONDS: Final = struct.Struct("<d")
_QUALITY: Final = struct.Struct("<ddII")
_LONGEST_REASON: Final = 2000
_RATED: Final = struct.Struct("<Qdd")
_TRIM_TO: Final = 0.9


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
    """Stores values on disk by kind and key."""

    def __init__(self, folder: Path | None, limit: int = DEFAULT_LIMIT) -> None:
        """Open or create the cache in a folder; with None, nothing is kept.

        Raises:
            InputError: The folder cannot be created or written to.
        """
        self.folder = folder
        self.limit = limit
        self._since_trim: int | None = None
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK | os.X_OK):
                    raise PermissionError(0, "not writable")
            except OSError as error:
                raise InputError(
                    f"cache folder {folder}: {error.strerror}; name another with --cache"
                ) from None

    def encoded(self, encoder: Encoder, frame: Frame, setting: Setting) -> CodedFrame:
        """Return the frame's container, from the cache or encoded now.

        Raises:
            InputError: As for `Encoder.encode`. Errors are not cached.
        """
        key = _digest(frame_digest(frame), *_identity(encoder), setting)

        def make() -> bytes:
            start = time.perf_counter()
            bitstream = encoder.encode(frame, setting)
            return _SECONDS.pack(time.perf_counter() - start) + bitstream

        value = self.value("encoded", key, make, lambda found: _is_coded(found, frame))
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

        key = _digest(hashlib.sha256(bitstream).hexdigest(), version(), budget)

        def make() -> bytes:
            start = time.perf_counter()
            try:
                made = shrink(bitstream, Setting(bytes=budget))
            except RateError:
                made = bitstream
            return _SECONDS.pack(time.perf_counter() - start) + made

        header = read_header(bitstream)[0]
        value = self.value("requantised", key, make, lambda found: _is_coded(found, header))
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
        key = _digest(
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

        value = self.value("quality-2", key, make, _is_quality)
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
        key = _digest(frame_digest(frame), *_identity(encoder), *settings, decoder)

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

        value = self.value("rated", key, make, lambda found: _is_rated(found, len(settings)))
        return [
            RatedFrame(size, Quality(psnr_db, ms_ssim)) if size else None
            for size, psnr_db, ms_ssim in _RATED.iter_unpack(value)
        ]

    def value(
        self,
        kind: str,
        key: str,
        make: Callable[[], bytes],
        sound: Callable[[bytes], bool] = lambda _: True,
    ) -> bytes:
        """Return the value of a key; `make` computes it if it is missing or not sound.

        Args:
            kind: Name of the subfolder. Choose a new one when the format of the values changes.
            key: Hexadecimal digest of everything that the value depends on.
            make: Computes the value; its exceptions pass through.
            sound: Returns whether `make` could have returned a stored value.
        """
        if self.folder is None:
            return make()
        path = self.folder / kind / key[:2] / key
        found = _read(path, self.limit)
        if found is not None and sound(found):
            return found
        with _locked(path.with_suffix(".lock")):
            found = _read(path, self.limit)  # another process may just have stored it
            if found is not None and sound(found):
                return found
            value = make()
            self._store(path, value)
        return value

    def _store(self, path: Path, value: bytes) -> None:
        with suppress(OSError), replaced(path) as file:  # a full disk costs the value, not the run
            file.write(_HEAD.pack(_MAGIC, _crc(path.name, value), len(value)))
            file.write(value)
        if self._since_trim is None or self._since_trim > self.limit // 20:
            self._trim()
            self._since_trim = 0
        self._since_trim += len(value)

    def _trim(self) -> None:
        """Remove the least recently used values until the folder is below its limit."""
        assert self.folder is not None  # noqa: S101  (only a cache with a folder stores)
        files: list[tuple[int, int, Path]] = []
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):
                    path = Path(folder, name)
                    state = path.lstat()
                    if path.suffix == ".part" and time.time() - state.st_mtime > 3600:
                        path.unlink()  # left behind by a killed process
                    elif not path.suffix:
                        files.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= self.limit:
            return
        for _, size, path in sorted(files):
            with suppress(OSError):
                path.unlink()
            total -= size
            if total <= self.limit * _TRIM_TO:
                break


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
    return encoder.name, encoder.version, encoder.fingerprint.hex(), encoder.tile


def _digest(*parts: object) -> str:
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()


def _crc(key: str, value: bytes) -> int:
    """Return the CRC-32 of key and value, so that no value is accepted under another key."""
    return zlib.crc32(value, zlib.crc32(key.encode()))


def _read(path: Path, limit: int) -> bytes | None:
    """Return an undamaged value and mark it as just used; None if there is none.

    Args:
        path: File of the value. A link, a pipe or a device does not count as a value.
        limit: Largest size of a value in bytes.
    """
    try:
        # The flags prevent following a link and blocking on a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        try:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return None
            magic, crc, length = _HEAD.unpack(head)
            if magic != _MAGIC or length != state.st_size - _HEAD.size or length > limit:
                return None
            value = file.read(length)
        except OSError:
            return None
        if len(value) != length or crc != _crc(path.name, value):
            return None
        with suppress(OSError):
            os.utime(handle)
        return value


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


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, or continue without if the file system has no locks."""
    handle = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            fcntl.flock(handle, fcntl.LOCK_EX)
            # The previous holder may have removed the file while this process waited for it.
            with suppress(FileNotFoundError):
                if os.fstat(handle).st_ino == path.stat().st_ino:
                    break
            os.close(handle)
            handle = None
    except OSError:
        pass
    try:
        yield
    finally:
        if handle is not None:
            with suppress(OSError):
                path.unlink()
            os.close(handle)
