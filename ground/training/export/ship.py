"""Put a model into the package: what flies into `payload`, the decoder into `ground`.

    python -m downpass.ground.training.export.ship --checkpoint RUN/best.ckpt --images DIR

exports the checkpoint (see `export`) and splits the model folder in two, because a board
installs `link` and `payload` alone:

  payload/encoders/student/model/   encoder.onnx, hyper.onnx, the same in 8-bit kernels,
                                    probe.onnx, integers.npz, card.json
  ground/decoders/model/            decoder.onnx, integers.npz (the synthesis), card.json

With `--model DIR` in place of a checkpoint it ships a folder that `export` wrote before, and with
`--graphs` it makes the graphs of the integers that are shipped already, after a change of theirs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ....payload.encoders.student.student_model import FOLDER as PAYLOAD
from ....payload.encoders.student.student_model import FORMAT
from ...decoders.student import FOLDER as GROUND

_FLIES = (
    "encoder.onnx",
    "hyper.onnx",
    "encoder_narrow.onnx",
    "side_narrow.onnx",
    "hyper_narrow.onnx",
    "probe.onnx",
    "card.json",
)
_STAYS = ("decoder.onnx",)
_STAYS_PREFIX = "synthesis."


def ship(model: Path, payload: Path = PAYLOAD, ground: Path = GROUND) -> str:
    """Split a model folder into what flies and what stays; return its fingerprint.

    Raises:
        ValueError: The folder's format is not this package's.
    """
    card = json.loads((model / "card.json").read_text())
    if card["format"] != FORMAT:
        raise ValueError(f"{model}: format {card['format']}; this package reads {FORMAT}")
    missing = [name for name in (*_FLIES, *_STAYS) if not (model / name).exists()]
    if missing:
        raise ValueError(f"{model}: has no {', '.join(missing)}; export it again")
    with np.load(model / "integers.npz") as file:
        arrays = {name: file[name] for name in file.files}
    mark = {"format": card["format"], "fingerprint": card["fingerprint"]}
    for folder, names, stays in ((payload, _FLIES, False), (ground, _STAYS, True)):
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copyfile(model / name, folder / name)
        own = {k: v for k, v in sorted(arrays.items()) if k.startswith(_STAYS_PREFIX) == stays}
        np.savez_compressed(folder / "integers.npz", **own)
    (ground / "card.json").write_text(json.dumps(mark, indent=1) + "\n")
    return str(card["fingerprint"])


def renew_graphs(payload: Path = PAYLOAD, ground: Path = GROUND) -> None:
    """Make the graphs of the integers in both folders anew."""
    from .export import write_graphs

    arrays = {}
    for folder in (payload, ground):
        with np.load(folder / "integers.npz") as file:
            arrays.update({name: file[name] for name in file.files})
    with tempfile.TemporaryDirectory() as made:
        write_graphs(arrays, Path(made))
        for folder, names in ((payload, _FLIES), (ground, _STAYS)):
            for name in names:
                if name.endswith(".onnx"):
                    shutil.copyfile(Path(made) / name, folder / name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Ship from the command line."""
    parser = argparse.ArgumentParser(description="Put a model into the package.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", type=Path)
    source.add_argument("--model", type=Path, help="a folder that export wrote")
    source.add_argument("--graphs", action="store_true", help="renew the shipped graphs")
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
    from . import export

    with tempfile.TemporaryDirectory() as folder:
        wanted = ["--checkpoint", str(options.checkpoint), "--images", str(options.images)]
        if options.cache is not None:
            wanted += ["--cache", str(options.cache)]
        export.main([*wanted, "--out", folder])
        ship(Path(folder))


if __name__ == "__main__":
    main()
