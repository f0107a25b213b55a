import numpy as np
import pytest
import torch
from downpass.ground.training.data.colour import (
    IDENTITY,
    rotation_matrix,
    to_pixels,
    to_planes,
)
from downpass.ground.training.export import int8_graphs
from downpass.ground.training.export.extract import NotExactError, extract
from downpass.ground.training.export.float32_graphs import decoder_graph, encoder_graph, hyper_graph
from downpass.ground.training.export.integer_networks import IntegerNetworks, shift_round
from downpass.ground.training.export.training_tiles import analyse_tile
from downpass.ground.training.networks.calibrate import put_on_grids
from downpass.link.inference import open_session
from downpass.link.student.lapped import POSTFILTER, PREFILTER, weights_of
from downpass.payload.encoders.student import int8_graphs as onboard
from downpass.payload.encoders.student.pixel_blocks import planes_of
from downpass.payload.encoders.student.student_model import FOLDER

ROTATION = (104, -43, 28, 52)
SHAPES = [(64, 64), (48, 80), (16, 16), (16, 48)]


@pytest.fixture
def on_grids(tiny, sampler):
    put_on_grids(tiny, sampler, batches=2)
    return tiny


def pictures(scenery):
    rng = np.random.default_rng(0)
    for height, width in SHAPES:
        yield scenery(height, height, width)
        yield rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    yield np.zeros((32, 32, 3), np.uint8)
    yield np.full((32, 32, 3), 255, np.uint8)
    checks = (np.indices((48, 48)).sum(axis=0) % 2 * 255).astype(np.uint8)
    yield np.repeat(checks[..., None], 3, axis=2)


def test_torch_numpy_and_onnx_agree_to_the_bit(on_grids, scenery, tmp_path):
    arrays = extract(on_grids)
    networks = IntegerNetworks(arrays)
    encoder, hyper = open_session(encoder_graph(arrays)), open_session(hyper_graph(arrays))
    decoder = open_session(decoder_graph(arrays))
    graphs = {
        "encoder": int8_graphs.encoder_graph,
        "side": int8_graphs.side_graph,
        "hyper": int8_graphs.hyper_graph,
    }
    for name, graph in graphs.items():
        (tmp_path / f"{name}_int8.onnx").write_bytes(graph(arrays))
    spread = np.exp2(-arrays["hyper.spread_shift"].astype(np.float32))
    outputs = []
    for pixels in pictures(scenery):
        rows, columns = pixels.shape[0] // 16, pixels.shape[1] // 16
        matrix = rotation_matrix(ROTATION)
        planes = to_planes(pixels, matrix)
        latents = networks.analyse(planes)
        side = networks.side(latents)
        scales = networks.log_scales(side, rows, columns)

        tile = analyse_tile(on_grids, torch.from_numpy(planes[None] / 2).float(), 0)
        np.testing.assert_array_equal(tile.latents, latents)
        np.testing.assert_array_equal(tile.side, side)
        np.testing.assert_array_equal(tile.log_scales, scales)

        rotation = matrix.astype(np.int32)
        onboard_planes = planes_of(pixels, rotation, weights_of(arrays, PREFILTER))
        from_onnx = encoder.run(None, {"planes": onboard_planes})
        np.testing.assert_array_equal(from_onnx[0], latents)
        np.testing.assert_array_equal(from_onnx[1], side)
        got = hyper.run(None, {"side": from_onnx[1]})[0]
        np.testing.assert_array_equal(got[:, :rows, :columns], scales)
        if onboard.is_exact(FOLDER):  # on every processor with VNNI or dot products
            fast = onboard.analyse(tmp_path, onboard_planes, spread, 1)
            np.testing.assert_array_equal(fast[0], latents)
            np.testing.assert_array_equal(fast[1], side)
            got = onboard.log_scales(tmp_path, fast[1], 1)
            np.testing.assert_array_equal(got[:, :rows, :columns], scales)

        for quality in (0, 131, 256):
            coded = latents // 7 * 7  # as a quantiser might leave them
            decoded = networks.synthesise(coded, quality)
            feed = {"latents": coded.astype(np.int32), "quality": np.array(quality)}
            feed["rotation"] = rotation
            feed |= {"joined_rows": np.ones(rows - 1, np.uint8)}
            feed |= {"joined_columns": np.ones(columns - 1, np.uint8)}
            np.testing.assert_array_equal(decoder.run(None, feed)[0], to_pixels(decoded, matrix, 4))
            out = on_grids.synthesis(
                torch.from_numpy(coded[None] / 16).float(), torch.tensor([quality / 256])
            )
            np.testing.assert_array_equal(out[0].detach().numpy() * 16, decoded)
            outputs.append(decoded)
        outputs.append(side)
        outputs.append(scales)
    # Networks whose outputs hardly vary would agree without proving anything.
    assert np.std(outputs[-1]) > 3
    assert len(np.unique(np.concatenate([o.ravel() for o in outputs[3::5]]))) > 3


def test_the_branches_matter(on_grids, scenery):
    arrays = extract(on_grids)
    planes = to_planes(scenery(1, 64, 64), rotation_matrix(IDENTITY))
    latents = IntegerNetworks(arrays).analyse(planes)
    silent = dict(arrays)
    silent["analysis.leave.weight"] = np.zeros_like(arrays["analysis.leave.weight"])
    assert np.mean(IntegerNetworks(silent).analyse(planes) != latents) > 0.5
    decoded = IntegerNetworks(arrays).synthesise(latents, 100)
    assert np.mean(IntegerNetworks(arrays).synthesise(latents, 30) != decoded) > 0.05
    silent["synthesis.leave.weight"] = np.zeros_like(arrays["synthesis.leave.weight"])
    assert np.mean(IntegerNetworks(silent).synthesise(latents, 100) != decoded) > 0.5


def test_a_channel_that_breaks_the_bound_is_refused(on_grids):
    layer = on_grids.synthesis.below[0].second
    with torch.no_grad():
        layer.weight[2] = 1.0
        layer.weight_fraction[2] = 6
        layer.input_largest = 2**18
    with pytest.raises(NotExactError, match=r"below\.0\.second: channel 2"):
        extract(on_grids)


@pytest.mark.parametrize("weight", [8, -8, 20.5], ids=str)
def test_a_filter_that_leaves_16_bits_is_refused(on_grids, weight):
    with torch.no_grad():
        on_grids.analysis.prefilter.weight[2, 3] = weight
    with pytest.raises(ValueError, match=r"prefilter has magnitudes of up to 32768 .* are 32767"):
        extract(on_grids)


def test_a_codec_of_separate_blocks_has_no_filters(tiny, sampler):
    with torch.no_grad():
        for part in (tiny.analysis.prefilter, tiny.synthesis.postfilter):
            part.weight.copy_(torch.eye(8))
    put_on_grids(tiny, sampler, batches=1)
    assert not {PREFILTER, POSTFILTER} & extract(tiny).keys()


def test_a_float_codec_is_refused(tiny):
    with pytest.raises(ValueError, match="not on its grids"):
        extract(tiny)


def test_shift_round_by_hand():
    values = np.array([5, 6, -5, -6, 7])
    assert shift_round(values, 2).tolist() == [1, 2, -1, -1, 2]
    assert shift_round(values, 0).tolist() == values.tolist()
    assert shift_round(values, -1).tolist() == [10, 12, -10, -12, 14]
