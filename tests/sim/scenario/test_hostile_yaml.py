"""Files made to fill memory or time: each ends in one line, after work that the file explains."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from downpass.sim.scenario.refusal import shown
from downpass.sim.scenario.yamltree import (
    DEEPEST,
    LONGEST_KEY,
    LONGEST_TEXT,
    MOST_VALUES,
    YamlError,
    parse,
)

Refuse = Callable[..., list[str]]


def laughs(levels: int) -> str:
    """Ten times ten times ten …, of a few bytes a level."""
    lines = ["a0: &a0 [1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def chain(links: int) -> str:
    """Each mapping holds the one before it: deep through aliases alone."""
    return "a0: &a0 [1]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, links))


def under_long_keys() -> str:
    ways = (f"k{n:0>98}: {{{'y' * 99}: {{{'x' * 99}: {{{'w' * 99}: *a}}}}}}" for n in range(20))
    return "\n".join([f"a: &a [{', '.join(['1'] * 10_000)}]", *ways])


CASES = {
    "a key of 140 kB over many": (
        "? " + "k" * 140_000 + "\n: [" + ", ".join(["1"] * 10_000) + "]",
        "1: found a key of 140000 characters, " + "k" * 60 + "…; allowed: at most 100",
    ),
    "a quoted key of 1 kB": ('"' + "k" * 1000 + '": 1', "1: found a key of 1000 characters"),
    "a value of 900 kB": ("a: " + "x" * 900_000, "1: found a value of 900000 characters"),
    "a number of 900 kB": ("seed: " + "1" * 900_000, "1: found a value of 900000 characters"),
    "a float of 900 kB": ("seed: 0." + "1" * 900_000, "1: found a value of 900002 characters"),
    "a text shared by many": (
        "a: &a " + "x" * 20_000 + "\nb: [" + ", ".join(["*a"] * 1000) + "]",
        "2: holds more than 8000000 characters, aliases counted each time",
    ),
    "a billion laughs": (laughs(12), "holds more than 250000 values, aliases counted each time"),
    "laughs by merging": (
        "a0: &a0 {x: 1}\n" + "\n".join(
            f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)
        ),
        "holds more than 250000 values, aliases counted each time",
    ),
    "deep by brackets": ("a: " + "[" * 5000, "1: nested more than 32 deep"),
    "deep through aliases": (chain(5000), "nested more than 32 deep"),
    "long paths": (under_long_keys(), "too many values under long keys"),
    "many duplicate keys": ("{" + ", ".join(["a: 1"] * 2000) + "}", "1: a: given twice"),
    "many unknown keys": ("{" + ", ".join(f"k{n}: 1" for n in range(2000)) + "}", "no such key"),
    "keys that are numbers": ("{" + ", ".join(f"{n}: 1" for n in range(1500)) + "}", "as a key"),
    "a python object": ("a: !!python/object/apply:os.system [ls]", "1: tag tag:yaml.org,2002:pyth"),
    "a NUL": ("a: \0", "1: not YAML: character U+0000 is not allowed"),
    "a blank quadratic": ('duration: "1' + " " * 19_000 + 'x"', "duration: found "),
    "a unit to the power": ("duration: 1e9**9**9 d", "duration: found 1e9**9**9 d; "),
    "a unit times itself": ("duration: 1 " + "d*" * 900 + "d", "duration: found 1 d*d*d*"),
    "nan": ("duration: .nan", "duration: found nan"),
    "beyond floats": ("seed: 1e400", "seed: found inf"),
    "sexagesimal": ("seed: 190:20:30", "seed: found 190:20:30"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), CASES.values(), ids=CASES)
def test_a_line_says_what_is_wrong(refuse: Refuse, text: str, said: str) -> None:
    problems = refuse(text)
    assert any(said in line for line in problems), problems[:3]
    assert all(len(line) < 600 for line in problems)


def test_memory_is_bounded(tmp_path: Path) -> None:
    """All files above in a process that may have 700 MB of addresses, its libraries included."""
    files = tmp_path / "files.json"
    files.write_text(json.dumps([text for text, _ in CASES.values()]))
    code = (
        "import json, sys; from downpass.sim.scenario import ScenarioError, load_scenario\n"
        "for text in json.load(open(sys.argv[1])):\n"
        "    open('s.yaml', 'w').write(text)\n"
        "    try: load_scenario('s.yaml')\n"
        "    except ScenarioError: print('refused')\n"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))

    done = subprocess.run(
        [sys.executable, "-c", code, str(files)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        preexec_fn=limit,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["refused"] * len(CASES)


def test_what_is_just_allowed() -> None:
    assert parse("a: " + "x" * LONGEST_TEXT).value == {"a": "x" * LONGEST_TEXT}
    assert parse("k" * LONGEST_KEY + ": 1").value == {"k" * LONGEST_KEY: 1}
    part = f"- &a [{', '.join(['1'] * 499)}]\n"
    rest = MOST_VALUES // 500 - 1
    # The list itself is a value too.
    values = parse(part + "- *a\n" * (rest - 1)).value
    assert sum(1 + len(inner) for inner in values) == MOST_VALUES - 500
    with pytest.raises(YamlError, match="holds more than 250000 values"):
        parse(part + "- *a\n" * rest)
    deep = parse("[" * DEEPEST + "]" * DEEPEST).value
    for _ in range(DEEPEST):
        deep = deep[0] if deep else None
    assert deep is None


def test_depth_is_counted_through_aliases() -> None:
    half = DEEPEST // 2
    inner = "[" * half + "]" * half
    fits = f"a: &a {inner}\nb: " + "[" * (half - 1) + "*a" + "]" * (half - 1)
    assert set(parse(fits).value) == {"a", "b"}
    with pytest.raises(YamlError, match="nested more than 32 deep"):
        parse(f"a: &a {inner}\nb: " + "[" * half + "*a" + "]" * half)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["name=" + "x" * 30_000], "--set name: found a value of 30000 characters"),
        (["name=" + "[" * 40], "--set name: nested more than 32 deep"),
        ([".".join(["a"] * 5000) + "=1"], "allowed: at most 32 steps of 100 characters"),
        (["a" * 300 + "=1"], "allowed: at most 32 steps of 100 characters"),
        ([f"targets.*.scenes=[&a [{', '.join(['x'] * 500)}]{', *a' * 300}]"],
         "holds more than 250000 values"),
        (["targets.0.name=" + laughs(12)], "holds more than 250000 values"),
        ([f"name={'[' * 20}1{']' * 20}", f"{'.'.join(['x'] * 20)}={'[' * 20}1{']' * 20}"],
         "s.yaml: with what --set adds it is nested more than 32 deep"),
    ],
)  # fmt: skip
def test_overrides_are_bounded_too(
    refuse: Refuse, example: str, overrides: list[str], said: str
) -> None:
    problems = refuse(example, overrides)
    assert any(said in line for line in problems), problems[:3]
    assert all(len(line) < 600 for line in problems)


def test_a_long_text_is_shown_by_its_beginning() -> None:
    assert shown("x" * 10**7) == "x" * 60 + "…"
    assert shown(" " * 10**7).startswith("'   ")
    assert len(shown("\x1b" * 10**7)) <= 61
