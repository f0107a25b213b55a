"""Picture of where every byte went, from capture to the ground, with causes of losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle

from . import wording as w
from .data import ReportData, names, numbers
from .style import FAINT, MUTED, PAPER, SERIES, DataTable, Picture, Sheet, draw

_HATCHES = ("////", "xxx", "----", "\\\\\\\\", "|||", "++")
_MOST_PARTS = 8
_LONGEST_OF_THREE = 36
"""Characters of a legend's entry that fit in one of three columns."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stage's bytes: what became of them, how many, and how it is drawn."""

    label: str
    size: int
    colour: str
    hatch: str = ""


@dataclass(frozen=True, slots=True)
class FlowStage:
    """A stage of the bytes on their way, and the parts into which it splits."""

    title: str
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Return all bytes of the stage."""
        return sum(part.size for part in self.parts)


def stages(data: ReportData) -> tuple[FlowStage, ...]:
    """Return captured and encoded bytes by their frame's fate, and sent bytes by their own.

    The parts of the first two stages come from the frames, each of which is in exactly one state;
    those of the third come from the ledger in the summary.
    """
    return (
        FlowStage("Captured, raw", _by_fate(data, "raw_bytes")),
        FlowStage("Encoded", (*_by_fate(data, "encoded_bytes"), *_requantised(data.total))),
        FlowStage("Sent to the ground", _sent(data.total)),
    )


def _by_fate(data: ReportData, column: str) -> tuple[Part, ...]:
    state, cause = names(data.frames, "state"), names(data.frames, "drop_cause")
    arrived = names(data.frames, "delivery")
    amount = np.nan_to_num(numbers(data.frames, column))

    def of(chosen: Any) -> int:
        return round(float(amount[chosen].sum()))

    waiting = (state == "queued") | (state == "encoding")
    parts = [
        Part("delivered whole", of(arrived == "whole"), SERIES[0]),
        Part("delivered damaged", of(arrived == "damaged"), SERIES[0], "///"),
        Part("delivered, but encoded wrongly", of(arrived == "wrong"), SERIES[3], "xxx"),
        Part("in the recorder", of(state == "stored"), SERIES[5], "---"),
        Part("sent, its end not yet received", of(state == "sent"), SERIES[5], "..."),
        Part("not yet encoded", of(waiting), SERIES[4], "\\\\\\\\"),
    ]
    dropped = state == "dropped"
    causes = {str(name): of(dropped & (cause == name)) for name in set(cause[dropped])}
    parts += _with_causes("dropped", causes, SERIES[1])
    return tuple(part for part in parts if part.size)


def _requantised(total: Mapping[str, Any]) -> tuple[Part, ...]:
    saved = int((total.get("bytes") or {}).get("requantised") or 0)
    return (Part("saved by requantisation", saved, SERIES[2], "..."),) if saved else ()


def _sent(total: Mapping[str, Any]) -> tuple[Part, ...]:
    ledger: Mapping[str, Any] = total.get("bytes") or {}
    overhead = int((total.get("transfer") or {}).get("overhead_bytes") or 0)
    lost = {str(name): int(number) for name, number in (ledger.get("lost") or {}).items()}
    sent, whole = int(ledger.get("sent") or 0), int(ledger.get("delivered_whole") or 0)
    damaged, again = int(ledger.get("delivered_damaged") or 0), int(ledger.get("duplicate") or 0)
    wrong = int(ledger.get("delivered_wrong") or 0)
    rest = max(sent - whole - damaged - wrong - again - overhead - sum(lost.values()), 0)
    parts = [
        Part("of frames delivered whole", whole, SERIES[0]),
        Part("of frames delivered damaged", damaged, SERIES[0], "///"),
        Part("of frames encoded wrongly", wrong, SERIES[3], "xxx"),
        Part("of frames sent in part", rest, SERIES[5]),
        Part("received twice", again, SERIES[4], "\\\\\\\\"),
        Part("headers and directives", overhead, SERIES[2], "..."),
        *_with_causes("lost", lost, SERIES[3]),
    ]  # fmt: skip
    return tuple(part for part in parts if part.size)


def _with_causes(fate: str, causes: Mapping[str, int], colour: str) -> list[Part]:
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    parts = [
        Part(f"{fate}: {w.cause(name)}", number, colour, _HATCHES[index % len(_HATCHES)])
        for index, (name, number) in enumerate(ranked)
    ]
    if len(parts) > _MOST_PARTS:
        rest = sum(part.size for part in parts[_MOST_PARTS - 1 :])
        parts = [*parts[: _MOST_PARTS - 1], Part(f"{fate}: other causes", rest, colour)]
    return parts


