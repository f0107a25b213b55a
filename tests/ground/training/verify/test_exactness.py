"""Integers back in torch, and every implementation of the shipped model against the others."""

from pathlib import Path

import numpy as np
import pytest
import torch
from downpass.ground.training.export.extract import extract
from downpass.ground.training.export.integer_networks import IntegerNetworks
from downpass.ground.training.networks.calibrate import put_on_grids
from downpass.ground.training.verify import exactness
from downpass.ground.training.verify.exactness import CheckStatistics, DifferentError, check
from downpass.ground.training.verify.pictures import pictures, synthetic_pictures
from downpass.ground.training.verify.shipped_codec import (
    NETWORKS,
    from_integers,
    shipped_arrays,
    shipped_shape,
)
from downpass.link.errors import InputError

from ..conftest import TINY

SCENES = Path(__file__).parents[4] / "scenarios" / "scenes"


def of_networks(arrays):
    return {name: array for name, array in arrays.items() if name.startswith(NETWORKS)}


def same_networks(arrays, expected):
    arrays, expected = of_networks(arrays), of_networks(expected)
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_what_is_extracted_comes_back_and_can_be_extracted_again(tiny, sampler):
    put_on_grids(tiny, sampler, batches=2)
    arrays = extract(tiny)
    restored = from_integers(arrays, TINY)
    assert restored.on_grids
    same_networks(extract(restored), arrays)
    planes = np.random.default_rng(1).integers(-300, 300, (3, 32, 48))
    with torch.no_grad():
        latents = restored.analysis(torch.from_numpy(planes[None] / 2).float())[0] * 16
    np.testing.assert_array_equal(latents.numpy(), IntegerNetworks(arrays).analyse(planes))


def test_the_shipped_integers_keep_the_bound_and_come_back_whole():
    # `extract` refuses a channel that float32 might not add exactly.
    same_networks(extract(from_integers(shipped_arrays(), shipped_shape())), shipped_arrays())


def test_integers_of_another_grid_are_refused(tiny, sampler):
    put_on_grids(tiny, sampler, batches=1)
    arrays = extract(tiny)
    arrays["hyper.analysis_in.clip"] = np.array([0, 63], np.int32)
    with pytest.raises(ValueError, match=r"analysis_in clips to \[0, 63\]"):
        from_integers(arrays, TINY)


def test_four_implementations_write_the_same_bytes_of_real_and_of_synthetic_pictures():
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


def test_pictures_need_a_block(tmp_path):
    import imagecodecs

    (tmp_path / "small.png").write_bytes(imagecodecs.png_encode(np.zeros((9, 40), np.uint8)))
    with pytest.raises(InputError, match="smaller than 16 x 16"):
        list(pictures([tmp_path], 64))
