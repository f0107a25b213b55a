"""Apply changes from the command line, such as `satellites.0.codec.bpp=0.5`."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ...link.suggestion import LONGEST, MOST, closest
from .refusal import shown
from .yamltree import DEEPEST, LONGEST_KEY, YamlError, parse

# Setting one of these removes the others.
_ALTERNATIVES = ("quality", "bpp", "bytes")


class OverrideError(Exception):
    """An override that cannot be applied, in one line."""


def apply(tree: Any, override: str) -> list[str]:
    """Apply an override to the tree in place; return the paths that were set.

    An element of a list is given by its number or its `name`; `*` stands for all elements. What is
    in quotes is a name, even if it looks like a number.
    """
    path, equals, text = override.partition("=")
    path = path.strip()
    if not equals or not path:
        raise OverrideError(
            f"--set {shown(override)}: allowed: FIELD=VALUE, such as satellites.0.codec.bpp=0.5"
        )
    try:
        value = parse(text).checked().value
    except YamlError as error:
        raise OverrideError(f"--set {shown(path)}: {error.message}") from None
    steps = path.split(".")
    if "" in steps:
        raise OverrideError(f"--set {shown(path)}: found an empty step; allowed: a.b.c=VALUE")
    if len(steps) > DEEPEST or any(len(step) > LONGEST_KEY for step in steps):
        raise OverrideError(
            f"--set {shown(path)}: allowed: at most {DEEPEST} steps of {LONGEST_KEY} characters"
        )
    return _set(tree, steps, "", value)


def place_of(path: str) -> str:
    """Return what a path that was set decides; paths of which each removes the other decide one.

    Args:
        path: A path as `apply` returns it.
    """
    parent, _, key = path.rpartition(".")
    return f"{parent}.rate" if key in _ALTERNATIVES and parent.endswith(".codec") else path


def _set(parent: Any, steps: list[str], where: str, value: Any) -> list[str]:
    """Set the field that `steps` lead to from `parent`, whose own path is `where`.

    What lies on the way is copied, because elements that were set by `*` share their value.
    """
    if isinstance(parent, list):
        done: list[str] = []
        for index, rest in _elements(parent, steps, where):
            here = f"{where}.{index}"
            if not rest:
                parent[index] = value
                done.append(here)
                continue
            if isinstance(parent[index], str) and where == "stations":
                parent[index] = {"use": parent[index]}
            parent[index] = copy.copy(parent[index])
            done += _set(parent[index], rest, here, value)
        return done
    if not isinstance(parent, dict):
        raise OverrideError(
            f"--set {shown('.'.join([where, *steps]))}: {where or 'the file'} is {shown(parent)} "
            "and has no parts"
        )
    key, rest = steps[0], steps[1:]
    here = f"{where}.{key}" if where else key
    if rest:
        if parent.get(key) is None:
            # The file omits this section. If its key is unknown, the models refuse it later.
            parent[key] = {}
        parent[key] = copy.copy(parent[key])
        return _set(parent[key], rest, here, value)
    if key in _ALTERNATIVES and where.endswith(".codec"):
        for other in _ALTERNATIVES:
            parent.pop(other, None)
    parent[key] = value
    return [here]


def _elements(items: list[Any], steps: list[str], where: str) -> list[tuple[int, list[str]]]:
    """Return the elements that the first steps select, each with the remaining steps."""
    first = steps[0]
    if first == "*":
        return [(i, steps[1:]) for i in range(len(items))]
    start = f"--set {shown('.'.join([where, *steps]))}: found"
    names = _names(items)
    named = _named(names, steps)
    number = int(first) if first.isascii() and first.isdecimal() and len(first) < 10 else None
    if named is not None and (number is None or number >= len(items) or named[0] == number):
        return [named]
    if number is not None and number < len(items):
        if named is None:
            return [(number, steps[1:])]
        quoted = [f'"{_name(items[index])}"' for index in (number, named[0]) if _name(items[index])]
        raise OverrideError(
            f"{start} {first}, which is a number and the name of number {named[0]}; "
            f"allowed: a name in quotes, {' or '.join(map(shown, quoted))}"
        )
    if number is not None:
        raise OverrideError(
            f"{start} number {first}; "
            f"allowed: {f'0 to {len(items) - 1}' if items else 'none, the list is empty'}"
        )
    known = [str(name)[:LONGEST] for name in itertools.islice(names, MOST)]
    close = closest(first, known)
    hint = f"did you mean {shown(close)}?" if close else f"allowed: {_few(known, len(items))}"
    raise OverrideError(f"{start} no {shown(first)} in {where}; {hint}")


def step_to(items: Sequence[Any], index: int) -> str:
    """Return the step of a path that selects an element of a list of the file.

    Args:
        items: The list, as plain values.
        index: Number of the element.
    """
    name = _name(items[index]) if index < len(items) else None
    is_taken = _names(items).get(str(index), index) != index
    return str(index) if name is None or not is_taken else f'"{name}"'


def _names(items: Sequence[Any]) -> dict[str, int]:
    """Return the number of the first element of each name."""
    names = {_name(item): i for i, item in reversed(list(enumerate(items)))}
    return {name: i for name, i in names.items() if name is not None}


def _named(names: Mapping[str, int], steps: list[str]) -> tuple[int, list[str]] | None:
    """Return the element whose name the first steps are, and the remaining steps."""
    # A name may contain dots: the longest run of steps that is a name wins.
    for used in range(len(steps), 0, -1):
        text = ".".join(steps[:used])
        index = names.get(text)
        if index is None and len(text) > 2 and text[0] == text[-1] and text[0] in "\"'":
            index = names.get(text[1:-1])
        if index is not None:
            return index, steps[used:]
    return None


def _few(known: list[str], count: int) -> str:
    listed = [*map(shown, sorted(known)[:8]), *(["…"] if len(known) > 8 else [])]
    return ", ".join([*([f"0 to {count - 1}"] if count else []), *listed]) or "nothing, it is empty"


def _name(item: Any) -> str | None:
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        for key in ("name", "use"):
            if isinstance(item.get(key), str):
                return str(item[key])
    return None
