from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

def start(data: bytes) -> Any: ...
def read_side(
    reader: Any, tables: Sequence[Any], rows: int, columns: int, side: NDArray[Any]
) -> str | None: ...
def read_latents(
    reader: Any,
    tables: Sequence[Any],
    gain: NDArray[Any],
    rows: int,
    columns: int,
    log_scales: NDArray[Any],
    latents: NDArray[Any],
) -> str | None: ...
def ends(reader: Any) -> bool: ...
