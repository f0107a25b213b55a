import math
from itertools import pairwise

import numpy as np
import pytest
from downpass.ground.training.networks.scale_context import (
    SCALES,
    expected_magnitudes,
    groups,
    rounding_offsets,
)


def test_groups_cover_all_channels_and_look_back_only():
    for latents in (40, 128, 512):
        parts = groups(latents)
        assert parts[0].first == 0
        assert parts[-1].last == latents
        for before, after in pairwise(parts):
            assert before.last == after.first
        for part in parts[1:]:
            assert part.window <= part.first
            assert part.window & (part.window - 1) == 0


def test_expected_magnitudes():
    values = expected_magnitudes()
    assert values.shape == (SCALES,)
    assert np.all(np.diff(values) >= 0)
    # A wide logistic has mean magnitude 2 s ln 2.
    assert values[7 * 8] == pytest.approx(2 * 8 * math.log(2), rel=1e-3)
    # A narrow one is 1 with the chance that it is not 0: 2 / (1 + e^(0.5 / s)).
    assert values[0] == pytest.approx(2 / (1 + math.exp(8)), rel=1e-3)


def test_the_dead_zone_is_wide_where_ones_are_rare():
    offsets = rounding_offsets()
    assert np.all((offsets >= 0.199) & (offsets <= 0.5))
    assert offsets[-1] == pytest.approx(0.5, abs=0.01)
    assert offsets[0] < offsets[40] < 0.5
