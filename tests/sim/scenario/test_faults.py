"""The section `encoder.faults`: what it becomes, and one line for each value that is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from downpass.link.serial.faults.board_faults import BoardFaults, Interruption, Strikes
from downpass.link.serial.faults.faulty_line import Faults
from downpass.sim.board.injection import FaultScript
from downpass.sim.frames.board_loops import fault_script
from downpass.sim.scenario import ScenarioError, load_scenario
from downpass.sim.scenario.faults import FaultsSpec
from downpass.sim.scenario.yamltree import parse
from hypothesis import given
from hypothesis import strategies as st
from small_scenarios import satellite, scenario, write, write_scene

AT = "satellites.0.encoder.faults"


def written(folder: Path, faults: Any, **encoder: Any) -> Path:
    board = {"backend": "board", "port": "/dev/ttyUSB0", "faults": faults} | encoder
    codec = {"name": "student", "quality": 40, "tile": 32}
    return write(folder, scenario(satellites=[satellite(codec=codec, encoder=board)]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scene(tmp_path / "scene.tif")
    return tmp_path


def test_a_whole_section_becomes_a_script(folder: Path) -> None:
    path = written(
        folder,
        {
            "seed": 7,
            "drop": 0.01,
            "duplicate": 0.02,
            "reorder": 0.03,
            "truncate": 0.04,
            "garbage": 0.05,
            "bit_error_rate": 0.5,
            "delay": "8 ms",
            "jitter": "2 ms",
            "baud": 115200,
            "cut": {"at": [0, "10 s", "1 min"], "for": "3 s"},
            "stall": {"every": "20 tiles", "for": "2 s"},
            "reboot": {"tiles": [4, 40], "for": "500 ms"},
            "wrong": {"share": 0.25},
            "refuse": {"every": "1 tile"},
            "slow": 3,
        },
    )
    faults = load_scenario(path).satellites[0].encoder.faults
    assert faults is not None
    assert fault_script(faults, seed=1, index=2) == FaultScript(
        seed="7/2",
        line=Faults(0.01, 0.02, 0.03, 0.04, 0.05, flip_bit=1 - 0.5**8),
        board=BoardFaults(
            cut=Interruption(Strikes(), 3.0, (0.0, 10.0, 60.0)),
            stall=Interruption(Strikes(every=20), 2.0),
            reboot=Interruption(Strikes(tiles=frozenset({4, 40})), 0.5),
            wrong=Strikes(share=0.25),
            refuse=Strikes(every=1),
            slow=3.0,
        ),
        baud=115200,
        delay_s=0.008,
        jitter_s=0.002,
    )


def test_an_empty_section_injects_nothing(folder: Path) -> None:
    faults = load_scenario(written(folder, {})).satellites[0].encoder.faults
    assert faults is not None
    assert fault_script(faults, seed=5, index=0) == FaultScript(seed="5/0")


@pytest.mark.parametrize(
    ("faults", "problem"),
    [
        ({"drop": 1.1}, "drop: found 1.1; allowed: a number from 0 to 1"),
        ({"drop": "1 %"}, "drop: found 1 %, which is text; allowed: a number from 0 to 1"),
        ({"drop": True}, "drop: found true; allowed: a number from 0 to 1"),
        ({"drop": float("nan")}, "drop: found nan; allowed: a number from 0 to 1"),
        ({"dorp": 0.1}, "dorp: no such key; did you mean drop?"),
        ({"bit_error_rate": 0.6}, "bit_error_rate: found 0.6; allowed: a number from 0 to 0.5"),
        ({"delay": 8}, "delay: found 8; it has no unit"),
        ({"delay": "2 h"}, "delay: found 2 h; allowed: 0 s to 2 s"),
        ({"jitter": "-1 ms"}, "jitter: found -1 ms; allowed: 0 s to 2 s"),
        (
            {"delay": "1.5 s", "jitter": "501 ms"},
            "delay: found 1.5 s with jitter 0.501 s; allowed: together at most 2 s, because",
        ),
        ({"baud": 299}, "baud: found 299; allowed: a whole number from 300 to 20000000"),
        ({"slow": 0.5}, "slow: found 0.5; allowed: a number from 1 to 1000"),
        ({"seed": -1}, "seed: found -1; allowed: a whole number from 0 to"),
        ({"stall": {"every": 20, "for": "2 s"}}, "stall.every: found 20; it has no unit"),
        ({"stall": {"every": "0.5 tiles", "for": "2 s"}}, "stall.every: found 0.5 tiles; allowed"),
        ({"stall": {"every": "2.5 tiles", "for": "2 s"}},
         "stall.every: found 2.5 tiles; allowed: a whole number of tiles"),
        ({"stall": {"every": "20 frames", "for": "2 s"}},
         "stall.every: found 20 frames; unit frames does not fit here; allowed units: tiles, tile"),
        ({"stall": {"every": "20 tiles"}}, "stall.for: missing; for example for: 2 s"),
        ({"stall": {"every": "2 tiles", "for": "0 s"}}, "stall.for: found 0 s; allowed: above 0 s"),
        ({"stall": {"every": "2 tiles", "for": "2 h"}}, "stall.for: found 2 h; allowed: above 0 s"),
        ({"stall": {"for": "2 s"}},
         "stall: found none of them; allowed: exactly one of every, tiles, share"),
        ({"stall": {"every": "2 tiles", "share": 0.1, "for": "2 s"}},
         "stall.share: found every and share; allowed: exactly one of every, tiles, share"),
        ({"stall": {"every": "2 tiles", "at": ["2 s"], "for": "2 s"}},
         "stall.at: no such key; allowed: every, tiles, share, for"),
        ({"stall": 2}, "stall: found 2; allowed: a mapping with keys every, tiles, share, for"),
        ({"cut": {"for": "2 s"}},
         "cut: found none of them; allowed: exactly one of every, tiles, share, at"),
        ({"cut": {"at": "2 s", "for": "2 s"}}, "cut.at: found 2 s; allowed: a list"),
        ({"cut": {"at": [], "for": "2 s"}}, "cut.at: found an empty list; allowed: at least 1"),
        ({"cut": {"at": ["31 d"], "for": "2 s"}}, "cut.at.0: found 31 d; allowed: 0 s to 30 d"),
        ({"wrong": {"tiles": [0]}}, "wrong.tiles: found tile 0; allowed: numbers of tiles from 1"),
        ({"wrong": {"tiles": [1.5]}}, "wrong.tiles: found tile 1.5; allowed: numbers of tiles"),
        ({"wrong": {"tiles": list(range(1, 10_002))}}, "wrong.tiles: found 10001 tiles; allowed"),
        ({"wrong": {"share": 1e400}}, "wrong.share: found inf; allowed: a number from 0 to 1"),
        ({"refuse": {"tiles": []}}, "refuse.tiles: found an empty list; allowed: numbers of tiles"),
        ([], "found an empty list; allowed: a mapping with keys seed, drop"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_a_refused_value_is_one_line(folder: Path, faults: Any, problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(written(folder, faults))
    (line,) = caught.value.problems
    at = AT if problem.startswith("found") else f"{AT}."
    start, _, rest = line.partition(f": {at}")
    assert start.startswith(str(folder / "scenario.yaml"))
    assert rest.removeprefix(": ").startswith(problem)


def test_faults_without_a_board_are_refused(folder: Path) -> None:
    path = write(folder, scenario(satellites=[satellite(encoder={"faults": {"drop": 0.1}})]))
    with pytest.raises(ScenarioError, match="found faults with backend in-process; allowed: with"):
        load_scenario(path)


@given(seed=st.integers(0, 2**63 - 1), other=st.integers(0, 2**63 - 1))
def test_two_boards_have_different_faults(seed: int, other: int) -> None:
    faults = FaultsSpec()
    assert fault_script(faults, seed, 0).seed != fault_script(faults, other, 1).seed
    assert fault_script(FaultsSpec(seed=3), seed, 0) == fault_script(FaultsSpec(seed=3), other, 0)


def test_the_page_on_boards_has_an_example_that_loads_and_every_key(folder: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "boards.md").read_text(encoding="utf-8")
    section = page.partition("## Faults on purpose\n")[2].partition("\n## ")[0]
    example = parse(section.partition("```yaml\n")[2].partition("```")[0]).value["encoder"]
    loaded = load_scenario(written(folder, example.pop("faults"), **example))
    assert loaded.satellites[0].encoder.faults == FaultsSpec.model_validate(
        {
            "seed": 3,
            "drop": 0.01,
            "bit_error_rate": 1e-6,
            "stall": {"every": 20, "for": 2},
            "reboot": {"tiles": [30], "for": 1},
            "wrong": {"share": 0.01},
        }
    )
    missing = [key for key in FaultsSpec.model_fields if f"`{key}`" not in section]
    assert missing == ["seed"]
