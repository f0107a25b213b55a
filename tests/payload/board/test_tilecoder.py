from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from downpass.link import bitstream
from downpass.link.errors import InputError
from downpass.link.serial.constants import SettingCode
from downpass.payload.board.tilecoder import tile_coder
from downpass.payload.encoders.base import Frame, Setting
from downpass.payload.encoders.registry import encoder
from downpass.sim.board.job import frame_jobs


def scene(kind: str, depth: int, bands: int, holes: bool = False, low: int = 0) -> Frame:
    rng = np.random.default_rng(5)
    slope = np.add.outer(np.arange(90), np.arange(70))[..., None] * (1 << depth) // 200
    pixels = np.clip(slope + rng.integers(0, 9, (90, 70, bands)), 0, (1 << depth) - 1) + low
    pixels = pixels.astype(kind)
    nodata = -999 if kind == "int16" else 0 if holes else None
    if holes:
        pixels[10:40, 5:30] = nodata
        pixels[64:, :32] = nodata
    return Frame(pixels, depth, nodata)


FRAMES = {
    "rgb": scene("uint8", 8, 3),
    "grey 12 bit": scene("uint16", 12, 1),
    "five bands with holes": scene("uint16", 11, 5, holes=True),
    "negative": scene("int16", 10, 2, low=-512),
    "negative with holes": scene("int16", 10, 4, holes=True, low=-512),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("codec", ["jpeg2000", "jpegxl", "jpegls", "ccsds121"])
def test_a_tile_alone_is_the_tile_in_the_container(codec: str, name: str) -> None:
    frame = FRAMES[name]
    quality = 100.0 if codec == "ccsds121" else 61.5
    whole = bitstream.unpack(encoder(codec, tile=32).encode(frame, Setting(quality=quality)))
    coder = tile_coder(codec)
    jobs = frame_jobs(frame, 32, (SettingCode.QUALITY, round(quality * 1000)))
    assert tuple(coder.encode(form, tile) for form, tile in jobs) == whole.payloads
    assert len(jobs) == 9


def test_a_step_and_a_budget() -> None:
    frame = FRAMES["rgb"]
    coder = tile_coder("jpeg2000")
    ((form, tile),) = frame_jobs(frame, 0, (SettingCode.STEP, 300))
    coarse = coder.encode(form, tile)
    ((form, tile),) = frame_jobs(frame, 0, (SettingCode.STEP, 700))
    assert len(coder.encode(form, tile)) > len(coarse)
    ((form, tile),) = frame_jobs(frame, 0, (SettingCode.BYTES, 3000))
    assert 2500 < len(coder.encode(form, tile)) <= 3000
    ((form, tile),) = frame_jobs(frame, 0, (SettingCode.BYTES, 10))
    with pytest.raises(InputError, match="a budget of 10 bytes for a tile; the smallest"):
        coder.encode(form, tile)
    ((form, tile),) = frame_jobs(frame, 0, (SettingCode.STEP, 10**6))
    with pytest.raises(InputError, match="step 1000000: jpeg2000 has 0 to"):
        coder.encode(form, tile)


def test_a_board_needs_neither_ground_nor_sim() -> None:
    program = (
        "import sys, downpass.payload.board.__main__ as board\n"
        "from downpass.payload.board.tilecoder import tile_coder\n"
        "tile_coder('jpeg2000')\n"
        "heavy = ('downpass.ground', 'downpass.sim', 'torch', 'matplotlib', 'rasterio', 'pyarrow',"
        " 'simpy', 'pydantic')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
