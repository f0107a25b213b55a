"""How fast a board is: its line, its encoder, and how well the two overlap."""

from __future__ import annotations

import statistics
import time
from typing import Final

import numpy as np

from ...link.errors import InputError
from ...link.serial.constants import Feature, SettingCode, TickKind
from ...link.serial.events import Finished
from ...link.serial.host import HostSettings
from ...payload.encoders.base import Frame
from .client import BoardClient
from .job import frame_jobs

_QUALITY: Final = 50000


def run_bench(port: str, baud: int, tiles: int, side: int) -> dict[str, float | int | str]:
    """Encode `tiles` RGB tiles of `side` pixels and return the figures.

    Raises:
        InputError: The board refuses such tiles.
        BoardGoneError: No session can be had any more.
    """
    if tiles < 1 or side < 1:
        raise InputError(f"{tiles} tiles of {side} pixels: allowed is at least 1 of each")
    rng = np.random.default_rng(1)
    slope = np.add.outer(np.arange(side), np.arange(side * tiles))[..., None] % 200
    frame = Frame((slope + rng.integers(0, 40, (side, side * tiles, 3))).astype(np.uint8), 8)
    with BoardClient(port, baud, HostSettings(away=10)) as board:
        own = board.capabilities()
        setting = (
            (SettingCode.QUALITY, _QUALITY)
            if own.features & Feature.QUALITY
            else (SettingCode.STEP, 0)
        )
        jobs = frame_jobs(frame, side, setting)
        begin = time.monotonic()
        results = [result for _, result in board.encode(jobs)]
        wall_s = time.monotonic() - begin
        counts = board.counts
    done = [result for result in results if isinstance(result, Finished)]
    if len(done) < len(results):
        refused = next(result for result in results if not isinstance(result, Finished))
        raise InputError(f"{port}: {refused.cause}")
    encode_s = [result.encode_ticks / own.tick_rate for result in done]
    raw = sum(form.tile_bytes for form, _ in jobs)
    coded = sum(len(result.payload) for result in done)
    return {
        "board": own.name,
        "tiles": len(done),
        "wall_s": round(wall_s, 4),
        "raw_bytes": raw,
        "coded_bytes": coded,
        "goodput_bytes_per_s": round(raw / wall_s),
        "time_kind": "measured" if own.tick_kind == TickKind.MEASURED else "modelled",
        "encode_s_per_tile_median": round(statistics.median(encode_s), 6),
        "encode_s_per_tile_max": round(max(encode_s), 6),
        "encode_megapixels_per_s": round(side * side * len(done) / sum(encode_s) / 1e6, 3),
        "encoder_busy_share_of_wall": round(sum(encode_s) / wall_s, 3),
        "chunks_sent_again": counts.chunks_repeated,
        "timeouts": counts.timeouts,
    }
