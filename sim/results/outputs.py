"""Put a run's output folder in place: whole or not at all, and only over earlier results."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from ...link.errors import InputError
from .workfolders import EARLIER, held, sweep

SUMMARY = "summary.json"
REPORT = "report.html"
COMPARISON = "comparison.html"
DELIVERED = "delivered"
STAC = "stac"
TRADEOFF = "tradeoff.csv"
EVENTS = "events.parquet"
BOARD_TILES = "board_tiles.parquet"
TABLES = ("events", "frames", "passes", "accesses", "board_tiles")
# Viewers leave their statistics beside a picture.
_PICTURE = re.compile(r"\d{6,}-.+\.tif(\.aux\.xml)?", re.DOTALL)
_ITEM = re.compile(r"(\d{6,}-.+|collection)\.json", re.DOTALL)
_OURS = {SUMMARY, COMPARISON, REPORT, TRADEOFF, *(f"{name}.parquet" for name in TABLES)}
_FILES_IN = {DELIVERED: _PICTURE, STAC: _ITEM}


@contextlib.contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` to write into, and put it in `out`'s place at the end.

    If a run fails or is killed, nothing appears under the final name, and the results of an
    earlier run stay. A killed run leaves its temporary folder behind; the next run with the same
    output deletes it.

    Raises:
        InputError: `out` holds files that no run has written, or cannot be written.
    """
    asked, out = out, _place(out)
    with contextlib.ExitStack() as stack:
        try:
            _check(out, asked)
            sweep(out)
            out.parent.mkdir(parents=True, exist_ok=True)
            staging = stack.enter_context(held(out, ".partial"))
        except OSError as error:
            raise InputError(
                f"{asked}: cannot be written ({error.strerror}); choose another --out"
            ) from None
        try:
            with _in_words(staging, asked):
                yield staging
            staging.chmod(0o777 & ~_umask())
            _check(out, asked)  # hours may have passed
            _put_in_place(staging, out)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


@contextlib.contextmanager
def _in_words(staging: Path, out: Path) -> Iterator[None]:
    """Turn an `OSError` raised while writing results into an `InputError` that names `out`."""
    try:
        yield
    except InputError as error:
        # The user knows the output folder, not the temporary one.
        text = str(error).replace(str(staging), str(out))
        if text == str(error):
            raise
        raise InputError(text) from error
    except OSError as error:
        # A full disk is the user's to mend, like any other place that can't be written.
        if error.filename is not None and not _inside(staging, error.filename):
            raise
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from None


def _place(out: Path) -> Path:
    """Return the folder that a name stands for; a link is followed and kept.

    Raises:
        InputError: The links form a circle or point nowhere.
    """
    try:
        place = out.resolve()
    except (OSError, RuntimeError):
        raise InputError(
            f"{out}: its symbolic links go round in a circle; choose another --out"
        ) from None
    if out.is_symlink() and not place.exists():
        raise InputError(f"{out}: is a link that points nowhere; choose another --out")
    return place


def _check(out: Path, asked: Path) -> None:
    """Refuse a place that holds anything but the results of an earlier run."""
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise InputError(f"{asked}: is no folder; choose another --out")
    if Path.cwd().is_relative_to(out):
        raise InputError(f"{asked}: the command runs in it; choose another --out")
    if out.is_mount():
        raise InputError(f"{asked}: is a mount point; choose a folder in it as --out")
    foreign = _foreign(out)
    if foreign is not None:
        raise InputError(
            f"{asked}: holds {foreign.relative_to(out)}, which no run has written; "
            "choose another --out"
        )
    marks = [out / COMPARISON, out / SUMMARY, *(entry / SUMMARY for entry in out.iterdir())]
    if any(out.iterdir()) and not any(mark.is_file() for mark in marks):
        raise InputError(
            f"{asked}: holds no {SUMMARY}, so no run has written it; choose another --out"
        )


def _foreign(folder: Path) -> Path | None:
    """Return an entry of a folder of results that no run has written; None if there is none."""
    for entry in sorted(folder.iterdir()):
        is_folder = entry.is_dir() and not entry.is_symlink()
        if is_folder and entry.name in _FILES_IN:
            for file in sorted(entry.iterdir()):
                if not _FILES_IN[entry.name].fullmatch(file.name) or file.is_dir():
                    return file
        elif is_folder and (entry / SUMMARY).is_file():  # one choice of a comparison
            inner = _foreign(entry)
            if inner is not None:
                return inner
        elif is_folder or entry.name not in _OURS:
            return entry
    return None


def _put_in_place(staging: Path, out: Path) -> None:
    try:
        with contextlib.ExitStack() as stack:
            if not out.exists():
                staging.rename(out)
                return
            old = stack.enter_context(held(out, ".old"))
            earlier = old / EARLIER
            try:
                out.rename(earlier)
                staging.rename(out)
            finally:
                if earlier.exists() and not out.exists():
                    earlier.rename(out)
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from None


def _inside(folder: Path, name: object) -> bool:
    return isinstance(name, str) and Path(name).is_relative_to(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
