"""Whatever the file holds, the answer is a Scenario or a ScenarioError."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
from downpass.sim.scenario import Scenario, ScenarioError, load_scenario
from downpass.sim.scenario.advice import advice
from downpass.sim.scenario.schema import json_schema
from downpass.sim.scenario.yamltree import YamlError, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TREE = parse(Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")).value

VALIDATOR = jsonschema.Draft202012Validator(json_schema())

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**400, 10**401),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        [
            *("0", "1 km", "-1 km", "1e300 km", "NaN", "2 GB", "24 h", "5 deg", "10 W", "1 Mbit/s"),
            *("svalbard", "jpegxl", "tle", "2024-12-02T00:00:00Z", "\ud800", "10:30", "zynq-7020"),
        ]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


KEYS = sorted({step for place in places(TREE) for step in place if isinstance(step, str)})


@st.composite
def mutations(draw: st.DrawFn) -> Any:
    tree = copy.deepcopy(TREE)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(tree)))
        if not path:
            continue
        parent = tree
        for step in path[:-1]:
            parent = parent[step]
        match draw(st.sampled_from(["set", "delete", "move", "add", "copy"])):
            case "set":
                parent[path[-1]] = draw(VALUES)
            case "delete":
                del parent[path[-1]]
            case "move" if isinstance(parent, dict):
                parent[draw(st.sampled_from(KEYS))] = parent.pop(path[-1])
            case "add" if isinstance(parent, dict):
                parent[draw(st.sampled_from(KEYS))] = draw(VALUES)
            case _ if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[path[-1]]))
            case _:
                parent[draw(st.sampled_from(KEYS))] = copy.deepcopy(parent[path[-1]])
    return tree


def outcome(path: Path, overrides: tuple[str, ...] = ()) -> Scenario | None:
    try:
        scenario = load_scenario(path, overrides)
    except ScenarioError as error:
        assert error.problems
        assert all(line.strip() and "\n" not in line for line in error.problems)
        assert len(set(error.problems)) == len(error.problems)
        return None
    advice(scenario)
    return scenario


SLOW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SLOW
@given(mutations())
def test_any_mutation(tmp_path: Path, tree: Any) -> None:
    # JSON is YAML, and holds lone surrogates and long numbers as escapes and digits.
    path = tmp_path / "s.yaml"
    path.write_text(json.dumps(tree).replace("NaN", ".nan").replace("Infinity", ".inf"))
    outcome(path)


@SLOW
@given(st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(data)
    assert outcome(path) is None


@SLOW
@given(st.text(alphabet="ab:-?&*!|>'\"%@`#{}[], \n\t0.~<é", max_size=60))
def test_any_yaml(text: str) -> None:
    try:
        parse(text)
    except YamlError as error:
        assert error.message


@SLOW
@given(st.lists(st.sampled_from([*KEYS, "0", "1", "*", "sat-a", "lisbon"]), max_size=4), VALUES)
def test_any_override(tmp_path: Path, steps: list[str], value: Any) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(json.dumps(TREE))
    outcome(path, (f"{'.'.join(steps)}={json.dumps(value)}",))


@SLOW
@given(mutations())
def test_what_loads_fits_the_schema(tmp_path: Path, tree: Any) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(json.dumps(tree).replace("NaN", ".nan").replace("Infinity", ".inf"))
    if outcome(path) is not None:
        # The schema knows no null beside an alternative; the loader reads it as not given.
        bare = json.loads(json.dumps(tree), object_pairs_hook=_without_nulls)
        VALIDATOR.validate(bare)


def _without_nulls(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value is not None}
