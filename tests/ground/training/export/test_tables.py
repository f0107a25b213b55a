import numpy as np
from downpass.ground.training.export.tables import (
    TABLES,
    _latent_tables,
    integer_frequencies,
    low_bits,
    split_symbols,
)
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.floats(1e-9, 1), min_size=2, max_size=300))
def test_frequencies_are_positive_and_sum_to_the_total(weights):
    got = integer_frequencies(np.array(weights))
    assert got.min() >= 1
    assert got.sum() == 2**16


@given(st.integers(-(2**17), 2**17), st.integers(0, 120))
def test_split_symbols_join(symbol, index):
    symbols, indices = np.array([symbol]), np.array([index])
    high, low, table = split_symbols(symbols, indices)
    assert 0 <= table[0] < TABLES
    assert 0 <= low[0] < 2 ** int(low_bits(indices)[0])
    bits = int(low_bits(indices)[0])
    half = 1 << (bits - 1) if bits else 0
    assert (int(high[0]) << bits) + int(low[0]) - half == symbol


def test_low_bits_by_hand():
    assert low_bits(np.array([0, 64, 65, 72, 73, 120])).tolist() == [0, 0, 1, 1, 2, 7]


def test_tables_without_counts_are_logistic():
    tables, starts = _latent_tables(np.zeros((TABLES, 1025)), 512)
    middle = tables[starts[32] : starts[33]] / 2**16  # scale 1
    reach = (middle.size - 2) // 2
    assert abs(middle[reach] - (1 / (1 + np.exp(-0.5)) - 1 / (1 + np.exp(0.5)))) < 1e-3
    assert middle[reach + 1] == middle[reach - 1]
    narrow = tables[starts[0] : starts[1]] / 2**16
    assert narrow.max() > 0.999


def test_counts_shape_the_tables():
    counts = np.zeros((TABLES, 1025))
    counts[32, 512 - 1] = 1e7  # signs are alike, so +1 follows
    tables, starts = _latent_tables(counts, 512)
    row = tables[starts[32] : starts[33]]
    reach = (row.size - 2) // 2
    assert row[reach + 1] > 0.49 * 2**16
    assert row[reach + 1] == row[reach - 1]
