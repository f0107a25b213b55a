"""Whether a second run gives the same results: a sentence that follows from what the run used."""

from __future__ import annotations

from . import wording as w
from .board_verdict import FAILED, blocks
from .data import ReportData, names

_SAME = "give the same results"


def sentence(data: ReportData) -> str:
    """Return whether a second run gives the same results, and why not if it does not.

    Modelled times follow from the file and the seed; those of an emulated board to within
    microseconds, because the line interrupts it at other moments. Measured times do not; those of
    this computer are kept with the cached frames. What a faulty board does need not repeat.
    """
    boards = blocks(data.summary)
    kinds = set(names(data.frames, "encode_time_kind")) - {""}
    failed = [
        w.plain(str(one.get("name")))
        for one in boards
        if one.get("verdict") == FAILED or one.get("stopped")
    ]
    if failed:
        return f"A second run may differ: board {w.listing(failed)} failed."
    if "measured on board" in kinds:
        return "A second run differs where encoding times matter: a board's clock measured them."
    if "measured on host" in kinds:
        return (
            f"The same file, seed and cache of encoded frames {_SAME}; with another cache, "
            "encoding times are measured again and differ."
        )
    if boards:
        return (
            f"The same file, seed and board {_SAME}, encoding times to within microseconds; "
            "what is measured of the line differs."
        )
    return f"The same file and seed {_SAME}."
