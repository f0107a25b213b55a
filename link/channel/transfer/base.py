"""What the recorder needs to know of a file's transfer, whatever the procedure."""

from __future__ import annotations

from typing import Protocol


class Transfer(Protocol):
    """The sending side of one file's transfer."""

    @property
    def remaining(self) -> int:
        """Bytes of the file that still have to be sent for the first time."""
        ...

    @property
    def begun(self) -> bool:
        """Whether sending has begun."""
        ...

    @property
    def complete(self) -> bool:
        """Whether nothing has to be sent any more, so that the file's memory may be freed."""
        ...
