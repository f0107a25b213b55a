import pytest
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.complexity import complexity
from downpass.ground.training.networks.shape import CodecShape


def test_hand_count_of_the_shipped_shape():
    parts = complexity(Codec(CodecShape()))
    fine, middle, coarse = 48, 96, 192
    analysis = (
        # along rows and along columns, 8 x 8 products for 16 pixels of each of three planes
        2 * 3 * 8 * 8 / 16
        + (768 * 640) / 256
        + (48 * fine + 9 * fine + fine * fine) / 16
        + (4 * fine * middle + 9 * middle + middle * middle) / 64
        + (4 * middle * coarse + 9 * coarse + coarse * coarse + coarse * 640) / 256
    )
    assert parts["analysis"] == pytest.approx(analysis)
    hyper = (
        640 * 64 / 256
        + (4 * 64 * 64 + 64 * 12) / 1024
        + (12 * 64 + 9 * 64 + 64 * 256) / 1024
        + 64 * 640 / 256
    )
    assert parts["hyper"] == pytest.approx(hyper)
    assert parts["onboard"] == pytest.approx(
        9 + parts["analysis"] + parts["hyper"] + parts["context"]
    )
    assert parts["onboard"] <= 4200
    assert parts["synthesis"] <= 150_000


def test_the_size_of_the_picture_does_not_matter():
    codec = Codec(CodecShape(latents=64, synthesis=(8, 8)))
    assert complexity(codec, 64) == complexity(codec, 128)
