"""Every implementation of the shipped model against the others."""

from pathlib import Path

import pytest
from downpass.ground.training.verify import exactness
from downpass.ground.training.verify.exactness import CheckStatistics, DifferentError, check
from downpass.ground.training.verify.pictures import pictures, synthetic_pictures

SCENES = Path(__file__).parents[4] / "scenarios" / "scenes"


def test_all_implementations_write_the_same_bytes_of_real_and_of_synthetic_pictures():
    statistics = CheckStatistics()
    for name, pixels in synthetic_pictures(32):
        check(name, pixels, (60, 256), statistics)
    for number, (name, pixels) in enumerate(pictures([SCENES], 32)):
        check(name, pixels, (10 + 7 * number, 255 - 9 * number), statistics)
    assert statistics.pictures == 14
    assert statistics.streams == 2 * 14
    # Networks whose outputs hardly vary would agree without proving anything.
    assert len(statistics.values["latents"]) > 1000
    assert len(statistics.values["side"]) > 4
    assert len(statistics.values["log_scales"]) > 100
    assert len(statistics.values["pixels"]) == 256
    assert statistics.clipped > 1000
    assert statistics.ties > 1000


def test_a_difference_is_named(monkeypatch):
    torch_planes = exactness._synthesise_in_torch
    monkeypatch.setattr(
        exactness, "_synthesise_in_torch", lambda *values: torch_planes(*values) + 16
    )
    name, pixels = next(synthetic_pictures(16))
    with pytest.raises(DifferentError, match="noise: pixels of onnxruntime, 1 threads and torch"):
        check(name, pixels, (200,))


def test_the_command_reports_its_counts(capsys, tmp_path):
    scene = next(SCENES.glob("naip_santa*.tif"))
    assert exactness.main([str(scene), "--crop", "32", "--qualities", "1"]) == 0
    out = capsys.readouterr().out
    assert "9 pictures, 9 codestreams" in out
    assert "agree to the bit" in out
    assert exactness.main([str(tmp_path)]) == 2
    assert "no pictures" in capsys.readouterr().err
