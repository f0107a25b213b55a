"""Checkpoints: written to a temporary file, then renamed, so that a kill cannot damage them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ....link.errors import InputError
from ....link.files import whole_file
from ..networks.codec import Codec
from ..networks.quantise import Grid, switch_on_as_loaded
from ..networks.shape import CodecShape


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        torch.save(content, file)


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        InputError: The file does not exist or is not a checkpoint of the learned codec.
    """
    if not path.exists():
        raise InputError(f"{path}: no such checkpoint")
    if not path.is_file():  # a named pipe would hold the program up for ever
        raise InputError(f"{path}: no regular file; allowed is a checkpoint")
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise InputError(f"{path}: not a checkpoint ({type(error).__name__})") from error
    wanted = ("shape", "model")
    if not isinstance(content, dict) or not all(
        isinstance(content.get(name), dict) for name in wanted
    ):
        raise InputError(f"{path}: not a checkpoint of the learned codec")
    states = [content["model"], content.get("averaged") or {}]
    if not all(isinstance(state, dict) and _holds_tensors(state) for state in states):
        raise InputError(f"{path}: not a checkpoint of the learned codec")
    return content


def _holds_tensors(state: dict[str, Any]) -> bool:
    return all(isinstance(value, torch.Tensor) for value in state.values())


def shape_of(content: dict[str, Any]) -> CodecShape:
    """Return the widths of a checkpoint's networks.

    Raises:
        InputError: They are not the widths of a learned codec.
    """
    try:
        stored = content["shape"].items()
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored}
        return CodecShape(**fields)
    except (TypeError, ValueError) as error:
        raise InputError(f"checkpoint of another codec ({error})") from None


def shape_to_store(shape: CodecShape) -> dict[str, Any]:
    """Return widths in the form that checkpoints hold."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(shape).items()}


def restore(module: nn.Module, state: dict[str, Any]) -> None:
    """Load weights. Arrays that an older checkpoint lacks keep their initial values.

    Raises:
        InputError: An array has another shape than here, or is unknown here.
    """
    current = module.state_dict()
    # The code determines fixed fractions; an older checkpoint may hold others.
    fixed = {
        f"{name}.fraction"
        for name, part in module.named_modules()
        if isinstance(part, Grid) and part.fixed
    }
    state = {name: value for name, value in state.items() if name not in fixed}
    for name, value in state.items():
        if name not in current:
            raise InputError(f"the checkpoint has an array {name}, which this codec does not have")
        if current[name].shape != value.shape:
            raise InputError(
                f"the checkpoint's array {name} has the shape {tuple(value.shape)}; "
                f"this codec's has {tuple(current[name].shape)}"
            )
    module.load_state_dict(state, strict=False)
    switch_on_as_loaded(module)


def averaged_codec(path: Path, device: torch.device | str = "cpu") -> Codec:
    """Return a codec with the averaged weights of a checkpoint, ready to evaluate or export."""
    content = load(path, device)
    codec = Codec(shape_of(content)).to(device)
    restore(codec, content.get("averaged") or content["model"])
    return codec.eval()
