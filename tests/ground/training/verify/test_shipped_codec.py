"""Integers back in torch."""

import numpy as np
import pytest
import torch
from downpass.ground.training.export.extract import extract
from downpass.ground.training.export.integer_networks import IntegerNetworks
from downpass.ground.training.networks.calibrate import put_on_grids
from downpass.ground.training.verify.shipped_codec import (
    NETWORKS,
    from_integers,
    shipped_arrays,
    shipped_shape,
)

from ..conftest import TINY


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
