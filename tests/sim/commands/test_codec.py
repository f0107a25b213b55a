from __future__ import annotations

import json
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rasterio
from downpass.link.container.bitstream import pack, read_header, unpack
from downpass.sim.cli import main

SCENES = Path(__file__).parents[3] / "scenarios" / "scenes"
AERIAL = SCENES / "naip_santa_monica_2020_0.6m_rgbn_u8.tif"
SIGNED = SCENES / "s2_l1c_433D_629L_3_1_13b_i16.tif"


def codec(*arguments: object) -> int:
    return main(["codec", *map(str, arguments)])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    with rasterio.open(AERIAL) as scene:
        pixels = np.ascontiguousarray(np.moveaxis(scene.read([1, 2, 3]), 0, 2))
    path = tmp_path / "in.png"
    path.write_bytes(imagecodecs.png_encode(pixels))
    return path


@pytest.mark.parametrize("name", ["jpeg2000", "jpegxl", "jpegls", "ccsds121", "avif"])
def test_png_to_bitstream_to_png(picture: Path, tmp_path: Path, name: str) -> None:
    coded, back = tmp_path / "f.dp", tmp_path / "out.png"
    assert codec("encode", picture, coded, "--codec", name, "--quality", 100, "--threads", 2) == 0
    assert codec("decode", coded, back, "--threads", 2) == 0
    expected = imagecodecs.png_decode(picture.read_bytes())
    assert np.array_equal(imagecodecs.png_decode(back.read_bytes()), expected)


def test_georeferencing_comes_back_from_the_scene(tmp_path: Path) -> None:
    coded, back = tmp_path / "f.dp", tmp_path / "out.tif"
    assert codec("encode", SIGNED, coded, "--codec", "jpeg2000", "--quality", 100) == 0
    assert codec("decode", coded, back, "--like", SIGNED) == 0
    with rasterio.open(SIGNED) as one, rasterio.open(back) as two:
        assert np.array_equal(one.read(), two.read())
        assert (one.crs, one.transform) == (two.crs, two.transform)


