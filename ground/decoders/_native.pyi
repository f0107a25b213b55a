from typing import Any

from numpy.typing import NDArray

Layer = tuple[NDArray[Any], NDArray[Any], NDArray[Any], int, int]

def variants() -> list[str]: ...
def make_network(
    variant: str,
    qualities: int,
    depth: tuple[int, int, int],
    linear: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    layers: tuple[Layer, ...],
    moves: tuple[tuple[int, int, int], ...],
    tables: tuple[NDArray[Any], ...],
) -> Any: ...
def synthesise(
    network: Any,
    latents: NDArray[Any],
    rows: int,
    columns: int,
    quality: int,
    matrix: NDArray[Any],
    pixels: NDArray[Any],
) -> None: ...
