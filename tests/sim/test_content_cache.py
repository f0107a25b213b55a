from __future__ import annotations

import math
import pickle
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from downpass.link.container.bitstream import without
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder
from downpass.sim.frames.content_cache import ContentCache, default_folder, frame_digest, open_cache
from downpass.sim.rate_distortion.measure import curve
from stored_values import put_value

FRAME = Frame(np.arange(40 * 30 * 3, dtype=np.uint8).reshape(40, 30, 3), 8)


class Slow:
    """A JPEG-LS encoder that takes its time and counts its calls in a file."""

    tile, version, fingerprint = 512, "1", bytes(8)

    def __init__(self, calls: Path, name: str = "slow") -> None:
        self.calls, self.name = calls, name

    def encode(self, frame: Frame, setting: Setting) -> bytes:
        with self.calls.open("a") as file:
            file.write("called\n")
        time.sleep(0.3)
        return encoder("jpegls").encode(frame, setting)


def _calls(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_nothing_is_coded_twice(tmp_path: Path) -> None:
    codec = Slow(tmp_path / "calls")
    one = ContentCache(tmp_path / "cache").encoded(codec, FRAME, Setting(quality=90))  # type: ignore[arg-type]
    two = ContentCache(tmp_path / "cache").encoded(codec, FRAME, Setting(quality=90))  # type: ignore[arg-type]
    assert one == two
    assert one.host_seconds >= 0.3
    assert _calls(tmp_path / "calls") == 1


def _worker(folder: str, calls: str) -> None:
    codec = Slow(Path(calls))
    ContentCache(Path(folder)).encoded(codec, FRAME, Setting(quality=90))  # type: ignore[arg-type]


def test_two_processes_at_once_do_the_work_once(tmp_path: Path) -> None:
    command = [sys.executable, __file__, str(tmp_path / "cache"), str(tmp_path / "calls")]
    workers = [subprocess.Popen(command) for _ in range(3)]
    for worker in workers:
        assert worker.wait(60) == 0
    assert _calls(tmp_path / "calls") == 1
    assert not list((tmp_path / "cache").rglob("*.lock"))


@pytest.mark.parametrize(
    "other",
    [
        Frame(FRAME.pixels.copy() ^ np.uint8(1), 8),
        Frame(FRAME.pixels, 8, nodata=0),
        Frame(FRAME.pixels.astype(np.uint16), 8),
        Frame(FRAME.pixels.reshape(30, 40, 3), 8),
        Frame(FRAME.pixels.astype(np.uint16), 9),
    ],
)
def test_other_content_is_another_key(other: Frame) -> None:
    assert frame_digest(other) != frame_digest(FRAME)
    assert frame_digest(FRAME) == frame_digest(Frame(np.asfortranarray(FRAME.pixels), 8))


def test_what_decides_the_bytes_is_in_the_key(tmp_path: Path) -> None:
    cache, calls = ContentCache(tmp_path / "cache"), tmp_path / "calls"
    plain, version, model, tile = (Slow(calls) for _ in range(4))
    version.version, model.fingerprint, tile.tile = "2", b"8 bytes.", 64
    for codec in (plain, version, model, tile, Slow(calls, "other")):
        cache.encoded(codec, FRAME, Setting(quality=90))  # type: ignore[arg-type]
    close = (Setting(quality=90.0000001), Setting(bpp=8.0), Setting(bpp=8.000001))
    for setting in (Setting(quality=91), *close):
        cache.encoded(plain, FRAME, setting)  # type: ignore[arg-type]
    assert _calls(calls) == 9


CODED = struct.pack("<d", 0.1) + encoder("jpegls").encode(FRAME, Setting(quality=90))
SMALLER = Frame(FRAME.pixels[:20].copy(), 8)
QUALITY = struct.Struct("<ddII")


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"1234567",
        struct.pack("<d", math.nan) + CODED[8:],
        struct.pack("<d", -1.0) + CODED[8:],
        CODED[:20],
        CODED[:-5],
        CODED[:8] + without(CODED[8:], [0]),
        CODED[:8] + encoder("jpegls").encode(SMALLER, Setting(quality=90)),
        pickle.dumps({"a": 1}),
    ],
    ids=["empty", "short", "nan", "negative", "header", "cut", "lost", "smaller", "pickle"],
)
def test_a_container_that_is_none_of_the_frame_is_made_again(tmp_path: Path, entry: bytes) -> None:
    cache = ContentCache(tmp_path)
    sound = cache.encoded(encoder("jpegls"), FRAME, Setting(quality=90))
    path = next(path for path in (tmp_path / "encoded").rglob("*") if path.is_file())
    put_value(path, entry)
    assert cache.encoded(encoder("jpegls"), FRAME, Setting(quality=90)).bitstream == sound.bitstream


