import numpy as np
import pytest
from downpass.ground.training.loop.rd_curve import RdCurve, anchor_curve, compare, monotone, psnr

RATES = np.array([0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0])
ANCHOR = RdCurve(tuple(RATES), tuple(30 + 3 * np.log2(RATES / 0.1)))


def test_half_the_rate_is_minus_fifty_per_cent():
    result = compare(ANCHOR, RdCurve(tuple(RATES / 2), ANCHOR.psnr_db))
    assert result.percent == pytest.approx(-50)
    assert result.coverage == pytest.approx(1.0)


def test_the_same_curve_is_nothing():
    assert compare(ANCHOR, ANCHOR).percent == pytest.approx(0.0)


def test_coverage_counts_the_anchors_range():
    low, high = 30.0, 30 + 3 * np.log2(15)
    half = (low + high) / 2
    kept = [i for i, q in enumerate(ANCHOR.psnr_db) if q <= half]
    part = RdCurve(tuple(RATES[kept]), tuple(ANCHOR.psnr_db[i] for i in kept))
    expected = (part.psnr_db[-1] - low) / (high - low)
    assert compare(ANCHOR, part).coverage == pytest.approx(expected)


def test_curves_that_do_not_meet():
    far = RdCurve((0.1, 1.0), (60.0, 70.0))
    result = compare(ANCHOR, far)
    assert np.isnan(result.percent)
    assert result.coverage == 0


def test_points_that_a_cheaper_one_beats_are_dropped():
    curve = monotone([1.0, 0.5, 0.7], [40.0, 30.0, 29.0])
    assert curve == RdCurve((0.5, 1.0), (30.0, 40.0))


def test_psnr_by_hand():
    assert psnr(np.zeros((2, 2)), np.full((2, 2), 255.0)) == pytest.approx(0.0)
    assert psnr(np.zeros(4), np.zeros(4)) == np.inf


def test_the_anchor_is_jpeg_2000(scenery):
    curve = anchor_curve(scenery(1, 64, 64))
    assert list(curve.bpp) == sorted(curve.bpp)
    assert list(curve.psnr_db) == sorted(curve.psnr_db)
    assert curve.psnr_db[-1] > 45
