"""Which cells a sweep has, and what is refused before any of them runs."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from downpass.link.errors import InputError
from downpass.sim.scenario.load import load_scenario, read_scenario
from downpass.sim.sweep.axes import parse_axis
from downpass.sim.sweep.plan import Plan, check_plan, make_plan
from hypothesis import given, settings
from hypothesis import strategies as st
from small_scenarios import scenario, write

BPP = "satellites.0.codec.bpp"
CAPACITY = "satellites.0.recorder.capacity"


def plan(folder: Path, *axes: str, content: dict[str, Any] | None = None, **how: Any) -> Plan:
    path = write(folder, content or scenario(None, duration="3 h"))
    found = make_plan(load_scenario(path), [parse_axis(text) for text in axes], **how)
    check_plan(found, path, read_scenario(path))
    return found


def test_every_combination_once_with_the_seeds_innermost(tmp_path: Path) -> None:
    found = plan(tmp_path, f"{BPP}=1,2", f"{CAPACITY}=1 MB,2 MB,3 MB", seeds=2)
    cells = list(found.cells())
    assert len(found) == len(cells) == 12
    assert [(*cell.values, cell.seed) for cell in cells] == list(
        product((1, 2), ("1 MB", "2 MB", "3 MB"), (1, 2))
    )
    assert [cell.point for cell in cells] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    loaded = load_scenario(tmp_path / "scenario.yaml", cells[9].overrides)
    assert loaded.satellites[0].codec.bpp == 2
    assert loaded.satellites[0].recorder.capacity == 2_000_000
    assert loaded.seed == 2


def test_the_section_of_the_file_and_what_the_command_line_changes(tmp_path: Path) -> None:
    section = {"over": {BPP: [1, 2, 3], CAPACITY: {"from": "1 MB", "to": "2 MB", "count": 2}},
               "seeds": 3}  # fmt: skip
    content = scenario(None, duration="3 h", sweep=section)
    assert len(plan(tmp_path, content=content)) == 3 * 2 * 3
    found = plan(tmp_path, f"{BPP}=4", content=content, seeds=1)
    assert [cell.values for cell in found.cells()] == [("1 MB", 4), ("2 MB", 4)]


def test_seeds_of_the_command_line_replace_those_of_the_section(tmp_path: Path) -> None:
    content = scenario(None) | {"sweep": {"over": {"seed": [5, 9], BPP: [1, 2]}}}
    assert plan(tmp_path, content=content).seeds == (5, 9)
    assert plan(tmp_path, content=content, seeds=3).seeds == (1, 2, 3)
    assert plan(tmp_path, "seed=7", content=content).seeds == (7,)


def test_an_axis_of_seeds_makes_no_points(tmp_path: Path) -> None:
    found = plan(tmp_path, "seed=7,9", f"{BPP}=1,2")
    assert found.seeds == (7, 9)
    assert len(found.points) == 2


@pytest.mark.parametrize(
    ("axes", "how", "message"),
    [
        ((), {}, "nothing varies"),
        ((f"{BPP}=1,2", f"{BPP}=3"), {}, "found twice"),
        (("satellites.0.codec={name: jpeg2000, bpp: 1}", f"{BPP}=1,2"), {}, "lies within"),
        ((f"{BPP}=1,2", "satellites.sat.codec.bpp=3,4"), {}, f"sets the same as {BPP}"),
        ((f"{BPP}=1,2", "satellites.*.codec.bpp=3,4"), {}, f"sets the same as {BPP}"),
        ((f"{BPP}=1,2", "satellites.0.codec.bytes=1 kB,2 kB"), {}, f"sets the same as {BPP}"),
        (("satellites.sat.codec={name: avif, bpp: 1}", f"{BPP}=1,2"), {}, f"--over {BPP}: lies"),
        ((f"{BPP}=1,2", "satellites.sat.codec={name: avif, bpp: 1}"), {}, f"--over {BPP}: lies"),
        ((f"{BPP}=1..2:1000", f"{CAPACITY}=1 MB..2 MB:1000"), {}, "found 1000000 cells"),
        ((f"{BPP}=1,2",), {"seeds": 0}, "--seeds: found 0"),
        ((f"{BPP}=1,2",), {"seeds": 50_001}, "found 100002 cells (2 x 50001 seeds)"),
        ((f"{BPP}=1..2",), {}, "--sample N"),
        ((f"{BPP}=1..2",), {"sample": 10**9}, "found 1000000000 cells"),
        (("satellites.0.codec.bbp=1,2",), {}, "--over satellites.0.codec.bbp: no such key; did"),
        ((f"{BPP}=1,-2",), {}, f"--over {BPP}: found -2; allowed"),
        ((f"{CAPACITY}=5",), {}, "it has no unit"),
        (("satellites.7.codec.bpp=1",), {}, "found number 7"),
        (("seed=a,b",), {}, "allowed: whole numbers"),
        (("report.sample_frames=1,2",), {}, "no cell depends on it"),
        (("sweep.seeds=1,2",), {}, "no cell depends on it"),
        (("seed=-1",), {}, "--over seed: found -1"),
        (("seed=1,2",), {"seeds": 2}, "--over seed lists the seeds already"),
        (
            ("seed=1",),
            {
                "seeds": 1,
                "content": scenario(None) | {"sweep": {"over": {"seed": [1]}, "seeds": 2}},
            },
            "seeds, and values of seed in over",
        ),
        (
            (f"{BPP}=1,2",),
            {"seeds": 3, "content": scenario(None, seed=2**63 - 2)},
            f"found 3 from seed {2**63 - 2} on",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused_before_anything_runs(
    tmp_path: Path, axes: tuple[str, ...], how: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        plan(tmp_path, *axes, **how)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fields_with_names_in_common_are_not_the_same(tmp_path: Path) -> None:
    content = scenario(None, duration="3 h")
    content["satellites"].append(content["satellites"][0] | {"name": "sat2"})
    axes = (f"{BPP}=1,2", "satellites.1.codec.bpp=1,2", "satellites.0.codec.tile=32,64")
    assert len(plan(tmp_path, *axes, content=content)) == 8


def test_a_value_that_suits_some_others_is_not_refused(tmp_path: Path) -> None:
    # The student takes multiples of 16 alone, JPEG 2000 any tile.
    tile = "satellites.0.codec.tile"
    found = plan(tmp_path, "satellites.0.codec.name=student,jpeg2000", f"{tile}=30,32")
    assert len(found) == 4
    with pytest.raises(InputError, match=f"--over {tile}: found 30"):
        plan(tmp_path, "satellites.0.codec.name=student", f"{tile}=30,32")


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 2**40))
def test_a_sample_uses_every_slice_of_each_axis_once(count: int, values: int, seed: int) -> None:
    base = load_scenario(SHARED / "scenario.yaml", [f"seed={seed}"])
    texts = ["a=0..1000000", "b=1 MB..1000 MB:3:log", "c=" + ",".join(map(str, range(values)))]
    axes = [parse_axis(text) for text in texts]
    found = make_plan(base, axes, sample=count)
    again = make_plan(base, axes, sample=count)
    assert found == again
    slices = sorted(int(a * count / 1_000_000 - 1e-4) for a, _, _ in found.points)
    # Rounding to four digits may move a value over the edge of its slice.
    assert all(abs(place - n) <= 1 for n, place in enumerate(slices))
    often = [sum(c == value for _, _, c in found.points) for value in range(values)]
    assert max(often) - min(often) <= 1


def test_cells_that_share_geometry_follow_each_other(tmp_path: Path) -> None:
    found = plan(
        tmp_path, f"{CAPACITY}=1 MB,2 MB", f"{BPP}=1,2", "stations=[svalbard],[awarua]", seeds=2
    )
    order = [found.cell(index) for index in found.in_running_order()]
    assert sorted(cell.index for cell in order) == list(range(16))
    places = [(str(cell.values[2]), cell.values[1]) for cell in order]
    changes = sum(a != b for a, b in pairwise(places))
    assert changes == 3  # two geometries, of two rates each
    assert [str(cell.values[2]) for cell in order[:8]] == [places[0][0]] * 8


@pytest.fixture(scope="module", autouse=True)
def shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    global SHARED
    SHARED = tmp_path_factory.mktemp("plan")
    write(SHARED, scenario(None))


SHARED = Path()
