"""A board's frame against this process's: which task is wrong, and whether it can be decoded."""

from __future__ import annotations

import numpy as np
import pytest
from downpass.link.container.frame import Frame
from downpass.payload.board.tile_coder import tile_coder
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder
from downpass.sim.board.frame_check import FrameCheck, check_frame
from downpass.sim.board.job import FrameTasks, frame_tasks
from downpass.sim.board.tile_record import TileVerdict

EQUAL, DIFFERS, UNDECODABLE = TileVerdict.EQUAL, TileVerdict.DIFFERS, TileVerdict.UNDECODABLE


def frame(bands: int) -> Frame:
    y, x = np.mgrid[0:32, 0:96]
    planes = [(x * (band + 1) + 3 * y) % 256 for band in range(bands)]
    return Frame(np.stack(planes, axis=2).astype(np.uint8), 8)


def encoded(codec: str, bands: int) -> tuple[FrameTasks, list[bytes], bytes]:
    """Return a frame's tasks, their sound payloads and the frame's container."""
    own, setting = encoder(codec, tile=32), Setting(quality=40)
    plan = frame_tasks(own, frame(bands), setting)
    coder = tile_coder(codec)
    payloads = [coder.encode(form, tile) for form, tile in plan.tasks]
    return plan, payloads, own.encode(frame(bands), setting)


def checked(codec: str, bands: int, wrong: dict[int, bytes]) -> FrameCheck:
    plan, payloads, expected = encoded(codec, bands)
    payloads = [wrong.get(index, payload) for index, payload in enumerate(payloads)]
    return check_frame(plan, payloads, expected)


@pytest.mark.parametrize(("codec", "bands"), [("student", 3), ("student", 4), ("jpeg2000", 3)])
def test_a_sound_board(codec: str, bands: int) -> None:
    found = checked(codec, bands, {})
    assert found.is_equal
    assert set(found.tiles) == set(found.tasks) == {EQUAL}
    assert len(found.tiles) == 3


def test_one_part_of_one_tile() -> None:
    """Four bands make two triples, so a tile has two tasks: 2 and 3 belong to tile 1."""
    plan, payloads, _ = encoded("student", 4)
    assert [tuple(place) for place in plan.places] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),
    ]
    found = checked("student", 4, {3: payloads[5]})
    assert not found.is_equal
    assert found.tiles == (EQUAL, DIFFERS, EQUAL)
    assert found.tasks == (EQUAL, EQUAL, EQUAL, DIFFERS, EQUAL, EQUAL)


@pytest.mark.parametrize("payload", [b"", b"\xff" * 50], ids=["nothing", "no codestream"])
def test_what_no_decoder_reads(payload: bytes) -> None:
    found = checked("jpeg2000", 3, {0: payload})
    assert found.tiles == found.tasks == (UNDECODABLE, EQUAL, EQUAL)


def test_a_tile_of_other_pixels_decodes() -> None:
    _, payloads, _ = encoded("jpeg2000", 3)
    assert payloads[1] != payloads[2]
    assert checked("jpeg2000", 3, {2: payloads[1]}).tiles == (EQUAL, EQUAL, DIFFERS)
