"""Put the faults of a scenario file into words for planners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from ...link.suggestion import closest
from .base import Model, one_of
from .codec import CodecChoice, EncoderChoice
from .describe import keys, models_in, yaml_value
from .faults import FaultsSpec
from .ground import StationSpec, TargetSpec
from .link import LinkSpec, ReceiverSpec
from .orbit import FORMS, orbit_form
from .refusal import one_line, shown
from .scenario import Scenario
from .source import ScenarioSource
from .spacecraft import Power, TransmitterSpec
from .target_file import TargetFileSpec


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a file.

    Attributes:
        where: Path of the field.
        message: What was found, and what is allowed.
        line: Line in the file, from 1; None if it is not known.
    """

    where: str
    message: str
    line: int | None


def lines_of_problems(
    problems: Iterable[Problem], source: ScenarioSource, label: str
) -> Iterator[str]:
    """Yield one line for each distinct problem: overrides first, then in the file's order."""
    seen: set[tuple[str, str]] = set()
    problems = sorted(
        problems, key=lambda p: (not source.is_override(p.where), p.line or 0, p.where)
    )
    for problem in problems:
        if (problem.where, problem.message) in seen:
            continue
        seen.add((problem.where, problem.message))
        where = one_line(".".join(step[:60] for step in problem.where.split(".")))
        start = f"--set {where}" if source.is_override(problem.where) else ""
        start = start or placed(label, problem.line) + (f": {where}" if where else "")
        yield f"{start}: {one_line(problem.message)}"


def clashes_in(value: Any, source: ScenarioSource) -> Iterator[Problem]:
    """Yield clashes between fields, even if other parts of the file are invalid."""

    def ask(model: type[Model], given: object, where: str) -> Iterator[Problem]:
        if isinstance(given, Mapping):
            for at, message in model.clashes(given):
                path = ".".join(p for p in (where, at) if p)
                yield Problem(path, message, source.line_of(path))

    yield from ask(Scenario, value, "")
    if _is_file_of_targets(value.get("targets")):
        yield from ask(TargetFileSpec, value["targets"], "targets")
    for key in ("satellites", "targets", "stations"):
        items = value.get(key)
        for i, item in enumerate(items if isinstance(items, list) else ()):
            if key == "targets":
                model = TargetFileSpec if _is_file_of_targets(item) else TargetSpec
                yield from ask(model, item, f"targets.{i}")
            elif key == "stations":
                if isinstance(item, Mapping):
                    yield from ask(ReceiverSpec, item.get("receiver"), f"stations.{i}.receiver")
            elif isinstance(item, Mapping):
                yield from ask(Power, item.get("power"), f"satellites.{i}.power")
                yield from ask(CodecChoice, item.get("codec"), f"satellites.{i}.codec")
                encoder, at = item.get("encoder"), f"satellites.{i}.encoder"
                yield from ask(EncoderChoice, encoder, at)
                faults = encoder.get("faults") if isinstance(encoder, Mapping) else None
                if isinstance(faults, Mapping):
                    for part, inner in FaultsSpec.sections():
                        yield from ask(inner, faults.get(part), f"{at}.faults.{part}")
                transmitter, at = item.get("transmitter"), f"satellites.{i}.transmitter"
                yield from ask(TransmitterSpec, transmitter, at)
                if isinstance(transmitter, Mapping):
                    yield from ask(LinkSpec, transmitter.get("link"), f"{at}.link")


def explain(
    errors: Sequence[ErrorDetails], value: Any, source: ScenarioSource
) -> Iterator[Problem]:
    """Turn pydantic's errors into messages for planners."""
    meant: set[str] = set()
    missing: list[tuple[str, Problem]] = []
    for error in errors:
        steps, model = _locate(error["loc"], value)
        where = ".".join(steps)
        line = source.line_of(where)
        kind = error["type"]
        if kind == "missing":
            parent = ".".join(steps[:-1])
            text = f"missing{_for_example(model, steps[-1])}"
            missing.append((where, Problem(where, text, source.line_of(parent))))
        elif kind == "extra_forbidden":
            known = _key_names(model)
            close = closest(steps[-1], known)
            hint = f"did you mean {close}?" if close else f"allowed: {', '.join(known)}"
            if close:
                meant.add(".".join([*steps[:-1], close]))
            yield Problem(where, f"no such key; {hint}", line)
        elif kind == "downpass":
            context = error.get("ctx", {})
            where = ".".join([*steps, *([context["at"]] if context["at"] else [])])
            yield Problem(where, str(context["message"]), source.line_of(where))
        elif kind == "too_short" and error["input"]:
            continue  # invalid elements are not counted; each has its own error
        else:
            yield Problem(where, _in_words(error, model), line)
    # A misspelt key is reported once, and not also as a missing key.
    yield from (problem for where, problem in missing if where not in meant)


