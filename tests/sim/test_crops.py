import pytest
from downpass.sim.frames.crops import concealed
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
