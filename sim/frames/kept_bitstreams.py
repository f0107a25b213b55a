"""Bitstreams of codecs from outside, kept on disk while a run lasts.

A run asks for a frame's bitstream several times. Encoders of downpass give the same bytes again, so
a bitstream that the cache has lost is simply made anew. Nothing is known of a codec from outside,
so its first answer is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

from ...link.scratch import scratch_folder
from .content_cache import CodedFrame


class KeptBitstreams:
    """A temporary folder of bitstreams, made when the first one is kept."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._lock = Lock()
        self._folder: Path | None = None
        self._kept: dict[Hashable, tuple[Path, float]] = {}

    def get(self, key: Hashable, make: Callable[[], CodedFrame]) -> CodedFrame:
        """Return the first bitstream that was made for a key; `make` makes it if there is none."""
        with self._lock:
            found = self._kept.get(key)
        if found is not None:
            return CodedFrame(found[0].read_bytes(), found[1])
        made = make()
        with self._lock:
            if key not in self._kept:
                path = self._room() / str(len(self._kept))
                path.write_bytes(made.bitstream)
                self._kept[key] = path, made.host_seconds
                return made
            path, seconds = self._kept[key]
        return CodedFrame(path.read_bytes(), seconds)  # another thread was quicker

    def close(self) -> None:
        """Delete the folder."""
        self._stack.close()

    def _room(self) -> Path:
        if self._folder is None:
            self._folder = self._stack.enter_context(scratch_folder("bitstreams"))
        return self._folder
