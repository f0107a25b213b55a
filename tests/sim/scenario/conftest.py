from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from downpass.sim.scenario import ScenarioError, load_scenario

EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")

Refuse = Callable[..., list[str]]


@pytest.fixture
def example() -> str:
    return EXAMPLE


@pytest.fixture
def refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """A function that loads a text as `s.yaml` and returns the problems, one line each."""
    monkeypatch.chdir(tmp_path)

    def problems(text: str | bytes, overrides: Sequence[str] = ()) -> list[str]:
        data = text.encode() if isinstance(text, str) else text
        (tmp_path / "s.yaml").write_bytes(data)
        with pytest.raises(ScenarioError) as caught:
            load_scenario("s.yaml", overrides)
        found = list(caught.value.problems)
        assert all("\n" not in line for line in found)
        return found

    return problems
