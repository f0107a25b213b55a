"""`downpass codec` with the shipped example of an encoder of one's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from downpass.link.container.bitstream import tile_spans
from downpass.link.foreign.leave import ALLOW
from onnx_graphs import cosine_pair
from small_scenarios import REPOSITORY, downpass

EXAMPLE = REPOSITORY / "scenarios" / "own-encoder" / "dct.yaml"


@pytest.fixture(autouse=True)
def _no_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ALLOW, raising=False)
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG of smooth hills with some noise, 96 x 80 pixels in three bands."""
    y, x = np.mgrid[0:80, 0:96]
    noise = np.random.default_rng(3).normal(0, 3, (80, 96, 3))
    hills = 120 + 70 * np.sin(x / 11)[..., None] * np.cos(y / 9)[..., None] + noise
    path = tmp_path / "hills.png"
    path.write_bytes(imagecodecs.png_encode(hills.clip(0, 255).astype(np.uint8)))
    return path


def psnr(path: Path, other: Path) -> float:
    first, second = (imagecodecs.imread(one).astype(float) for one in (path, other))
    return float(10 * np.log10(255**2 / np.mean((first - second) ** 2)))


def test_the_example_encodes_and_decodes(tmp_path: Path, picture: Path) -> None:
    stream, back = tmp_path / "hills.dp", tmp_path / "back.png"
    options = ("--codec", EXAMPLE, "--tile", "64")
    said = downpass("codec", "encode", picture, stream, *options, "--bpp", "1.5")
    assert said.status == 2
    assert "found a program, {python} " in said.err
    allowed = (*options, "--allow-programs")
    assert downpass("codec", "encode", picture, stream, *allowed, "--bpp", "1.5").status == 0
    assert 0.9 * 1440 < stream.stat().st_size <= 1440
    assert "codec            command" in downpass("codec", "info", stream).out
    decode = ("codec", "decode", stream, back)
    assert "its decoder comes from outside" in downpass(*decode).err
    assert "found a program" in downpass(*decode, "--codec", EXAMPLE).err
    assert downpass(*decode, "--codec", EXAMPLE, "--allow-programs").status == 0
    assert psnr(picture, back) > 32


def test_the_tile_of_the_file_counts_unless_the_command_line_has_one(
    tmp_path: Path, picture: Path
) -> None:
    own, stream = tmp_path / "own.yaml", tmp_path / "a.dp"
    own.write_text("name: jpegls\ntile: 32\n")
    encode = ("codec", "encode", picture, stream, "--quality", "50", "--codec", own)
    for options, tiles in (((), 9), (("--tile", "64"), 4), (("--tile", "0"), 1)):
        assert downpass(*encode, *options).status == 0
        assert len(tile_spans(stream.read_bytes())) == tiles
    own.write_text("name: jpegls\n")
    assert downpass(*encode).status == 0
    assert len(tile_spans(stream.read_bytes())) == 1


def test_a_damaged_tile_is_concealed_and_told(tmp_path: Path, picture: Path) -> None:
    """The program is replaced by one that fails on tiles of its first band group's last pixels."""
    shutil.copytree(EXAMPLE.parent, tmp_path / "own")
    own = tmp_path / "own" / "dct.yaml"
    stream, back = tmp_path / "hills.dp", tmp_path / "back.png"
    options = ("--codec", own, "--tile", "64", "--allow-programs")
    assert downpass("codec", "encode", picture, stream, *options, "--quality", "80").status == 0
    script = tmp_path / "own" / "dct.py"
    script.write_text(
        script.read_text().replace(
            "def decode(stream, shape, bits):",
            "def decode(stream, shape, bits):\n    assert shape[2] == 64, 'narrow tile'",
        )
    )
    said = downpass("codec", "decode", stream, back, "--codec", own, "--allow-programs")
    assert said.status == 0
    assert "2 of 4 tiles whole, but not decodable, and concealed: 1, 3" in said.err
    assert "tile 1: decode ended with status 1: " in said.err
    assert "AssertionError: narrow tile" in said.err
    data = bytearray(stream.read_bytes())
    data[tile_spans(bytes(data))[0][1]] ^= 1  # its CRC does not match any more
    stream.write_bytes(data)
    said = downpass("codec", "decode", stream, back, "--codec", own, "--allow-programs")
    assert "1 of 4 tiles lost and concealed: 0" in said.err
    assert "2 of 4 tiles whole, but not decodable, and concealed: 1, 3" in said.err


def test_codecs_from_outside_are_compared_like_others(tmp_path: Path, picture: Path) -> None:
    cosine_pair(tmp_path)
    graphs = tmp_path / "graphs.yaml"
    graphs.write_text("name: onnx\nencoder: encoder.onnx\ndecoder: decoder.onnx\nmultiple: 8\n")
    out = tmp_path / "out"
    options = ("--codec", EXAMPLE, "--codec", graphs, "--out", out, "--json", "--allow-programs")
    said = downpass("codec", "compare", picture, *options, "--rates", "0.5", "1.5")
    assert said.status == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    assert list(found["codecs"]) == ["jpeg2000", "dct", "graphs"]
    assert json.loads((out / "compare.json").read_text()) == found
    assert (out / "rd.png").read_bytes()[:4] == b"\x89PNG"
    measured = found["images"]["hills"]["codecs"]
    for name in ("dct", "graphs"):
        points = measured[name]["points"]
        assert len(points) > 4
        levels = [point["psnr_db"] for point in points]
        assert measured[name]["encode_mpx_s"] > 0
        assert found["settings"]["versions"][name].startswith(("command ", "onnx "))
        assert levels[-1] > max(35, levels[0] + 5)


def test_two_codecs_of_one_name_are_refused(tmp_path: Path, picture: Path) -> None:
    other = tmp_path / "dct.yaml"
    other.write_text(EXAMPLE.read_text().replace("{folder}", str(EXAMPLE.parent)))
    said = downpass("codec", "compare", picture, "--codec", EXAMPLE, "--codec", other)
    assert said.status == 2
    assert "a second codec called dct" in said.err
    other.rename(tmp_path / "jpeg2000.yaml")
    named = tmp_path / "jpeg2000.yaml"
    said = downpass("codec", "compare", picture, "--codec", named)
    assert said.status == 2
    assert "jpeg2000.yaml: found the name of one of downpass's codecs" in said.err
