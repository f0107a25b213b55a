from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from downpass.link.container import bitstream
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.link.serial.constants import SampleCode, SettingCode
from downpass.link.serial.messages import TileForm
from downpass.payload.board.limits import LARGEST_SIDE, Limits
from downpass.payload.board.tile_coder import tile_coder
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder
from downpass.sim.board.job import frame_jobs, frame_tasks


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


@pytest.mark.parametrize("quality", [0.0, 47.3, 100.0])
@pytest.mark.parametrize("name", FRAMES)
def test_the_students_tiles_make_the_frame(name: str, quality: float) -> None:
    frame, setting = FRAMES[name], Setting(quality=quality)
    flying, coder = encoder("student", tile=32), tile_coder("student")
    plan = frame_tasks(flying, frame, setting)
    streams = [coder.encode(form, tile) for form, tile in plan.tasks]
    assert plan.container(streams) == flying.encode(frame, setting)
    whole = bitstream.unpack(plan.container(streams)).header
    rotations = whole.rotations or ((127, 0, 0, 0),) * (-(-frame.bands // 3))
    # One job a band triple, but none of a tile without data.
    empty = 1 if "holes" in name else 0
    assert [form.rotation for form, _ in plan.tasks] == list(rotations) * (9 - empty)


@pytest.mark.parametrize("codec", ["jpeg2000", "jpegls"])
@pytest.mark.parametrize("name", FRAMES)
def test_a_still_codecs_tiles_make_the_frame(codec: str, name: str) -> None:
    frame, setting = FRAMES[name], Setting(quality=61.5)
    flying, coder = encoder(codec, tile=32), tile_coder(codec)
    plan = frame_tasks(flying, frame, setting)
    payloads = [coder.encode(form, tile) for form, tile in plan.tasks]
    assert plan.container(payloads) == flying.encode(frame, setting)


def test_what_the_student_refuses() -> None:
    coder = tile_coder("student")
    ((form, tile), *_) = frame_tasks(
        encoder("student", tile=32), FRAMES["rgb"], Setting(quality=50.0)
    ).tasks
    two = replace(form, bands=2, columns=16, rows=16, tile_bytes=512)
    with pytest.raises(InputError, match="step 257: student has 0 to 256"):
        coder.encode(replace(form, setting=257), tile)
    with pytest.raises(InputError, match="2 bands: student takes 1 or 3"):
        coder.encode(two, tile[:512])
    with pytest.raises(InputError, match="bit depth 7, flags 0: student takes 8 and 0"):
        coder.encode(replace(form, bit_depth=7), tile)


def test_a_rate_is_no_boards_setting() -> None:
    for codec in ("student", "jpeg2000"):
        with pytest.raises(InputError, match="a board encodes tiles alone, at a quality"):
            frame_tasks(encoder(codec, tile=32), FRAMES["rgb"], Setting(bpp=0.5))


NEEDED = ("numpy", "cobs", "serial")


def installed(folder: Path, *more: str) -> None:
    """Install link, payload and what a board needs into a folder, and nothing else."""
    (folder / "downpass").mkdir()
    for part in ("link", "payload"):
        source = Path(str(importlib.import_module(f"downpass.{part}").__file__)).parent
        (folder / "downpass" / part).symlink_to(source)
    for name in (*NEEDED, *more):
        for file in importlib.metadata.distribution(distribution_of(name)).files or ():
            top = file.parts[0]
            place = folder / top
            if ".." not in file.parts and not place.exists():
                place.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)


def distribution_of(module: str) -> str:
    return importlib.metadata.packages_distributions()[module][0]


ALONE = """
import sys
sys.path.append({folder!r})
for name in {hidden!r}:
    sys.modules[name] = None
import zlib
import downpass.payload.board.__main__, downpass.payload.board.agent
from downpass.link.errors import InputError
from downpass.payload.board.limits import LARGEST_SIDE, Limits
from downpass.payload.board.tile_coder import tile_coder
from downpass.payload.encoders.registry import default_codec
from downpass.link.serial.messages import TileForm
from downpass.link.serial.constants import SampleCode, SettingCode
tile = bytes(range(192)) * 16
form = TileForm(3072, zlib.crc32(tile), 32, 32, 3, 8, SampleCode.UINT8, 0, SettingCode.STEP, 0,
                99, (120, 9, -40, 0))
for name in ("torch", "imagecodecs", "rasterio", "matplotlib", "pydantic", "constriction",
             "downpass.sim", *{absent!r}):
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(name + " is there: this test proves nothing")
try:
    tile_coder("jpeg2000")
except InputError as error:
    print(error)
try:
    coder = tile_coder(default_codec())
    print(coder.software)
    print(coder.encode(form, tile).hex())
except InputError as error:
    print(error)
"""
COMPILED = (
    "downpass.payload.encoders.student._native",
    "downpass.link.student._range_coder",
    "downpass.link.student._tile_reader",
)


def alone(folder: Path, *more: str, hidden: tuple[str, ...] = ()) -> list[str]:
    """What a board with these packages says: about JPEG 2000, its encoder, and its bytes."""
    installed(folder, *more)
    absent = () if "onnxruntime" in more else ("onnxruntime",)
    program = ALONE.format(folder=str(folder), hidden=hidden, absent=absent)
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines.pop(0) == (
        "codec 'jpeg2000' needs imagecodecs, which is not installed: pip install imagecodecs"
    )
    return lines


def expected_stream() -> str:
    tile = bytes(range(192)) * 16
    form = TileForm(3072, zlib.crc32(tile), 32, 32, 3, 8, SampleCode.UINT8, 0, SettingCode.STEP, 0,
                    99, (120, 9, -40, 0))  # fmt: skip
    return tile_coder("student").encode(form, tile).hex()


def test_a_board_needs_link_payload_and_three_packages(tmp_path: Path) -> None:
    """Torch, decoder, rasterio, ONNX Runtime and the still codecs' libraries are not there."""
    software, stream = alone(tmp_path)
    assert software.startswith("student, C (")
    assert stream == expected_stream()


def test_a_board_without_a_compiler_needs_onnxruntime(tmp_path: Path) -> None:
    software, stream = alone(tmp_path, "onnxruntime", hidden=COMPILED)
    assert software.startswith("student, onnxruntime 1.")
    assert stream == expected_stream()


def test_a_board_with_neither_says_what_to_install(tmp_path: Path) -> None:
    (cause,) = alone(tmp_path, hidden=COMPILED)
    assert "apt install gcc python3-dev" in cause
    assert "or install onnxruntime" in cause


def test_jpeg2000_on_a_board_needs_neither_ground_nor_sim() -> None:
    program = (
        "import sys, downpass.payload.board.__main__ as board\n"
        "from downpass.payload.board.tile_coder import tile_coder\n"
        "tile_coder('jpeg2000')\n"
        "heavy = ('downpass.ground', 'downpass.sim', 'torch', 'matplotlib', 'rasterio', 'pyarrow',"
        " 'simpy', 'pydantic')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("side", "most_bands", "bit_depth", "tile_bytes"),
    [
        (1024, 3, 8, 3 << 20),
        (1024, 256, 16, 16 << 20),
        (1, 1, 1, 1),
        (LARGEST_SIDE, 3, 8, 65_535 * 4096),
    ],
)
def test_an_agent_announces_tiles_that_its_codec_takes_and_a_line_can_carry(
    side: int, most_bands: int, bit_depth: int, tile_bytes: int
) -> None:
    assert Limits.of_tiles(side, 4, most_bands, bit_depth) == Limits(side, tile_bytes, 4)
