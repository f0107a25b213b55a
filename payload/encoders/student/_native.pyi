from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

def write_tile(
    model: Sequence[Any],
    gain: NDArray[Any],
    rounding: NDArray[Any],
    rows: int,
    columns: int,
    y: NDArray[Any],
    scales: NDArray[Any],
    side: NDArray[Any],
) -> bytes: ...
def write_cells(
    pixels: NDArray[Any],
    rows: int,
    columns: int,
    matrix: NDArray[Any],
    copies: int,
    entering: NDArray[Any],
    high: NDArray[Any],
    low: NDArray[Any],
) -> None: ...