def _locate(loc: tuple[int | str, ...], value: Any) -> tuple[list[str], type[BaseModel] | None]:
    """Return the path of an error in the file, and the model to which its last step belongs."""
    steps: list[str] = []
    model: type[BaseModel] | None = Scenario
    holder: type[BaseModel] | None = Scenario
    before: int | str = ""
    for part in loc:
        before, previous = part, before
        if previous == "orbit" or (previous == "modes" and isinstance(part, str)):
            continue  # the tag of the orbit's or the modes' form, which is not in the file
        if part == "[key]":
            continue
        steps.append(str(part))
        if isinstance(part, int):
            if steps[0] == "targets" and _is_file_of_targets(_at(value, steps)):
                model = TargetFileSpec
            continue
        if previous == "over":
            holder = model  # a field that the sweep varies; its range is the model
            continue
        holder = model
        model = _model_of(model, part)
        if part == "orbit":
            raw = _at(value, steps)
            model = FORMS[orbit_form(raw)]
        if part == "targets" and _is_file_of_targets(_at(value, steps)):
            model = TargetFileSpec
    if steps[-3:-1] == ["rate", "0"] and not isinstance(_at(value, steps[:-2]), list):
        del steps[-2:]  # the file has a plain rate, which became a list of one step
    if "bookings" in steps:
        at = steps.index("bookings") + 1
        given = _at(value, steps[:at])
        short = "passes" if isinstance(given, list) else "plan" if isinstance(given, str) else ""
        if steps[at : at + 1] == [short]:
            del steps[at]  # the file has a plain list or path, which became a mapping
    last_is_inside = bool(loc) and isinstance(loc[-1], int)
    return steps, model if last_is_inside else holder


def _is_file_of_targets(value: object) -> bool:
    return isinstance(value, Mapping) and "file" in value


def _at(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _model_of(model: type[BaseModel] | None, key: str) -> type[BaseModel] | None:
    """Return the model of a field's value, or of its elements."""
    for name, field in keys(model) if model is not None else ():
        if key == name:
            return next(models_in(field.annotation), None)
    return None


def _key_names(model: type[BaseModel] | None) -> list[str]:
    if model is None:
        return []
    names = [name for name, _ in keys(model)]
    return [*names, "use"] if model is StationSpec else names


def keys_of(model: type[BaseModel] | None) -> str:
    """Return the keys of a model's section of the file, as a list for a sentence."""
    return ", ".join(_key_names(model))


def _for_example(model: type[BaseModel] | None, key: str) -> str:
    for name, field in keys(model) if model is not None else ():
        if key == name:
            if field.examples:
                return f"; for example {key}: {yaml_value(field.examples[0])}"
            inner = next(models_in(field.annotation), None)
            if key == "orbit":
                return "; allowed: tle, omm, oem, or altitude with inclination or sun_synchronous"
            return f"; allowed: a mapping with keys {keys_of(inner)}" if inner else ""
    return ""


def _in_words(error: ErrorDetails, model: type[BaseModel] | None) -> str:
    found = f"found {shown(error['input'])}"
    context = error.get("ctx", {})
    match error["type"]:
        case "model_type" | "model_attributes_type" | "dict_type":
            key = str(error["loc"][-1]) if error["loc"] else ""
            inner = model if isinstance(error["loc"][-1], int) else _model_of(model, key)
            known = keys_of(inner)
            name = "a station's name or " if inner is StationSpec else ""
            return f"{found}; allowed: {name}a mapping" + (f" with keys {known}" if known else "")
        case "tuple_type":
            return f"{found}; allowed: a list"
        case "too_short":
            return f"{found}; allowed: at least {context['min_length']}"
        case "too_long":
            return f"found {context['actual_length']}; allowed: at most {context['max_length']}"
        case "literal_error":
            wanted = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            subject = error["loc"][-2] if error["loc"][-1] == "[key]" else error["input"]
            return f"found {shown(subject)}; {one_of(subject, wanted)}"
        case "string_type":
            return f"{found}; allowed: text"
        case "string_pattern_mismatch":
            return (
                f"{found}; allowed: letters, digits, dot, dash and underscore, "
                "a letter or digit first, 64 at most"
            )
        case "string_too_long":
            return f"found {len(str(error['input']))} characters; allowed: {context['max_length']}"
        case _:
            return f"{found}; {error['msg'][:1].lower()}{error['msg'][1:]}"


def placed(label: str, line: int | None) -> str:
    """Return a file's name with the number of a line, if it is known."""
    return label if line is None else f"{label}:{line}"
