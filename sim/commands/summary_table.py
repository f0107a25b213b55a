"""The figures of a run as tables in the terminal, at 80 columns for any number of satellites."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..console.terminal import plain_table, print_side_by_side, print_table, print_text
from ..report import board_verdict, keyfigures, summary_blocks, wording

_MOST_SATELLITES = 10
"""With more satellites than this, only the best and the worst are listed."""

_LISTED = 10
"""Number of best and of worst satellites that are listed."""

Block = Mapping[str, Any]


def print_summary(summaries: Mapping[str, Mapping[str, Any]], folder: Path | None = None) -> None:
    """Print the figures of runs: a column for each, and for a single run its satellites too.

    Args:
        summaries: What summary.json holds, by the name of the run or of the choice.
        folder: Folder of the results, which a note on omitted satellites refers to.
    """
    columns = [(label, summary["total"]) for label, summary in summaries.items()]
    satellites: Mapping[str, Block] = {}
    if len(summaries) == 1:
        satellites = next(iter(summaries.values()))["satellites"]
        if 1 < len(satellites) <= _MOST_SATELLITES:
            columns += satellites.items()
    rows = _rows([block for _, block in columns])
    print_side_by_side(
        [title for title, _ in rows],
        [
            (wording.plain(label), [_plain(figure(block)) for _, figure in rows])
            for label, block in columns
        ],
    )
    if len(satellites) > _MOST_SATELLITES:
        _print_extremes(satellites, folder)


def print_verdicts(summaries: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the verdict on each board of the runs, if there is one."""
    for label, summary in summaries.items():
        for verdict in board_verdict.verdicts(summary):
            start = f"{wording.plain(label)}: " if len(summaries) > 1 else ""
            print_text(start + _plain(" ".join((verdict.headline, *verdict.details))))


def _print_extremes(satellites: Mapping[str, Block], folder: Path | None) -> None:
    """Print the satellites that delivered most and least, and where to find the others."""
    ranked = sorted(satellites.items(), key=lambda item: (-_intact(item[1]), item[0]))
    listed = min(_LISTED, len(ranked) // 2)
    where = str(folder / "summary.json") if folder is not None else "summary.json"
    table = plain_table(
        f"The {listed} of {len(ranked)} satellites that delivered most frames whole, and the "
        f"{listed} that delivered fewest",
        (
            ("satellite", False),
            ("taken", True),
            ("whole", True),
            ("damaged", True),
            ("in part", True),
            ("delivered", True),
            ("PSNR", True),
        ),
    )
    for place, (name, block) in enumerate([*ranked[:listed], *ranked[-listed:]]):
        frames = block["frames"]
        if place == listed:
            table.add_section()
        table.add_row(
            wording.plain(name),
            str(frames["captured"]),
            str(frames["delivered_whole"]),
            str(frames["delivered_damaged"]),
            str(frames["in_part"]),
            _bytes(block["bytes"]["delivered"]),
            _psnr(block, "pooled"),
        )
    table.caption = f"All {len(ranked)} stand in {where}."
    table.caption_justify = "left"
    print_table(table)


def _intact(block: Block) -> int:
    return int(block["frames"]["delivered_whole"])


def _rows(blocks: Sequence[Block]) -> list[tuple[str, Callable[[Block], str]]]:
    """Return the rows; optional ones only if a run has their values."""
    rows = list(_ROWS)
    if any(block["repeated"]["frames"] for block in blocks):
        rows.insert(1, ("… larger than their scene", _repeated))
    if any(block["frames"]["delivered_damaged"] for block in blocks):
        for title, more in _IF_DAMAGED.items():
            place = next(index for index, (name, _) in enumerate(rows) if name == title)
            rows[place + 1 : place + 1] = more
    if any("delivered_wrong" in block["frames"] for block in blocks):
        place = next(index for index, (name, _) in enumerate(rows) if name == "… in part")
        rows.insert(place, _WRONG)
    if any("requantised" in block["frames"] for block in blocks):
        place = next(index for index, (name, _) in enumerate(rows) if name == "frames dropped")
        rows.insert(place, _REQUANTISED)
    if any("transfer" in block for block in blocks):
        rows += _TRANSFER
    return rows


def _plain(text: str) -> str:
    """Return a figure without the report's no-break spaces, so that it can be folded."""
    return text.replace(wording.NBSP, " ")


def _bytes(value: int) -> str:
    return _plain(wording.size(value))


def _time(value: float | None) -> str:
    return _plain(wording.duration(value))


def _psnr(block: Block, figure: str) -> str:
    value = summary_blocks.psnr(block, figure)
    if value is None or value == float("inf"):
        return wording.decibels(value)
    return f"{value:.2f} dB"


def _similarity(block: Block) -> str:
    found = block["ms_ssim"]
    if found["mean"] is None:
        return wording.DASH
    left = f"\n{found['left_out']} left out" if found["left_out"] else ""
    return f"{found['mean']:.4f}{left}"


def _causes(amounts: Mapping[str, int]) -> str:
    if not amounts:
        return "0"
    return "\n".join(f"{amount} {wording.plain(cause)}" for cause, amount in amounts.items())


def _lost(amounts: Mapping[str, int]) -> str:
    ranked = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"{_bytes(amount)} {wording.plain(cause)}" for cause, amount in ranked if amount]
    return "\n".join(lines) or _bytes(0)


