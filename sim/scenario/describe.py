"""Describe the fields of models, for the JSON Schema and the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .plain_numbers import Number
from .units import Quantity


def keys(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the keys of a section as a file writes them, with their fields."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def number_of(field: FieldInfo) -> Quantity | Number | None:
    """Return kind and bounds of a numeric field or of its elements; None if it has no numbers."""
    for item in (*field.metadata, *_annotations(field.annotation)):
        if isinstance(item, Quantity | Number):
            return item
    return None


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield all models in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def input_models(field: FieldInfo) -> Iterator[type[BaseModel]]:
    """Yield the models that a file may have in place of a field's own."""
    for item in field.metadata:
        yield from models_in(getattr(item, "json_schema_input_type", None))


def choices(annotation: Any) -> list[str]:
    """Return the words that a field allows; empty if it allows any."""
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    return [choice for inner in get_args(annotation) for choice in choices(inner)]


def yaml_value(value: Any) -> str:
    """Return a short value as a file would write it."""
    match value:
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case list() | tuple():
            return "[" + ", ".join(yaml_value(item) for item in value) + "]"
        case dict():
            inside = ", ".join(f"{key}: {yaml_value(item)}" for key, item in value.items())
            return "{" + inside + "}"
        case float():
            return f"{value:.15g}"
        case str() if ":" in value and " " not in value and not value.endswith("Z"):
            return f'"{value}"'
        case str() if "{" in value:
            return f'"{value}"'
    return str(value)


def _annotations(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _annotations(inner)
