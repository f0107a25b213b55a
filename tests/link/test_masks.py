from __future__ import annotations

import zlib

import numpy as np
import pytest
from downpass.link.container import masks, varint
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=60)))
def test_a_mask_comes_back(mask: NDArray[np.bool_]) -> None:
    data = masks.pack(mask) + b"the tile"
    assert not masks.is_by_band(data)
    back, end = masks.unpack(data, *mask.shape)
    assert np.array_equal(back[..., 0], mask)
    assert data[end:] == b"the tile"


@given(arrays(np.bool_, array_shapes(min_dims=3, max_dims=3, max_side=20)))
def test_masks_of_bands_come_back(mask: NDArray[np.bool_]) -> None:
    data = masks.pack(mask) + b"the tile"
    alike = (mask == mask[..., :1]).all()
    assert masks.is_by_band(data) == (not alike)
    back, end = masks.unpack(data, *mask.shape)
    assert back.shape[2] == (1 if alike else mask.shape[2])
    assert np.array_equal(np.broadcast_to(back, mask.shape), mask)
    assert data[end:] == b"the tile"
    if alike:  # what bands share costs no more than one of them
        assert masks.pack(mask) == masks.pack(mask[..., 0])


@given(st.binary(max_size=60), st.integers(1, 40), st.integers(1, 40))
def test_random_bytes_are_a_mask_or_refused(data: bytes, rows: int, columns: int) -> None:
    try:
        back, end = masks.unpack(data, rows, columns, 2)
    except ValueError:
        return
    assert back.shape[:2] == (rows, columns)
    assert end <= len(data)


def test_the_edge_of_a_swath_costs_little() -> None:
    rows, columns = np.mgrid[:512, :512]
    assert len(masks.pack(rows // 3 > columns)) < 250  # 32,768 as plain bits
    assert masks.pack(np.zeros((512, 512), np.bool_)) == b"\x00"
    assert masks.pack(np.ones((512, 512), np.bool_)) == b"\x01"


def test_a_mask_that_inflates_without_end_is_refused() -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeeze.compress(bytes(50_000_000)) + squeeze.flush()
    back, _ = masks.unpack(b"\x02" + varint.pack(len(bomb)) + bomb, 8, 8)
    assert not back.any()  # no more than the eight bytes of the tile were inflated
    with pytest.raises(ValueError, match="8 x 800000000"):
        masks.unpack(b"\x02" + varint.pack(len(bomb)) + bomb, 8, 800_000_000)
