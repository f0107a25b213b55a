from typing import Any

from numpy.typing import NDArray

Layer = tuple[NDArray[Any], NDArray[Any], NDArray[Any], int, int]

def variants() -> list[str]: ...
def make_network(
    variant: str,
    qualities: int,
    depth: tuple[int, int, int],
    linear: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    postfilter: NDArray[Any] | None,
    layers: tuple[Layer, ...],
    moves: tuple[tuple[int, int, int], ...],
    tables: tuple[NDArray[Any], ...],
) -> Any: ...
def synthesise(
    network: Any,
    latents: NDArray[Any],
    rows: int,
    columns: int,
    joined_rows: NDArray[Any],
    joined_columns: NDArray[Any],
    quality: int,
    matrix: NDArray[Any],
    pixels: NDArray[Any],
) -> None: ...
