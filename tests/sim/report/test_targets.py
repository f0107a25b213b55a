"""Targets that were never imaged are counted, and figures that are not known are not shown as 0."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from downpass.sim.report import TargetSite, comparison, keyfigures, render, targets
from report_synthetic import results

DAY = results()


def test_outcomes_and_missing_targets_agree_with_the_frames() -> None:
    rows = DAY.frames.to_pylist()
    taken = {row["target"] for row in rows}
    assert targets.never_imaged(DAY) == [s.name for s in DAY.targets if s.name not in taken]
    for name, (number, delivered) in targets.outcomes(DAY).items():
        assert number == sum(row["target"] == name for row in rows)
        assert delivered == sum(r["target"] == name and r["state"] == "delivered" for r in rows)


def test_up_to_ten_names_and_then_a_number() -> None:
    extra = tuple(TargetSite(f"place-{n}", 0.0, 0.0) for n in range(14))
    found = targets.never_imaged(DAY)
    words = targets.sentence(replace(DAY, targets=(*DAY.targets, *extra))).replace("\u00a0", " ")
    every, missing = len(DAY.targets) + 14, len(found) + 14
    assert words.startswith(f"{missing} of {every} targets were never imaged (")
    assert "place-3" in words
    assert words.endswith(f" and {missing - 10} more.")
    one = replace(DAY, targets=(DAY.targets[0], TargetSite("<b>", 0.0, 0.0)))
    assert targets.sentence(one) == "1 of 2\u00a0targets was never imaged (never in view): <b>."
    assert "&lt;b&gt;." in render(one)


def test_targets_in_view_and_skipped_are_told_from_those_never_in_view() -> None:
    name = DAY.targets[0].name
    gone = DAY.frames.filter(pc.not_equal(DAY.frames.column("target"), name))
    assert name in DAY.accesses.column("target").to_pylist()
    alone = replace(DAY, frames=gone, targets=DAY.targets[:1])
    assert "None of the 1\u00a0target was imaged (in view, but skipped)" in targets.sentence(alone)
    assert targets.sentence(replace(DAY, targets=())) == ""


def test_a_hundred_thousand_targets_take_a_moment() -> None:
    many = tuple(TargetSite(f"place-{n}", 0.0, 0.0) for n in range(100_000))
    frames = pa.concat_tables([DAY.frames] * 300)
    data = replace(DAY, targets=(*DAY.targets, *many), frames=frames)
    assert len(targets.never_imaged(data)) >= 100_000
    assert sum(taken for taken, _ in targets.outcomes(data).values()) == frames.num_rows


def test_what_a_summary_lacks_is_unknown_and_not_zero() -> None:
    bare = replace(DAY, summary={"total": {}, "satellites": {}})
    values = [figure.value for figure in keyfigures.tiles(bare)]
    assert values[0] == values[1] == values[4] == "unknown"
    assert not any(figure.value.startswith("0") for figure in keyfigures.tiles(bare))
    cells = {row[0]: row[1] for row in keyfigures.satellites(bare).rows}
    assert (
        cells["Frames taken"] == cells["Frames dropped"] == cells["Pixels delivered"] == "unknown"
    )
    row = comparison.choices([bare], ["student:1bpp"]).rows[0]
    assert row[2] == "unknown of unknown"
    assert "0" not in {cell.split("\u00a0")[0] for cell in row}