def _repeated(block: Block) -> str:
    found = block["repeated"]
    names = [wording.plain(name) for name in found["scenes"]]
    return "\n".join([str(found["frames"]), *([wording.some(names, 3)] if names else [])])


def _energy(block: Block) -> str:
    return _plain(wording.energy(block["encode_energy_j"]))


def _area(square_km: float) -> str:
    return _plain(wording.area(square_km)).replace(",", "")


def _open(transfer: Mapping[str, Any]) -> str:
    """Return how many transactions each end has not ended, by what it waits for."""
    found = {
        f"{where}, {state}": number
        for where, states in (
            ("on board", transfer["open_on_board"]),
            ("on the ground", transfer["open_on_ground"]),
        )
        for state, number in states.items()
    }
    return _causes(found)


def _of_transfer(figure: Callable[[Mapping[str, Any]], str]) -> Callable[[Block], str]:
    """Return a figure of the block on transfers; a dash where there is none."""
    return lambda block: figure(block["transfer"]) if "transfer" in block else wording.DASH


def _pass_time(block: Block) -> str:
    value = block["pass_time_used"]
    return wording.DASH if value is None else f"{wording.fixed(value * 100, 1)} %"


_ROWS: tuple[tuple[str, Callable[[Block], str]], ...] = (
    ("frames captured", lambda b: str(b["frames"]["captured"])),
    ("frames delivered whole", lambda b: str(b["frames"]["delivered_whole"])),
    ("… damaged", lambda b: str(b["frames"]["delivered_damaged"])),
    ("… in part", lambda b: str(b["frames"]["in_part"])),
    ("frames still on board", lambda b: str(b["frames"]["stored"] + b["frames"]["queued"])),
    ("frames dropped", lambda b: _causes(b["frames"]["dropped"])),
    ("frames missed", lambda b: _causes(b["frames"]["missed"])),
    ("encoded", lambda b: _bytes(b["bytes"]["encoded"])),
    ("delivered", lambda b: _bytes(b["bytes"]["delivered"])),
    ("lost on the way", lambda b: _lost(b["bytes"]["lost"])),
    ("backlog, peak", lambda b: _bytes(b["backlog_bytes"]["peak"])),
    ("latency, median", lambda b: _time(b["latency_s"]["median"])),
    ("latency, 95 %", lambda b: _time(b["latency_s"]["p95"])),
    ("PSNR, all pixels", lambda b: _psnr(b, "pooled")),
    ("… of undamaged frames", lambda b: _psnr(b, "undamaged")),
    ("… 95 % of frames above", lambda b: _psnr(b, "p5")),
    ("… frames exact", keyfigures.exact_frames),
    ("MS-SSIM, mean", _similarity),
    ("area delivered", lambda b: _area(b["delivered_km2"])),
    ("encoding energy", _energy),
    ("pass time used", _pass_time),
)

_IF_DAMAGED: Mapping[str, list[tuple[str, Callable[[Block], str]]]] = {
    "delivered": [
        ("… of whole frames", lambda b: _bytes(b["bytes"]["delivered_whole"])),
        ("… of damaged frames", lambda b: _bytes(b["bytes"]["delivered_damaged"])),
    ],
    "latency, 95 %": [
        ("… of whole frames, median", lambda b: _time(b["latency_s"]["whole"]["median"])),
        ("… of damaged frames, median", lambda b: _time(b["latency_s"]["damaged"]["median"])),
    ],
    "area delivered": [
        ("… by whole frames", lambda b: _area(b["delivered_whole_km2"])),
    ],
}
"""What is told apart only if a frame is damaged, by the row that it follows."""

_WRONG: tuple[str, Callable[[Block], str]] = (
    "… wrong, as a board encoded them",
    lambda b: str(b["frames"].get("delivered_wrong", 0)),
)

_REQUANTISED: tuple[str, Callable[[Block], str]] = (
    "frames requantised",
    lambda b: str(b["frames"].get("requantised", 0)),
)

_TRANSFER: list[tuple[str, Callable[[Block], str]]] = [
    ("transfer overhead", _of_transfer(lambda t: _bytes(t["overhead_bytes"]))),
    ("… received twice", _of_transfer(lambda t: _bytes(t["duplicate_bytes"]))),
    ("… sent over the uplink", _of_transfer(lambda t: _bytes(t["uplink_bytes"]["sent"]))),
    ("transfers ended", _of_transfer(lambda t: _causes(t["ended"]))),
    ("transfers not ended", _of_transfer(_open)),
]