def test_a_budget_is_kept(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coded = tmp_path / "f.dp"
    assert codec("encode", picture, coded, "--codec", "jpegxl", "--bytes", 8000) == 0
    assert 7760 <= coded.stat().st_size <= 8000
    assert f"in {coded.stat().st_size} bytes" in capsys.readouterr().out
    assert codec("encode", picture, coded, "--codec", "jpeg2000", "--bpp", 0.5, "--tile", 0) == 0
    assert 3890 <= coded.stat().st_size <= 4096  # OpenJPEG's grain on so small a picture


def test_info(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coded = tmp_path / "f.dp"
    codec("encode", picture, coded, "--codec", "jpegls", "--quality", 90, "--tile", 100)
    capsys.readouterr()
    assert codec("info", coded, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["codec"], found["width"], found["bands"]) == ("jpegls", 256, 3)
    assert found["tiles"] == len(found["tile_bytes"]) == 9
    assert found["container_bytes"] + sum(found["tile_bytes"]) == found["bytes"]
    assert found["damaged_tiles"] == []
    assert codec("info", coded) == 0
    assert "codec            jpegls" in capsys.readouterr().out


def test_lost_tiles_are_named(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coded = tmp_path / "f.dp"
    codec("encode", picture, coded, "--codec", "jpegls", "--quality", 90, "--tile", 100)
    coded.write_bytes(coded.read_bytes()[:-20])
    assert codec("decode", coded, tmp_path / "out.png") == 0
    assert "1 of 9 tiles lost and concealed: 8" in capsys.readouterr().err


def test_what_arrived_and_cannot_be_decoded_is_not_called_lost(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coded, back = tmp_path / "f.dp", tmp_path / "out.tif"
    codec("encode", picture, coded, "--codec", "jpegls", "--quality", 90, "--tile", 100)
    whole = unpack(coded.read_bytes())
    payloads = [payload or b"" for payload in whole.payloads]
    payloads[4] = b"no codestream"  # with its own right CRC-32
    coded.write_bytes(pack(whole.header, payloads)[:-20])
    assert codec("decode", coded, back) == 0
    lost, undecodable = capsys.readouterr().err.splitlines()
    assert "1 of 9 tiles lost and concealed: 8" in lost
    assert "1 of 9 tiles whole, but not decodable, and concealed: 4" in undecodable
    with rasterio.open(back) as file:
        tags = file.tags()
    assert (tags["DOWNPASS_LOST_TILES"], tags["DOWNPASS_UNDECODABLE_TILES"]) == ("8", "4")


def test_damaged_and_foreign_student_frames(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged tile is named by both commands; what cannot be read is refused in one line."""
    coded, odd, back = tmp_path / "f.dp", tmp_path / "odd.dp", tmp_path / "out.png"
    codec("encode", picture, coded, "--codec", "student", "--quality", 30, "--tile", 128)
    sound = coded.read_bytes()
    spans = read_header(sound)[1]
    assert codec("decode", coded, back) == 0
    whole = imagecodecs.png_decode(back.read_bytes())
    bad = bytearray(sound)
    bad[spans[2].offset + 3] ^= 1
    odd.write_bytes(bad)
    capsys.readouterr()
    assert codec("info", odd) == 0
    assert "damaged tiles    [2]" in capsys.readouterr().out
    assert codec("decode", odd, back) == 0
    assert "1 of 4 tiles lost and concealed: 2" in capsys.readouterr().err
    concealed = imagecodecs.png_decode(back.read_bytes())
    assert np.array_equal(concealed[:48], whole[:48])
    # In the range of what is around it, neither black nor grey.
    assert abs(concealed[128:, :128].mean() - whole[:, 128:].mean()) < 40

    model = read_header(sound)[0].fingerprint
    end = spans[0].offset - 4
    for place, value, words in (
        (2, b"\2", "bitstream version 2: this downpass reads version 1"),
        (3, b"\7", "codec number 7: known are 1 jpeg2000"),
        (sound.index(model), b"whatever", "model 7768617465766572 in a student frame"),
    ):
        head = bytearray(sound[:end])
        head[place : place + len(value)] = value
        odd.write_bytes(bytes(head) + zlib.crc32(head).to_bytes(4, "little") + sound[end + 4 :])
        assert codec("decode", odd, tmp_path / "never.png") == 2
        error = capsys.readouterr().err
        assert error.startswith(f"{odd}: {words}")
        assert error.count("\n") == 1
        assert not (tmp_path / "never.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["encode", "{none}", "{out}", "--codec", "jpegxl", "--bpp", "1"], "no such file"),
        (["encode", "{in}", "{out}", "--codec", "jpegx", "--bpp", "1"], "did you mean jpegxl"),
        (["encode", "{in}", "{out}", "--codec", "jpegxl", "--bpp", "-1"], "allowed is more than 0"),
        (["encode", "{in}", "{out}", "--codec", "jpegxl", "--bytes", "50"], "the smallest"),
        (["encode", "{in}", "{out}", "--codec", "ccsds121", "--bpp", "1"], "lossless"),
        (
            ["encode", f"{AERIAL}", "{out}", "--codec", "ccsds121", "--bytes", "900000"],
            "ccsds121 setting 900000B: allowed is lossless",
        ),
        (["encode", "{in}", "{none}/x", "--codec", "jpegxl", "--bpp", "1"], "cannot be written"),
        (["encode", "{in}", "{out}", "--codec", "jpegls", "--bpp", "9", "--bands", "7"], "band 7"),
        *(
            (
                ["encode", "{in}", "{out}", "--codec", "jpegls", "--bpp", "9", "--bit-depth", n],
                f"bit depth {n}: allowed are 1 to 16",
            )
            for n in ("0", "17", "-3")
        ),
        (["decode", "{in}", "{out}.png"], "begins with 8950"),
        (["decode", "{in}", "{out}.gif"], "allowed are .png, .tif"),
        (["decode", "{none}", "{out}.png"], "cannot be read"),
        (["info", "{in}"], "begins with 8950"),
        (["compare", "{in}", "--codec", "jpegxl", "--rates", "2", "1"], "LOW < HIGH"),
        (["compare", "{in}", "--codec", "jpegxl", "--rates", "1", "inf"], "HIGH <= 65536"),
        (["compare", "{in}", "--codec", "jpegxl", "--rates", "nan", "1"], "LOW < HIGH"),
        (["compare", "{folder}/empty", "--codec", "jpegxl"], "no pictures"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(
    picture: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    (tmp_path / "empty").mkdir()
    names = {"in": picture, "out": tmp_path / "out", "none": tmp_path / "none", "folder": tmp_path}
    assert codec(*(argument.format(**names) for argument in arguments)) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_comparing(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, cache = tmp_path / "compared", ("--cache", tmp_path / "cache")
    codecs = ("--codec", "jpegxl", "--codec", "ccsds121")
    assert codec("compare", picture, *codecs, *cache, "--json", "--out", out) == 0
    found = json.loads(capsys.readouterr().out)
    assert json.loads((out / "compare.json").read_text()) == found
    assert imagecodecs.png_decode((out / "rd.png").read_bytes()).shape[1] == 1500
    assert (out / "rd-in.png").exists()
    means = {name: one["groups"]["all"] for name, one in found["codecs"].items()}
    assert means["jpeg2000"]["bd_rate_psnr_percent"] == 0
    assert means["jpeg2000"]["coverage_psnr"] == 1
    assert -20 < means["jpegxl"]["bd_rate_psnr_percent"] < 40
    assert means["ccsds121"]["bd_rate_psnr_percent"] is None
    for point in found["images"]["in"]["codecs"]["jpeg2000"]["points"]:
        assert point["bpp"] == pytest.approx(point["bytes"] * 8 / 256**2, abs=1e-5)
    rates = [point["bpp"] for point in found["images"]["in"]["codecs"]["jpeg2000"]["points"]]
    assert rates[0] <= 0.1
    assert rates[-1] >= 1.5
    assert found["images"]["in"]["crop"] is None
    assert codec("compare", picture, "--codec", "jpegls", *cache) == 0
    assert "BD-rate" in capsys.readouterr().out


def test_comparing_a_folder_by_what_took_its_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, cache = tmp_path / "in", ("--cache", tmp_path / "cache")
    folder.mkdir()
    rng = np.random.default_rng(3)
    row, column = np.mgrid[:96, :128]
    plain = 120 + 60 * np.sin(row / 9) * np.cos(column / 13)
    for name, bands in (("a_1", 3), ("b_2", 3), ("c_cir_3", 3), ("d_4", 1)):
        noise = rng.normal(0, 6, (96, 128, 1)) + rng.normal(0, 2, (96, 128, bands))
        pixels = np.clip(plain[..., None] + noise, 0, 255).astype(np.uint8)
        pixels = pixels[..., 0] if bands == 1 else pixels
        (folder / f"{name}.png").write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))
    (folder / "SOURCES.tsv").write_text(
        "name\twidth\tsensor\na_1\t128\tKite 0.1 m\nb_2.png\t128\tKite 2.5 m\n"
    )
    command = ("compare", folder, "--codec", "student", "--crop", 64, *cache)
    assert codec(*command, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    groups = found["codecs"]["student"]["groups"]
    sizes = {name: row["images"] for name, row in groups.items()}
    assert sizes == {
        "all": 4, "Kite": 2, "colour": 1, "infrared composite": 1, "one band": 1
    }  # fmt: skip
    means = [
        found["images"][n]["codecs"]["student"]["bd_rate_psnr_percent"] for n in ("a_1", "b_2")
    ]
    if None not in means:
        assert groups["Kite"]["bd_rate_psnr_percent"] == pytest.approx(sum(means) / 2, abs=1e-3)
    assert found["images"]["a_1"]["crop"] == {"column": 32, "row": 16, "width": 64, "height": 64}
    assert found["images"]["a_1"]["width"] == 64
    assert found["codecs"]["student"]["kmac_per_pixel"]["onboard"] <= 10
    for image in found["images"].values():
        sizes = [point["bytes"] for point in image["codecs"]["student"]["points"]]
        assert sizes == sorted(set(sizes))

    # Again: the same points, from the cache; and the table says what was left out.
    made = {path for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert codec(*command) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert {path for path in (tmp_path / "cache").rglob("*") if path.is_file()} == made
    assert "the middle 64 x 64 pixels of the larger pictures (4 of 4)" in text
    assert "worst group" in text
    assert "kMAC a pixel on board" in text
    assert codec("compare", folder, "--codec", "student", "--crop", -1) == 2
    assert "crop -1: allowed" in capsys.readouterr().err


def test_no_input_is_written_over(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coded, link = tmp_path / "a.png", tmp_path / "link"
    link.symlink_to(picture)
    assert codec("encode", picture, coded, "--codec", "jpegls", "--quality", 90) == 0
    student = tmp_path / "student.dp"
    assert codec("encode", picture, student, "--codec", "student", "--quality", 50) == 0
    kept = {path: path.read_bytes() for path in (picture, coded, student)}
    setting = ("--codec", "jpegls", "--quality", 90)
    scene = tmp_path / "scene.tif"
    assert codec("decode", coded, scene) == 0
    kept[scene] = scene.read_bytes()
    capsys.readouterr()
    for arguments in (
        ("encode", picture, picture, *setting),
        ("encode", picture, link, *setting),
        ("encode", link, tmp_path / "." / "in.png", *setting),
        ("decode", coded, coded),
        ("shrink", student, student, "--quality", 0),
        ("decode", coded, scene, "--like", scene),
    ):
        assert codec(*arguments) == 2
        error = capsys.readouterr().err
        assert "is the same file as" in error
        assert error.count("\n") == 1
    assert {path: path.read_bytes() for path in kept} == kept