def picture(data: ReportData) -> Picture | None:
    """Return the three stages as bars; None if nothing was captured."""
    found = tuple(stage for stage in stages(data) if stage.size)
    if not found:
        return None
    wide, narrow = draw(
        "bytes",
        lambda narrow: sum(_stage_height(stage, narrow) for stage in found),
        lambda sheet: _paint(sheet, found),
    )
    return Picture(
        key="bytes",
        alt=alt(found),
        caption="Each bar is the whole of its stage: lengths compare within a bar, not between "
        "bars. Bytes in the recorder and not yet encoded are those at the end of the run.",
        wide=wide,
        narrow=narrow,
        table=DataTable(
            caption="Bytes by stage and fate",
            columns=(("Stage", False), ("Fate", False), ("Bytes", True), ("Share", True)),
            rows=tuple(
                (stage.title, part.label, w.count(part.size), w.share(part.size, stage.size))
                for stage in found
                for part in stage.parts
            ),
        ),
    )


def alt(found: tuple[FlowStage, ...]) -> str:
    """Return every stage with its parts, in words."""
    return " ".join(
        f"{stage.title}: {w.size(stage.size)}, of which "
        + w.listing(
            f"{w.size(part.size)} ({w.share(part.size, stage.size)}) {part.label}"
            for part in stage.parts
        )
        + "."
        for stage in found
    )


def lengths(stage: FlowStage, wide: float, least: float = 3.0) -> list[float]:
    """Return the parts' lengths in a bar, each at least `least`, so that every part is visible.

    The others are shortened in proportion, so that the bar keeps its length.
    """
    shares = [part.size / stage.size * wide for part in stage.parts]
    thin = [share < least for share in shares]
    rest = wide - least * sum(thin)
    thick = sum(share for share, is_thin in zip(shares, thin, strict=True) if not is_thin)
    return [
        least if is_thin else share * rest / thick
        for share, is_thin in zip(shares, thin, strict=True)
    ]


def _words(stage: FlowStage, part: Part, narrow: bool) -> str:
    label = w.short(part.label, 32 if narrow else 30)
    return f"{label}  {w.size(part.size)}, {w.share(part.size, stage.size)}"


def _columns(stage: FlowStage, narrow: bool) -> int:
    """Return in how many columns a stage's legend fits."""
    if narrow:
        return 1
    longest = max((len(_words(stage, part, narrow)) for part in stage.parts), default=0)
    return 3 if longest <= _LONGEST_OF_THREE else 2


def _stage_height(stage: FlowStage, narrow: bool) -> float:
    lines = -(-len(stage.parts) // _columns(stage, narrow))
    return 64.0 + 22 * lines + 14


def _paint(sheet: Sheet, found: tuple[FlowStage, ...]) -> None:
    small = 11 if sheet.narrow else 12
    axes = sheet.axes(0, 0, sheet.width, sheet.height)
    axes.set_xlim(0, sheet.width)
    axes.set_ylim(sheet.height, 0)
    axes.set_axis_off()
    y, wide = 0.0, sheet.width - 2
    for number, stage in enumerate(found):
        sheet.text(1, y + 12, stage.title, fontsize=small + 1, fontweight="bold")
        sheet.text(sheet.width - 1, y + 12, w.size(stage.size), fontsize=small + 1, ha="right")
        if number and stage.title == "Encoded" and stage.size:
            sheet.text(
                sheet.width / 2,
                y + 12,
                w.ratio(found[number - 1].size, stage.size),
                fontsize=small,
                ha="center",
                color=MUTED,
            )
        left = 1.0
        for part, length in zip(stage.parts, lengths(stage, wide), strict=True):
            _box(axes, part, left, y + 26, length, 26)
            left += length
        columns = _columns(stage, sheet.narrow)
        column_width = sheet.width / columns
        for index, part in enumerate(stage.parts):
            x = 1 + index % columns * column_width
            line = y + 67 + index // columns * 22
            _box(axes, part, x, line - 6, 12, 12)
            sheet.text(x + 19, line, _words(stage, part, sheet.narrow), fontsize=small)
        y += _stage_height(stage, sheet.narrow)
        if number < len(found) - 1:
            axes.plot([1, sheet.width - 1], [y - 6, y - 6], color=FAINT, lw=1)


def _box(axes: Any, part: Part, left: float, top: float, wide: float, tall: float) -> None:
    axes.add_patch(
        Rectangle((left, top), wide, tall, fc=part.colour, ec=PAPER, lw=0, hatch=part.hatch or None)
    )
    axes.plot([left + wide] * 2, [top, top + tall], color=PAPER, lw=1, solid_capstyle="butt")
