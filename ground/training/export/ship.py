"""Put a model, or a decoder for the model that is there, into the package.

    python -m downpass.ground.training.export.ship --checkpoint RUN/best.ckpt --images DIR

exports the checkpoint (see `model_folder`) and splits the model folder in three, because a board
installs `link` and `payload` alone, and a ground station `link` and `ground`:

  link/student/model/               hyper.onnx, integers.npz (hyper-synthesis and entropy coder),
                                    card.json
  payload/encoders/student/model/   encoder.onnx, the graphs of 8-bit kernels, probe.onnx,
                                    integers.npz (analysis), card.json
  ground/decoders/models/fast/      decoder.onnx, integers.npz (synthesis), card.json

The card in `link` is the model's, that in `ground` the decoder's; the one in `payload` holds the
format and the fingerprint. A decoder for another model that was there before is removed.

With `--decoder full`, the checkpoint is that of a decoder (see `decoder_folder`), which goes to
ground/decoders/models/full. With `--model DIR` in place of a checkpoint, it ships a model folder
that was exported before. With `--graphs`, it writes the graphs anew from the integers that are
already shipped, after a change of the code that makes graphs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ....link.student.shared_model import CODING, FORMAT, HYPER_SYNTHESIS, load_integers
from ....link.student.shared_model import FOLDER as LINK
from ....payload.encoders.student.student_model import FOLDER as PAYLOAD
from ...decoders.student_networks import DECODERS, MODELS, available
from .fingerprints import SYNTHESIS
from .model_folder import DECODER_CARD

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
FOLDERS: Final = {LINK_PART: LINK, PAYLOAD_PART: PAYLOAD, GROUND_PART: MODELS / "fast"}


def part_of(array: str) -> str:
    """Return which part of the package holds an array of `integers.npz`, by its name."""
    if array.startswith(HYPER_SYNTHESIS) or array.split(".")[0] in CODING:
        return LINK_PART
    return GROUND_PART if array.startswith(SYNTHESIS) else PAYLOAD_PART


def ship(model: Path, folders: Mapping[str, Path] = FOLDERS) -> str:
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
    graphs.append(DECODER_CARD)
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
        elif part == GROUND_PART:
            shutil.copyfile(model / DECODER_CARD, folder / "card.json")
        else:
            (folder / "card.json").write_text(json.dumps(mark, indent=1) + "\n")
    return str(card["fingerprint"])


def remove_foreign_decoders() -> list[str]:
    """Delete the package's decoders that were made for another model; return their names."""
    model = shared_model_card()["fingerprint"]
    foreign = [
        name
        for name in available()
        if json.loads((MODELS / name / "card.json").read_text())["fingerprint"] != model
    ]
    for name in foreign:
        shutil.rmtree(MODELS / name)
    return list(foreign)


def shared_model_card() -> dict[str, Any]:
    """Return the card of the model in the package."""
    card: dict[str, Any] = json.loads((LINK / "card.json").read_text())
    return card


def renew_graphs(folders: Mapping[str, Path] = FOLDERS) -> None:
    """Write the graphs anew, from the integers in the folders, and those of other decoders."""
    from .float32_graphs import decoder_graph
    from .model_folder import write_graphs

    arrays = load_integers(*folders.values())
    with tempfile.TemporaryDirectory() as temporary:
        write_graphs(arrays, Path(temporary))
        for part, folder in folders.items():
            for name in _GRAPHS[part]:
                shutil.copyfile(Path(temporary) / name, folder / name)
    for folder in sorted(folders[GROUND_PART].parent.glob("*/")):
        if folder != folders[GROUND_PART]:
            (folder / "decoder.onnx").write_bytes(decoder_graph(load_integers(folder)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Ship from the command line."""
    parser = argparse.ArgumentParser(description="Put a model into the package.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", type=Path)
    source.add_argument("--model", type=Path, help="a model folder that was exported before")
    source.add_argument("--graphs", action="store_true", help="write the shipped graphs anew")
    parser.add_argument("--decoder", choices=DECODERS, help="the checkpoint is that of a decoder")
    parser.add_argument("--images", type=Path, help="the training pictures, with --checkpoint")
    parser.add_argument("--cache", type=Path, help="folder for decoded pictures")
    options = parser.parse_args(arguments)
    if options.graphs:
        renew_graphs()
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.model or Path(temporary)
        if options.checkpoint is not None and options.images is None:
            parser.error("--checkpoint needs --images")
        if options.decoder is not None:
            if options.checkpoint is None:
                parser.error("--decoder needs --checkpoint")
            _ship_decoder(options, folder)
            return
        if options.checkpoint is not None:
            from .__main__ import main as export

            wanted = ["--checkpoint", str(options.checkpoint), "--images", str(options.images)]
            if options.cache is not None:
                wanted += ["--cache", str(options.cache)]
            export([*wanted, "--out", str(folder)])
        mark = ship(folder)
    for name in remove_foreign_decoders():
        sys.stderr.write(f"decoder {name} was for another model than {mark}: removed\n")


def _ship_decoder(options: argparse.Namespace, temporary: Path) -> None:
    """Export a decoder's checkpoint into the package."""
    import torch

    from ..data.augment import CropSampler
    from ..loop.held_out import load_training_and_held_out
    from .decoder_folder import export_decoder

    training, held_out = load_training_and_held_out(options.images, options.cache, temporary)
    sampler = CropSampler(training, crop=128, batch=16, seed=7, device=torch.device("cpu"))
    arrays = load_integers(*FOLDERS.values())
    out = MODELS / options.decoder
    card = export_decoder(
        options.checkpoint, options.decoder, arrays, sampler, held_out, temporary / "decoder"
    )
    shutil.copytree(temporary / "decoder", out, dirs_exist_ok=True)
    sys.stderr.write(
        f"decoder {options.decoder} {card['decoder']}: BD-rate {card['held_out']['bd_rate']:+.2%}\n"
    )


if __name__ == "__main__":
    main()
