"""A scenario written back as YAML has the values that were read."""

from pathlib import Path
from typing import Any

import pytest
from downpass.sim.scenario.load import load_scenario
from downpass.sim.scenario.yaml_text import MOST_CHARACTERS, MOST_VALUES, yaml_text
from downpass.sim.scenario.yamltree import parse
from hypothesis import given, settings
from hypothesis import strategies as st

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.yaml"))
texts = st.one_of(
    st.text("aé衛:#-?'\"\\ \n{}[],&*!|>%@`~01.e+_=<", max_size=12),
    st.sampled_from(["yes", "10:30", "2024-12-02T00:00:00Z", "1e3", "0x1F", "~", "null", "", "#a"]),
)
trees = st.recursive(
    st.one_of(texts, st.integers(-(10**9), 10**9), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.text("abc_", min_size=1), trees, max_size=5))
def test_what_was_written_is_read_back(tree: dict[str, Any]) -> None:
    text = yaml_text(tree)
    assert text is not None
    assert parse(text).value == tree


@pytest.mark.parametrize("text", ["+.5e3", "-.5", "5.", "0o7", "1E3", "+1", "-.INF", "<<", "="])
def test_text_that_looks_like_a_number_stays_text(text: str) -> None:
    assert parse(yaml_text({"a": text, "b": [text]}) or "").value == {"a": text, "b": [text]}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_shipped_scenario_is_written_with_its_overrides(path: Path) -> None:
    scenario = load_scenario(path, ["seed=77", "satellites.*.recorder.capacity=3 GB"])
    text = yaml_text(scenario.source.values)
    assert text is not None
    assert "seed: 77" in text
    assert "capacity: 3 GB" in text
    again = load_scenario(path, text=text)
    assert again.model_dump() == scenario.model_dump()


def test_a_large_scenario_is_not_written() -> None:
    assert yaml_text({"a": list(range(MOST_VALUES))}) is None
    assert yaml_text({"a": ["x" * (MOST_CHARACTERS + 1)]}) is None
    # Aliases share their values, so a small tree may be large when it is written.
    shared: list[Any] = [1] * 10
    for _ in range(40):
        shared = [shared] * 10
    assert yaml_text({"a": shared}) is None
