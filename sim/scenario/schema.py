"""Make the JSON Schema of scenario files, with which an editor completes and checks them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from .base import section_name
from .describe import input_models, keys, models_in, number_of
from .scenario import Scenario
from .units import Quantity

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _SectionNames(GenerateJsonSchema):
    """Name each definition after its section, without the `Spec` of the model's name."""

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(name).removesuffix("Spec")


def json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12), made from the models."""
    schema = Scenario.model_json_schema(schema_generator=_SectionNames)
    definitions = schema["$defs"]
    for model in _all_models(Scenario, set()):
        found = schema if model is Scenario else definitions[section_name(model)]
        if "properties" not in found:  # a station: a name, or this mapping
            found = next(form for form in found["anyOf"] if "properties" in form)
        _write_defaults(model, found["properties"])
    return {"$schema": DIALECT} | schema | {"title": "downpass scenario"}


def schema_text() -> str:
    """Return the schema as it is printed and shipped."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _all_models(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    if model not in seen:
        seen.add(model)
        for field in model.model_fields.values():
            for inner in (*models_in(field.annotation), *input_models(field)):
                _all_models(inner, seen)
    return seen


def _write_defaults(model: type[BaseModel], properties: dict[str, Any]) -> None:
    """Write defaults as a file would: `25 deg` rather than 25.0."""
    for key, field in keys(model):
        quantity = number_of(field)
        found = properties[key]
        if isinstance(quantity, Quantity) and isinstance(found.get("default"), int | float):
            if found["default"] or (quantity.above is None and quantity.least in ("0 m", "0 deg")):
                found["default"] = type(quantity).written(found["default"]) or 0
            else:
                del found["default"]  # 0 stands for a figure from elsewhere, such as the profile's
            if found.get("default") == "0":
                found["default"] = 0
