"""Write a scenario back as YAML: the values of the file, with those that the command line set."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

MOST_VALUES: Final = 5_000
"""Scenarios of more values are not written: the writer takes a millisecond for ten."""

MOST_CHARACTERS: Final = 200_000


# ruamel.yaml writes some other text, such as `?>` or `+.5`, without the quotes that it needs.
_NEEDS_NO_QUOTES: Final = re.compile(r"(?!\+)[A-Za-z0-9_./+°-]+( [A-Za-z0-9_./+°-]+)*", re.ASCII)


class _Representer(SafeRepresenter):
    """Quotes all text that is not plain, and writes what an alias stands for where it stood."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True

    def quoted(self, data: str) -> Any:
        style = None if _NEEDS_NO_QUOTES.fullmatch(data) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Representer.add_representer(str, _Representer.quoted)


def yaml_text(tree: Any) -> str | None:
    """Return plain values as YAML 1.2 that `parse` reads back; None if there are too many.

    Args:
        tree: Mappings, lists, text, numbers, booleans and None, as `parse` returns them.
    """
    if _is_large(tree):
        return None
    writer: Any = YAML(typ="safe", pure=True)
    writer.Representer = _Representer
    writer.default_flow_style = None  # leaves on one line, as people write them
    writer.allow_unicode = True
    writer.sort_base_mapping_type_on_output = False
    writer.width = 100
    text = io.StringIO()
    writer.dump(tree, text)
    return text.getvalue()


def _is_large(tree: Any) -> bool:
    """Return whether the values are too many or too long; looks at no more than the limit."""
    values = characters = 0
    rest = [tree]
    while rest:
        value = rest.pop()
        values += 1
        if isinstance(value, Mapping):
            rest += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple):
            rest += value
        elif isinstance(value, str):
            characters += len(value)
        if values + len(rest) > MOST_VALUES or characters > MOST_CHARACTERS:
            return True
    return False
