"""What the packages we stand on may do, and which versions of them are allowed."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("link", "payload", "ground", "sim")
SOURCES = sorted(
    path for folder in (*PACKAGES, "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)

# Modules whose name is not that of the distribution, in the form that packaging compares.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "erfa": "pyerfa",
    "pcapng": "python-pcapng",
    "pydantic_core": "pydantic",  # one project in two distributions
    "ruamel": "ruamel-yaml",
    "serial": "pyserial",
}

# What some module of the product may import though a plain installation does not have it.
EXTRAS = {
    "ground/training": {"onnx", "pytorch-optimizer", "torch"},
    "sim/scenario/target_table.py": {"pyogrio"},  # GeoPackage and KML, in the extra `gis`
    "sim/board/pytest_plugin.py": {"pytest"},  # pytest itself loads it
    "sim/orbit/earth_time.py": {"skyfield"},  # to write the table anew
    "sim/sweep/workers.py": {"distributed"},  # only for --scheduler
}
LOADERS = {"import_module", "importorskip", "__import__"}


def imports(source: str) -> Iterator[str]:
    """The modules that a file imports by absolute names, by whatever means it names them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in LOADERS:
                yield str(node.args[0].value)


@cache
def project() -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return content


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lowest(requirements: list[str]) -> dict[str, str]:
    """The lowest version of each distribution that requirements of one bound allow."""
    found = {}
    for requirement in requirements:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)>=([0-9.]+)", requirement)
        assert match, f"{requirement!r} is not NAME>=VERSION"
        found[normal(match[1])] = match[2]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import onnxruntime",
        "import onnxruntime.capi as c",
        "from onnxruntime import InferenceSession",
        "def f():\n    import onnxruntime",
        "import importlib\nimportlib.import_module('onnxruntime')",
        "pytest.importorskip('onnxruntime')",
    ],
)
def test_every_way_to_import_is_seen(source: str) -> None:
    assert "onnxruntime" in {name.partition(".")[0] for name in imports(source)}


def test_onnxruntime_is_imported_where_its_telemetry_is_off() -> None:
    """Elsewhere it might be loaded first, and would then make connections."""
    importing = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if "onnxruntime" in {name.partition(".")[0] for name in imports(path.read_text("utf-8"))}
    }
    assert importing == {"link/inference.py"}


def test_what_the_product_imports_is_installed_with_it() -> None:
    declared = set(lowest(project()["project"]["dependencies"]))
    imported: set[str] = set()
    for path in SOURCES:
        place = path.relative_to(ROOT).as_posix()
        if not place.startswith(PACKAGES):
            continue
        tops = {name.partition(".")[0] for name in imports(path.read_text("utf-8"))}
        names = {DISTRIBUTIONS.get(top, normal(top)) for top in tops - sys.stdlib_module_names}
        extra = {name for part, more in EXTRAS.items() if place.startswith(part) for name in more}
        assert names <= declared | extra, f"{place}: {sorted(names - declared - extra)}"
        imported |= names
    assert declared <= imported, f"declared and never imported: {sorted(declared - imported)}"


def test_the_lowest_versions_are_those_of_the_project() -> None:
    """`.ci/run` installs these, so a bound that nobody tried cannot be declared."""
    lines = (ROOT / "constraints" / "lowest.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    found = {normal(name): version for name, version in pins}
    assert found == lowest(project()["project"]["dependencies"])


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_are_told_that_we_have_types(package: str) -> None:
    """A marker for each: `downpass` is a namespace without files of its own (PEP 561)."""
    assert (ROOT / package / "py.typed").is_file()
    setuptools = project()["tool"]["setuptools"]
    assert f"downpass.{package}" in setuptools["packages"]
    assert "py.typed" in setuptools["package-data"]["*"]
