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
def join(
    rows: int,
    columns: int,
    branch: NDArray[Any],
    high: NDArray[Any],
    low: NDArray[Any],
    scale: NDArray[Any],
    y: NDArray[Any],
    sizes: NDArray[Any],
) -> None: ...
def transpose(
    given: NDArray[Any], channels: int, low: int, high: int, out: NDArray[Any]
) -> None: ...
