"""Fields of codecs that are not downpass's own: their programs, graphs and limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from ...link.foreign.command import (
    FIXED,
    LONGEST_WORD,
    MOST_WORDS,
    PLACEHOLDERS,
    unknown_placeholders,
)
from ...link.foreign.quality_scale import MOST_STEPS
from ...payload.encoders.traits import TRAITS
from .base import Clashes
from .fields import FilePath
from .refusal import fault, shown

NEEDED = {"command": ("encode", "decode"), "onnx": ("encoder", "decoder")}
"""The fields without which a codec from outside cannot work, by its name."""
WORKINGS = {
    "command": (*NEEDED["command"], "interleave", "files", "qualities"),
    "onnx": (*NEEDED["onnx"], "layout", "multiple", "qualities"),
}
"""The fields on which the results of a codec from outside depend, by its name."""
MOST_FILES = 100
_LARGEST_QUALITY = 1_000_000


def _command(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Return a program and its arguments, with the scenario file's folder put in."""
    wanted = 'allowed: a program and its arguments, such as [python3, "{folder}/ours.py"]'
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_WORDS:
        size = f"{len(value)} words" if isinstance(value, list | tuple) else shown(value)
        raise fault(f"found {size}; {wanted}, up to {MOST_WORDS}")
    words = [str(word) if isinstance(word, int | float) else word for word in value]
    for word, given in zip(words, value, strict=True):
        if not isinstance(word, str) or isinstance(given, bool) or "\0" in word:
            raise fault(f"found {shown(given)}; {wanted}")
        if len(word) > LONGEST_WORD:
            raise fault(f"found an argument of {len(word)} characters; allowed: {LONGEST_WORD}")
    if not words[0].strip():
        raise fault(f"found an empty program; {wanted}")
    without = () if info.field_name == "encode" else ("quality",)
    if unknown := unknown_placeholders(words, without):
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS if name not in without)
        raise fault(f"found {shown(f'{{{unknown[0]}}}')}; allowed: {known}")
    if any(f"{{{name}}}" in words[0] for name in PLACEHOLDERS if name not in FIXED):
        raise fault(
            f"found {shown(words[0])}; allowed for the program: {{folder}} and {{python}} alone"
        )
    folder: Path = (info.context or {}).get("folder", Path()).absolute()
    program, *arguments = (word.replace("{folder}", str(folder)) for word in words)
    # A program with a slash is a path, as it is for a shell.
    return (str(folder / program) if "/" in program else program, *arguments)


CommandLine = Annotated[
    tuple[str, ...],
    BeforeValidator(_command),
    WithJsonSchema(
        {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_WORDS,
            "items": {"type": ["string", "number"]},
        }
    ),
]


def _qualities(value: object) -> tuple[int, int]:
    wanted = "allowed: two whole numbers, coarsest and finest, such as [1, 31] or [31, 1]"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise fault(f"found {shown(value)}; {wanted}")
    for end in value:
        if isinstance(end, bool) or not isinstance(end, int) or abs(end) > _LARGEST_QUALITY:
            raise fault(f"found {shown(end)}; {wanted}")
    steps = abs(value[1] - value[0]) + 1
    if not 2 <= steps <= MOST_STEPS:
        raise fault(f"found {steps} qualities; allowed: 2 to {MOST_STEPS}")
    return value[0], value[1]


Qualities = Annotated[
    tuple[int, int],
    BeforeValidator(_qualities),
    WithJsonSchema({"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}}),
]

Files = tuple[FilePath, ...]


def foreign_clashes(given: Mapping[str, Any]) -> Clashes:
    """Yield a clash for each field that a codec from outside needs and does not have."""
    name = given.get("name")
    if not isinstance(name, str) or name not in TRAITS or not TRAITS[name].foreign:
        return
    for key in NEEDED[name]:
        if given.get(key) is None:
            yield key, f"missing; allowed with codec {name}: {' and '.join(NEEDED[name])}"
