"""Put a model into the package: each part into the folder of those that run it.

    python -m downpass.ground.training.export.ship --checkpoint RUN/best.ckpt --images DIR

exports the checkpoint (see `model_folder`) and splits the model folder in three, because a board
installs `link` and `payload` alone, and a ground station `link` and `ground`:

  link/student/model/               hyper.onnx, integers.npz (hyper-synthesis and entropy coder),
                                    card.json
  payload/encoders/student/model/   encoder.onnx, the graphs of 8-bit kernels, probe.onnx,
                                    integers.npz (analysis), card.json
  ground/decoders/model/            decoder.onnx, integers.npz (synthesis), card.json

The card in `link` is complete; the two others hold the format and the fingerprint.

With `--model DIR` in place of a checkpoint, it ships a model folder that was exported before. With
`--graphs`, it writes the graphs anew from the integers that are already shipped, after a change of
the code that makes graphs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ....link.student.shared_model import CODING, FORMAT, HYPER_SYNTHESIS, load_integers
from ....link.student.shared_model import FOLDER as LINK
from ....payload.encoders.student.student_model import FOLDER as PAYLOAD
from ...decoders.student import FOLDER as GROUND

LINK_PART, PAYLOAD_PART, GROUND_PART = "link", "payload", "ground"
_GRAPHS: Final = {
    LINK_PART: ("hyper.onnx",),
    PAYLOAD_PART: (
        "encoder.onnx",
        "encoder_int8.onnx",
        "side_int8.onnx",
        "hyper_int8.onnx",
        "probe.onnx",
    ),
    GROUND_PART: ("decoder.onnx",),
}
_FOLDERS: Final = {LINK_PART: LINK, PAYLOAD_PART: PAYLOAD, GROUND_PART: GROUND}


def part_of(array: str) -> str:
    """Return which part of the package holds an array of `integers.npz`, by its name."""
    if array.startswith(HYPER_SYNTHESIS) or array.split(".")[0] in CODING:
        return LINK_PART
    return GROUND_PART if array.startswith("synthesis.") else PAYLOAD_PART


def ship(model: Path, folders: Mapping[str, Path] = _FOLDERS) -> str:
    """Copy a model folder's parts into the folders of `link`, `payload` and `ground`.

    Args:
        model: The model folder.
        folders: Folder of each part.

    Returns:
        The model's fingerprint.

    Raises:
        ValueError: The folder is of another format, or a file is missing.
    """
    card = json.loads((model / "card.json").read_text())
    if card["format"] != FORMAT:
        raise ValueError(f"{model}: format {card['format']}; this package reads {FORMAT}")
    graphs = [name for names in _GRAPHS.values() for name in names]
    missing = [name for name in graphs if not (model / name).exists()]
    if missing:
        raise ValueError(f"{model}: has no {', '.join(missing)}; export it again")
    arrays = load_integers(model)
    mark = {"format": card["format"], "fingerprint": card["fingerprint"]}
    for part, folder in folders.items():
        folder.mkdir(parents=True, exist_ok=True)
        for name in _GRAPHS[part]:
            shutil.copyfile(model / name, folder / name)
        chosen = {name: arrays[name] for name in sorted(arrays) if part_of(name) == part}
        np.savez_compressed(folder / "integers.npz", **chosen)  # type: ignore[arg-type]
        if part == LINK_PART:
            shutil.copyfile(model / "card.json", folder / "card.json")
        else:
            (folder / "card.json").write_text(json.dumps(mark, indent=1) + "\n")
    return str(card["fingerprint"])


def renew_graphs(folders: Mapping[str, Path] = _FOLDERS) -> None:
    """Write the graphs anew, from the integers in the folders."""
    from .model_folder import write_graphs

    arrays = load_integers(*folders.values())
    with tempfile.TemporaryDirectory() as temporary:
        write_graphs(arrays, Path(temporary))
        for part, folder in folders.items():
            for name in _GRAPHS[part]:
                shutil.copyfile(Path(temporary) / name, folder / name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Ship from the command line."""
    parser = argparse.ArgumentParser(description="Put a model into the package.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", type=Path)
    source.add_argument("--model", type=Path, help="a model folder that was exported before")
    source.add_argument("--graphs", action="store_true", help="write the shipped graphs anew")
    parser.add_argument("--images", type=Path, help="the training pictures, with --checkpoint")
    parser.add_argument("--cache", type=Path, help="folder for decoded pictures")
    options = parser.parse_args(arguments)
    if options.model is not None:
        ship(options.model)
        return
    if options.graphs:
        renew_graphs()
        return
    if options.images is None:
        parser.error("--checkpoint needs --images")
    from .__main__ import main as export

    with tempfile.TemporaryDirectory() as folder:
        wanted = ["--checkpoint", str(options.checkpoint), "--images", str(options.images)]
        if options.cache is not None:
            wanted += ["--cache", str(options.cache)]
        export([*wanted, "--out", folder])
        ship(Path(folder))


if __name__ == "__main__":
    main()
