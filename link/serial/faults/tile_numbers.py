"""Numbers the tiles that a host sends to a board, from 1 in the order of their first JOB.

A tile whose session is lost is announced again, in a new session and under another job number.
It keeps its number here: a host resubmits its unfinished tiles in their order, so a JOB of a new
session that describes an unfinished tile is that tile. Which of two equal tiles it is makes no
difference to anybody.
"""

from __future__ import annotations

from typing import Final

from ..constants import MOST_SLOTS
from ..messages import TileForm

_REMEMBERED: Final = 4 * MOST_SLOTS
"""Jobs of a session that are remembered, so that late frames of released ones are recognised."""


class TileNumbers:
    """The numbers of a line's tiles. Its memory does not grow with them.

    Attributes:
        count: Number of tiles so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._session = 0
        self._jobs: dict[int, int] = {}
        """The number of each of the session's latest jobs."""
        self._unfinished: dict[int, TileForm] = {}
        """The tiles without a result, in their order."""

    def announce(self, session: int, job: int, form: TileForm) -> int:
        """Return the number of the tile that a JOB describes; it may be a new one."""
        if session != self._session:
            self._session = session
            self._jobs = {}
        if job not in self._jobs:
            self._jobs[job] = self._number(form)
            while len(self._jobs) > _REMEMBERED:
                del self._jobs[next(iter(self._jobs))]
        return self._jobs[job]

    def number(self, session: int, job: int) -> int | None:
        """Return the number of a job's tile; None if no such job was announced."""
        return self._jobs.get(job) if session == self._session else None

    def form(self, number: int) -> TileForm | None:
        """Return an unfinished tile's form; None once it is finished."""
        return self._unfinished.get(number)

    def release(self, session: int, job: int) -> int | None:
        """Forget a tile that the host wants nothing more of; return its number."""
        number = self.number(session, job)
        if number is not None:
            self._unfinished.pop(number, None)
        return number

    def _number(self, form: TileForm) -> int:
        present = set(self._jobs.values())
        for number, waiting in self._unfinished.items():
            if number not in present and waiting == form:
                # Tiles before it, that are in no job of this session, were finished unnoticed.
                finished = [n for n in self._unfinished if n < number and n not in present]
                for other in finished:
                    del self._unfinished[other]
                return number
        self.count += 1
        self._unfinished[self.count] = form
        if len(self._unfinished) > _REMEMBERED:
            del self._unfinished[next(iter(self._unfinished))]
        return self.count
