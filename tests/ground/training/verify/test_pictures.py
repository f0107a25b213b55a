"""Pictures for the exactness check."""

import numpy as np
import pytest
from downpass.ground.training.verify.pictures import pictures, synthetic_pictures
from downpass.link.errors import InputError


def test_pictures_need_a_block(tmp_path):
    import imagecodecs

    (tmp_path / "small.png").write_bytes(imagecodecs.png_encode(np.zeros((9, 40), np.uint8)))
    with pytest.raises(InputError, match="smaller than 16 x 16"):
        list(pictures([tmp_path], 64))


def test_synthetic_pictures_are_the_same_for_a_seed_and_whole_blocks():
    for (name, pixels), (again, repeated) in zip(
        synthetic_pictures(32), synthetic_pictures(32), strict=True
    ):
        assert name == again
        np.testing.assert_array_equal(pixels, repeated)
        assert pixels.shape == (32, 32, 3)
        assert pixels.dtype == np.uint8


def test_a_picture_is_cropped_about_its_centre(tmp_path):
    import imagecodecs

    ramp = np.arange(40, dtype=np.uint8)[:, None] + np.zeros((1, 56), np.uint8)
    (tmp_path / "ramp.png").write_bytes(imagecodecs.png_encode(ramp))
    [(name, pixels)] = pictures([tmp_path], 32)
    assert name == "ramp.png"
    assert pixels.shape == (32, 32, 3)
    assert pixels[:, 0, 0].tolist() == list(range(4, 36))
