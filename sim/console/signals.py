"""End a command within two seconds of Ctrl-C or SIGTERM, even during a long library call.

    signal ──► the main thread unwinds (KeyboardInterrupt) ──► exit status 130 or 143
          └──► the watcher, if that takes longer: removes temporary files, ends the process

A library's call may keep a thread busy for minutes (a frame of 29 Mpx in JPEG XL), and Python
waits for its threads at the end. The watcher reads Python's wake-up descriptor, to which
the interpreter's C handler writes even while the main thread is in such a call.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Final

from ...link.files import remove_leavings

GRACE_S: Final = 1.0
"""Seconds in which the main thread has to unwind by itself."""
WORDS: Final = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Terminated(KeyboardInterrupt):
    """Raised in the main thread when SIGTERM arrives."""


def status_of(interrupt: KeyboardInterrupt) -> int:
    """Return the exit status that shells use: 128 and the signal's number."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


def word_of(interrupt: KeyboardInterrupt) -> str:
    """Return the message of a command that a signal ends."""
    return WORDS[signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT]


@contextlib.contextmanager
def answered() -> Iterator[None]:
    """Handle signals until the process ends; called in the main thread of a command.

    A command that handles a signal itself keeps its handler: training saves a checkpoint, a
    board's agent closes its session.
    """
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = _unraisable
    threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()
    yield


def end(status: int) -> None:
    """End the process now, without waiting for threads."""
    remove_leavings()
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    with contextlib.suppress(Exception):
        sys.stderr.flush()
    os._exit(status)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """Print nothing for an interrupt within a library's callback: the watcher handles it."""
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def _is_ours(number: int) -> bool:
    return signal.getsignal(number) in (signal.default_int_handler, _terminate)


def _watch(reader: int) -> None:
    """Wait for a signal; end the process if the main thread has not done so in time."""
    number = 0
    deadline = float("inf")
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        ready, _, _ = select.select([reader], [], [], min(left, 60.0))
        if not ready:
            continue
        again = bool(number)
        for byte in os.read(reader, 64):
            if byte in WORDS and _is_ours(byte):
                number = number or byte
        if number and again:  # a second Ctrl-C ends the process at once
            break
        if number and not again:
            deadline = time.monotonic() + GRACE_S
    with contextlib.suppress(OSError):
        os.write(2, f"{WORDS[signal.Signals(number)]}\n".encode())
    end(128 + number)
