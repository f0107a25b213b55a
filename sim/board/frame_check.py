"""Compares a frame that a board encoded with the same frame encoded in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ground.decoders import decode
from ...link.container import bitstream
from .job import FrameTasks
from .tile_record import TileVerdict


@dataclass(frozen=True, slots=True)
class FrameCheck:
    """The comparison of one frame.

    Attributes:
        container: The frame's container with the board's payloads.
        is_equal: Whether it equals this process's container.
        tiles: A verdict for each tile, in order of their indices.
        tasks: A verdict for each task of the board, in their order.
    """

    container: bytes
    is_equal: bool
    tiles: tuple[TileVerdict, ...]
    tasks: tuple[TileVerdict, ...]


def check_frame(plan: FrameTasks, payloads: Sequence[bytes], expected: bytes) -> FrameCheck:
    """Compare the payloads of a frame's tasks with the container that this process made.

    A tile that differs is decoded as the ground would, to learn whether it can be.

    Args:
        plan: The frame's tasks.
        payloads: The board's payload of each task, which are not trusted.
        expected: This process's container of the frame.
    """
    made = plan.container(payloads)
    ours, theirs = (bitstream.unpack(one).payloads for one in (expected, made))
    if made == expected:
        equal = TileVerdict.EQUAL
        return FrameCheck(made, True, (equal,) * len(ours), (equal,) * len(payloads))
    wrong = {i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b}
    unreadable = set(decode(made).lost_tiles)
    tiles = tuple(_verdict(index in wrong, index in unreadable) for index in range(len(ours)))
    parts = {index: plan.parts(index, ours[index] or b"") for index in wrong}
    tasks = tuple(
        _verdict(
            place.tile in wrong and parts[place.tile][place.part] != payload,
            place.tile in unreadable,
        )
        for place, payload in zip(plan.places, payloads, strict=True)
    )
    return FrameCheck(made, False, tiles, tasks)


def unfinished_tiles(plan: FrameTasks, verdicts: Sequence[TileVerdict | None]) -> list[TileVerdict]:
    """Return the verdicts on the tiles of an unfinished frame that are refused or finished.

    Args:
        plan: The frame's tasks.
        verdicts: For each task, whether it is unverified or refused; None if there is no result.
    """
    found: dict[int, set[TileVerdict | None]] = {}
    for place, verdict in zip(plan.places, verdicts, strict=True):
        found.setdefault(place.tile, set()).add(verdict)
    refused, finished = TileVerdict.REFUSED, TileVerdict.UNVERIFIED
    return [
        refused if refused in own else finished
        for own in found.values()
        if refused in own or own == {finished}
    ]


def _verdict(is_wrong: bool, is_unreadable: bool) -> TileVerdict:
    if not is_wrong:
        return TileVerdict.EQUAL
    return TileVerdict.UNDECODABLE if is_unreadable else TileVerdict.DIFFERS