@pytest.mark.parametrize(
    "entry",
    [
        *(b"", b"short", QUALITY.pack(30, 1.5, 0, 0), QUALITY.pack(-math.inf, 1, 0, 0)),
        QUALITY.pack(30, 1, 1, 2),  # more undecodable tiles than lost ones
        QUALITY.pack(30, 1, 1, 1) + b"\xff",  # a reason that is no text
    ],
)
def test_a_quality_that_cannot_be_is_measured_again(tmp_path: Path, entry: bytes) -> None:
    cache = ContentCache(tmp_path)
    bitstream = encoder("jpegls").encode(FRAME, Setting(quality=90))
    sound = cache.delivered_quality(FRAME, bitstream).quality.psnr_db
    path = next(path for path in (tmp_path / "quality-3").rglob("*") if path.is_file())
    put_value(path, entry)
    assert cache.delivered_quality(FRAME, bitstream).quality.psnr_db == sound


@pytest.mark.parametrize("entry", [b"", b"short", struct.pack("<Qdd", 9, 30, 7) * 2])
def test_rates_that_cannot_be_are_measured_again(tmp_path: Path, entry: bytes) -> None:
    cache, settings = ContentCache(tmp_path), [Setting(quality=50), Setting(quality=90)]
    sound = cache.rated(encoder("jpegls"), FRAME, settings)
    path = next(path for path in (tmp_path / "rated-2").rglob("*") if path.is_file())
    put_value(path, entry)
    found = cache.rated(encoder("jpegls"), FRAME, settings)
    assert [one and one.bytes for one in found] == [one and one.bytes for one in sound]


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b'{"points": 3, "quality": 5}',
        b'{"points": [{"bytes": 1}], "quality": 5}',
        b'{"points": [{"bytes": "a", "bpp": 1, "psnr_db": 1, "ms_ssim": 1}], "quality": 5}',
        b'{"points": [], "quality": 5}',
    ],
)
def test_a_curve_that_is_none_is_made_again(tmp_path: Path, entry: bytes) -> None:
    cache = ContentCache(tmp_path)
    sound = curve(encoder("jpegls"), FRAME, (2, 8), 4, cache)
    path = next(path for path in tmp_path.rglob("*") if path.is_file())
    put_value(path, entry)
    assert curve(encoder("jpegls"), FRAME, (2, 8), 4, cache) == sound


def test_quality_is_kept_with_what_was_lost(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path)
    bitstream = encoder("jpegls", 20).encode(FRAME, Setting(quality=100))
    whole = cache.delivered_quality(FRAME, bitstream)
    assert (whole.quality.psnr_db, whole.lost_tiles) == (math.inf, 0)
    holed = without(bitstream, [1])
    assert cache.delivered_quality(FRAME, holed).lost_tiles == 1
    assert cache.delivered_quality(FRAME, holed) == cache.delivered_quality(FRAME, holed)
    assert replace(whole) == cache.delivered_quality(FRAME, bitstream)


def test_a_refusal_is_not_kept(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path)
    for _ in range(2):
        with pytest.raises(InputError, match="smallest"):
            cache.encoded(encoder("jpeg2000"), FRAME, Setting(bytes=9))


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "own"))
    assert default_folder() == tmp_path / "own"
    monkeypatch.setenv("DOWNPASS_CACHE", "")
    assert default_folder() is None
    monkeypatch.delenv("DOWNPASS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "downpass"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert default_folder() == Path.home() / ".cache" / "downpass"


def test_a_folder_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="name another with --cache"):
        open_cache(tmp_path / "file" / "below")
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "file" / "below"))
    assert open_cache().store.value("kind", "ab12", lambda: b"made") == b"made"


if __name__ == "__main__":
    _worker(*sys.argv[1:])
