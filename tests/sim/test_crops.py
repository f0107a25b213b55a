import numpy as np
import pytest
from downpass.link.container.frame import Frame
from downpass.sim.frames.crops import _stretched, concealed
from downpass.sim.results.grade import Grade


@pytest.mark.parametrize(
    ("tiles", "lost", "undecodable", "text"),
    [
        (4, 0, 0, ""),
        (4, 1, 0, " 1 of its 4 tiles was lost and is concealed."),
        (9, 3, 0, " 3 of its 9 tiles were lost and are concealed."),
        (4, 0, 1, " 1 of its 4 tiles cannot be decoded and is concealed."),
        (4, 1, 2, " 3 of its 4 tiles were lost or cannot be decoded and are concealed."),
    ],
)
def test_the_text_of_a_picture_says_what_the_ground_made_up(tiles, lost, undecodable, text):
    grade = Grade(30.0, 0.9, tiles, lost, undecodable_tiles=undecodable)
    assert concealed(grade) == text


@pytest.mark.parametrize("inverse", [False, True])
def test_samples_without_data_are_black_in_either_direction(inverse):
    pixels = np.repeat(np.arange(20, dtype=np.uint8), 20).reshape(20, 20, 1)
    frame = Frame(pixels, 8, nodata=19)
    original, delivered = _stretched(frame, frame, (0, 0, 0), inverse)
    assert np.array_equal(original, delivered)
    assert (original[19] == 0).all()
    rows = original[:19, 0, 0].astype(int)
    assert (rows[0], rows[18]) == ((255, 0) if inverse else (0, 255))
    assert (np.diff(rows) <= 0).all() if inverse else (np.diff(rows) >= 0).all()
