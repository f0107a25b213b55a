import numpy as np
import pytest
from downpass.ground.training.export import int8_graphs
from downpass.ground.training.export.extract import LARGEST_SHIFT, extract, limit_shifts
from downpass.ground.training.networks.calibrate import put_on_grids
from downpass.link.inference import open_session
from downpass.payload.encoders.student.int8_graphs import is_exact
from downpass.payload.encoders.student.student_model import FOLDER
from hypothesis import given
from hypothesis import strategies as st


def rounded(sums, shift):
    """As `QLinearConv` does: in float32, to the nearest, ties to even, saturated."""
    scale = np.float32(2.0**-shift * int8_graphs.LIFT)
    return np.clip(np.rint(sums.astype(np.float32) * scale), 0, 255)


@pytest.mark.parametrize("shift", range(LARGEST_SHIFT + 1))
def test_a_lifted_scale_rounds_as_the_networks_do(shift):
    # Every sum from below zero to beyond saturation, or a window around every edge.
    if shift <= 11:
        sums = np.arange(-(2**shift) * 3, 258 << shift)
    else:
        edges = (np.arange(-2, 258)[:, None] << shift) + (1 << shift >> 1)
        sums = (edges + np.arange(-40, 41)).ravel()
    wanted = np.clip((sums + (1 << shift >> 1)) >> shift, 0, 255)
    np.testing.assert_array_equal(rounded(sums, shift), wanted)
    if shift:
        plain = np.rint(sums.astype(np.float32) * np.float32(2.0**-shift))
        assert np.any(np.clip(plain, 0, 255) != wanted)  # what the lift is for


@given(st.integers(-(2**24), 2**24), st.integers(0, LARGEST_SHIFT))
def test_no_sum_is_rounded_otherwise(value, shift):
    wanted = min(max((value + (1 << shift >> 1)) >> shift, 0), 255)
    assert rounded(np.array([value]), shift)[0] == wanted


def test_channels_of_tiny_weights_are_coarsened(tiny, sampler):
    put_on_grids(tiny, sampler, batches=2)
    layer = tiny.hyper.analysis_in
    layer.weight_fraction[3] = (
        LARGEST_SHIFT + 2 + tiny.hyper.grid_in.fraction - layer.input_fraction
    )
    with pytest.raises(ValueError, match=f"after shifts up to {LARGEST_SHIFT + 2}"):
        int8_graphs.side_graph(extract(tiny))
    before = extract(tiny)
    limit_shifts(tiny)
    after = extract(tiny)
    shift = after["hyper.analysis_in.shift"]
    assert shift[3] == LARGEST_SHIFT
    others = np.arange(shift.size) != 3
    for name, array in before.items():
        if name.startswith("hyper.analysis_in.") and not name.endswith(".clip"):
            np.testing.assert_array_equal(after[name][others], array[others])
        else:
            np.testing.assert_array_equal(after[name], array)
    int8_graphs.side_graph(after)


def test_layers_that_give_no_bytes_are_refused(tiny, sampler):
    put_on_grids(tiny, sampler, batches=2)
    arrays = extract(tiny)
    arrays["analysis.enter.clip"] = np.array([-128, 127], np.int32)
    with pytest.raises(ValueError, match=r"analysis\.enter: clipped to -128…127"):
        int8_graphs.encoder_graph(arrays)


def test_the_probe_sees_what_the_kernels_add():
    probe = open_session(int8_graphs.probe_graph())
    given = np.full((1, 8, 8, 64), 255, np.uint8)
    product = probe.run(["product"], {"bytes": given})[0]
    # A pair of products is 2 · 255 · 127, twice what 16 bits hold: saturating sums are far off.
    assert np.all(product == 64 * 255 * 127) == is_exact(FOLDER)
