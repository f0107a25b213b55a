"""A sequence of accesses that takes 80 bytes each instead of 400."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray

from .access import Access

_FIELDS = tuple(field.name for field in fields(Access))
_WHOLE = {"satellite", "target"}


class AccessList(Sequence[Access]):
    """Accesses, kept as columns: a constellation has millions, and few are looked at at once.

    An `Access` is made when it is asked for.
    """

    __slots__ = ("_columns",)

    def __init__(self, columns: Sequence[NDArray[np.generic]]) -> None:
        """Take one column for each field of `Access`, in their order and of equal lengths."""
        self._columns = tuple(columns)

    @classmethod
    def of(cls, accesses: Iterable[Access]) -> Self:
        """Return the list of accesses."""
        rows = list(accesses)
        return cls(
            [
                np.array(
                    list(map(attrgetter(name), rows)),
                    dtype=np.int32 if name in _WHOLE else np.float64,
                )
                for name in _FIELDS
            ]
        )

    @classmethod
    def joined(cls, lists: Sequence[AccessList]) -> Self:
        """Return several lists, one after the other, as one."""
        if not lists:
            return cls.of(())
        columns = zip(*(one._columns for one in lists), strict=True)
        return cls([np.concatenate(parts) for parts in columns])

    def column(self, name: str) -> NDArray[np.generic]:
        """Return a field of all accesses, shape ``(n,)``."""
        return self._columns[_FIELDS.index(name)]

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, index: int) -> Access: ...
    @overload
    def __getitem__(self, index: slice) -> AccessList: ...
    def __getitem__(self, index: int | slice) -> Access | AccessList:
        if isinstance(index, slice):
            return AccessList([column[index] for column in self._columns])
        return Access(*(column[index].item() for column in self._columns))

    def __iter__(self) -> Iterator[Access]:
        # A thousand at a time, so that the numbers of all do not become objects at once.
        for low in range(0, len(self), 1000):
            columns = (column[low : low + 1000].tolist() for column in self._columns)
            yield from map(Access, *columns)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sequence) and not isinstance(other, str):
            return len(self) == len(other) and all(map(_same, self, other))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AccessList of {len(self)}"


def _same(a: object, b: object) -> bool:
    return a == b
