"""Apply changes from the command line, such as `satellites.0.codec.bpp=0.5`."""

from __future__ import annotations

import itertools
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

    An element of a list is given by its number or its `name`; `*` stands for all elements.
    """
    path, equals, text = override.partition("=")
    path = path.strip()
    if not equals or not path:
        raise OverrideError(
            f"--set {shown(override)}: allowed: FIELD=VALUE, such as satellites.0.codec.bpp=0.5"
        )
    try:
        given = parse(text)
    except YamlError as error:
        raise OverrideError(f"--set {shown(path)}: {error.message}") from None
    if given.faults:
        where, _, message = given.faults[0]
        raise OverrideError(f"--set {shown(path)}: {shown(where)}: {message}")
    steps = path.split(".")
    if "" in steps:
        raise OverrideError(f"--set {shown(path)}: found an empty step; allowed: a.b.c=VALUE")
    if len(steps) > DEEPEST or any(len(step) > LONGEST_KEY for step in steps):
        raise OverrideError(
            f"--set {shown(path)}: allowed: at most {DEEPEST} steps of {LONGEST_KEY} characters"
        )
    return _set(tree, steps, "", given.value)


def place_of(path: str) -> str:
    """Return what a path that was set decides; paths of which each removes the other decide one.

    Args:
        path: A path as `apply` returns it.
    """
    parent, _, key = path.rpartition(".")
    return f"{parent}.rate" if key in _ALTERNATIVES and parent.endswith(".codec") else path


def _set(parent: Any, steps: list[str], where: str, value: Any) -> list[str]:
    """Set the field that `steps` lead to from `parent`, whose own path is `where`."""
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
    if first.isascii() and first.isdecimal() and len(first) < 10:
        if int(first) < len(items):
            return [(int(first), steps[1:])]
        raise OverrideError(
            f"--set {shown('.'.join([where, *steps]))}: found number {first}; "
            f"allowed: {f'0 to {len(items) - 1}' if items else 'none, the list is empty'}"
        )
    names = {_name(item): i for i, item in reversed(list(enumerate(items)))}
    names.pop(None, None)
    # A name may contain dots: the longest run of steps that is a name wins.
    for used in range(len(steps), 0, -1):
        index = names.get(".".join(steps[:used]))
        if index is not None:
            return [(index, steps[used:])]
    known = [str(name)[:LONGEST] for name in itertools.islice(names, MOST)]
    close = closest(first, known)
    hint = f"did you mean {shown(close)}?" if close else f"allowed: {_few(known, len(items))}"
    raise OverrideError(
        f"--set {shown('.'.join([where, *steps]))}: found no {shown(first)} in {where}; {hint}"
    )


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
