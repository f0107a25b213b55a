"""Requantisation of student frames, from their bitstreams alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from downpass.ground.decoders import decode
from downpass.ground.quality import psnr
from downpass.link.container.bitstream import pack, read_header, unpack, with_description, without
from downpass.link.container.description import Description
from downpass.link.container.frame import Frame
from downpass.link.container.header import FrameHeader
from downpass.link.errors import BitstreamError, InputError
from downpass.payload.encoders.base import RateError, Setting
from downpass.payload.encoders.registry import encoder
from downpass.payload.encoders.student import shrink as module
from downpass.payload.encoders.student import student_model
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.encoders.student.shrink import shrink
from hypothesis import given, settings
from hypothesis import strategies as st

from .frames import AERIAL, SATELLITE, real


@pytest.fixture(scope="module")
def frame() -> Frame:
    return real(AERIAL, 160)


@pytest.fixture(scope="module")
def fine(frame: Frame) -> bytes:
    return StudentEncoder(64).encode(frame, Setting(bpp=2))


def without_rates(bitstream: bytes) -> FrameHeader:
    return replace(read_header(bitstream)[0], parameter=0)


@pytest.mark.parametrize("bpp", [1.5, 1.0, 0.5, 0.25])
def test_a_budget_is_met_and_the_ground_decodes_the_frame(
    frame: Frame, fine: bytes, bpp: float
) -> None:
    small = shrink(fine, Setting(bpp=bpp))
    budget = int(bpp * frame.width * frame.height / 8)
    assert 0.93 * budget < len(small) <= budget
    assert without_rates(small) == without_rates(fine)
    decoded = decode(small)
    assert decoded.lost_tiles == ()
    assert psnr(frame, decode(fine).frame) > psnr(frame, decoded.frame) > 24


def test_a_quarter_of_the_bytes_costs_little_against_coding_at_that_rate(frame: Frame) -> None:
    # Bits at equal PSNR; benchmarks/shrink.py measures the same on the test pictures.
    codec = StudentEncoder(0)
    small = shrink(codec.encode(frame, Setting(bpp=2)), Setting(bpp=0.5))
    prepared = codec.prepare(frame)
    seen = psnr(frame, decode(small).frame)
    direct = prepared.encode(Setting(bytes=round(len(small) / 1.1)))
    assert psnr(frame, decode(direct).frame) < seen


def test_no_network_of_the_analysis_runs(fine: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the analysis network ran")

    monkeypatch.setattr(student_model.StudentModel, "analyse", refuse)
    assert len(shrink(fine, Setting(quality=20))) < len(fine)


@given(st.integers(0, 100), st.one_of(st.integers(0, 100), st.integers(1500, 9000)))
@settings(max_examples=25, deadline=None)
def test_a_frame_never_becomes_larger(quality: int, target: int) -> None:
    frame = real(AERIAL, 96)
    given_stream = StudentEncoder(48).encode(frame, Setting(quality=quality))
    setting = Setting(quality=target) if target <= 100 else Setting(bytes=target)
    made = shrink(given_stream, setting)
    assert len(made) <= len(given_stream)
    assert decode(made).lost_tiles == ()
    if target > 100:
        assert len(made) <= max(target, 0) or made == given_stream
    assert shrink(made, setting) == made


def test_the_same_quality_and_more_change_nothing(fine: bytes) -> None:
    assert shrink(fine, Setting(quality=100)) == fine
    assert shrink(fine, Setting(bytes=len(fine))) == fine
    assert shrink(fine, Setting(bytes=len(fine) - 1)) != fine


def test_masks_scales_rotations_and_description_stay() -> None:
    pixels = real(SATELLITE, 96, 4, 16).pixels.copy()
    pixels[:50, :60] = 0
    pixels[70:, 80:] = 0
    frame = Frame(pixels, 16, nodata=0)
    description = Description(crs="EPSG:32631").pack()
    stream = with_description(StudentEncoder(48).encode(frame, Setting(quality=80)), description)
    small = shrink(stream, Setting(quality=30))
    assert len(small) < 0.6 * len(stream)
    assert without_rates(small) == without_rates(stream)
    before, after = decode(stream).frame.nodata_mask(), decode(small).frame.nodata_mask()
    assert before is not None
    assert after is not None
    assert np.array_equal(before, after)


def test_threads_and_memory_change_no_byte(fine: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shrink(fine, Setting(bpp=0.4))
    assert shrink(fine, Setting(bpp=0.4), threads=3) == made
    monkeypatch.setattr(module, "_MOST_KEPT", 0)
    assert shrink(fine, Setting(bpp=0.4)) == made


def test_a_budget_that_cannot_be_met_is_refused(fine: bytes) -> None:
    with pytest.raises(RateError, match="budget of 100 bytes"):
        shrink(fine, Setting(bytes=100))
    with pytest.raises(InputError, match="never lossless"):
        shrink(fine, Setting.parse("lossless"))


def test_foreign_and_damaged_frames_are_refused_in_one_line(frame: Frame, fine: bytes) -> None:
    small = Setting(quality=10)
    foreign = encoder("jpeg2000", 64).encode(frame, Setting(bpp=1))
    other = pack(replace(read_header(fine)[0], fingerprint=b"12345678"), [b"x"] * 9)
    for data, words in (
        (b"no frame", "begins with 6e6f: a downpass frame"),
        (fine[:-7], "1 of 9 tiles are missing or damaged"),
        (without(fine, [2, 4]), "2 of 9 tiles are missing or damaged"),
        (fine + b"x", "1 bytes follow"),
        (foreign, "codec jpeg2000: only frames of codec student"),
        (other, "model 3132333435363738"),
    ):
        with pytest.raises(BitstreamError, match=words) as caught:
            shrink(data, small)
        assert "\n" not in str(caught.value)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_hostile_codestreams_are_refused_or_become_frames(data: st.DataObject) -> None:
    # The CRCs fit, so the entropy decoder gets what an attacker writes.
    container = unpack(HOSTILE)
    payloads = [bytearray(payload or b"") for payload in container.payloads]
    for payload in payloads:
        for _ in range(data.draw(st.integers(0, 3))):
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    stream = pack(container.header, [bytes(payload) for payload in payloads])
    try:
        made = shrink(stream, Setting(quality=data.draw(st.integers(0, 60))))
    except BitstreamError as error:
        assert "\n" not in str(error)
        return
    assert len(made) <= len(stream)
    assert decode(made).lost_tiles == ()


HOSTILE = StudentEncoder(32).encode(real(AERIAL, 64), Setting(quality=70))


def test_the_command(tmp_path: Path, fine: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    from downpass.sim.cli import main

    path, out = tmp_path / "fine.dpf", tmp_path / "small.dpf"
    path.write_bytes(fine)
    assert main(["codec", "shrink", str(path), str(out), "--bpp", "0.5"]) == 0
    assert out.read_bytes() == shrink(fine, Setting(bpp=0.5))
    assert f"of {len(fine)} bytes, 0." in capsys.readouterr().out
    path.write_bytes(fine[:-5])
    out.unlink()
    assert main(["codec", "shrink", str(path), str(out), "--bpp", "0.5"]) == 2
    assert f"{path}: 1 of 9 tiles are missing" in capsys.readouterr().err
    assert not out.exists()
