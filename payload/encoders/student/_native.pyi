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
def variants() -> list[str]: ...
def make_networks(
    variant: str,
    layers: tuple[tuple[NDArray[Any], NDArray[Any], NDArray[Any], int, int], ...],
    spread: NDArray[Any],
    prefilter: NDArray[Any] | None = None,
) -> Any: ...
def analyse(
    networks: Any,
    pixels: NDArray[Any],
    rows: int,
    columns: int,
    bands: int,
    matrix: NDArray[Any],
    latents: NDArray[Any],
    side: NDArray[Any],
) -> None: ...
def find_scales(
    networks: Any, side: NDArray[Any], rows: int, columns: int, log_scales: NDArray[Any]
) -> None: ...
