"""A file with one codec, as `downpass codec --codec FILE` takes it.

It has what a scenario has under `codec`, and needs no setting: the command line gives one. Paths
are relative to the file's folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ...link.errors import InputError
from ...link.text import printable
from .codec import CodecChoice
from .load import ScenarioError, read_scenario
from .problems import explain, lines_of_problems
from .refusal import shown
from .source import ScenarioSource
from .yamltree import YamlError, parse

ENDINGS: Final = (".yaml", ".yml")
_SETTINGS: Final = ("quality", "bpp", "bytes")
_PLACE: Final = ("satellites", 0, "codec")


def is_codec_file(name: str) -> bool:
    """Return whether a codec on the command line is a file and not a name."""
    return name.lower().endswith(ENDINGS)


def load_codec(path: Path) -> CodecChoice:
    """Read and check a codec's file.

    Raises:
        InputError: The file cannot be read or has faults; all are listed.
    """
    label = printable(str(path))
    try:
        tree = parse(read_scenario(path)).checked()
    except YamlError as error:
        at = label if error.line is None else f"{label}:{error.line}"
        raise InputError(f"{at}: {error.message}") from None
    value: Any = tree.value
    if not isinstance(value, dict):
        raise InputError(f"{label}: found {shown(value)}; allowed: a codec's fields, such as name")
    setting = {} if any(key in value for key in _SETTINGS) else {"quality": 100}
    context = {"file": True, "folder": path.parent}
    try:
        return CodecChoice.model_validate({**value, **setting}, context=context)
    except ValidationError as error:
        # The explanations of a scenario's faults fit, if the codec stands at its place in one.
        start = ".".join(map(str, _PLACE))
        lines = {f"{start}.{where}": line for where, line in tree.lines.items()}
        source = ScenarioSource(path, lines)
        errors = error.errors(include_url=False)
        for one in errors:
            one["loc"] = (*_PLACE, *one["loc"])
        problems = list(explain(errors, {"satellites": [{"codec": value}]}, source))
        found = lines_of_problems(problems, source, label)
        raise ScenarioError([line.replace(f"{start}.", "", 1) for line in found]) from None
