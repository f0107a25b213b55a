"""Entry point of `downpass train`: from command-line options to a finished run."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from typing import Any

from ..data.corpus import Corpus
from ..networks.complexity import complexity
from ..networks.shape import CodecShape
from .checkpoint import load, shape_of
from .decoder_trainer import DecoderTrainer, decoder_shape, load_synthesis, with_synthesis
from .held_out import HeldOutPicture, load_training_and_held_out
from .processes import Processes, started
from .settings import TrainSettings
from .trainer import Trainer
from .warm_start import load_start

log = logging.getLogger(__name__)


def make_trainer(
    options: argparse.Namespace,
    settings: TrainSettings,
    training: Corpus,
    held_out: Sequence[HeldOutPicture],
    processes: Processes | None = None,
) -> Trainer:
    """Return the trainer of what `options.model` names, with its networks begun or resumed.

    Raises:
        InputError: A checkpoint or a setting is not valid.
    """
    latest, kind = options.out / "latest.ckpt", Trainer
    wants_integers = options.model == "decoder"
    start = None
    if options.start is not None and not latest.exists():
        start = load_start(options.start, settings.device, on_grids=wants_integers)
    if latest.exists():
        shape = shape_of(load(latest))
    else:
        shape = CodecShape() if start is None else shape_of(start)
        shape, start = _with_decoder(options, shape, start)
    if wants_integers:
        kind = DecoderTrainer
    trainer = kind(settings, shape, training, held_out, processes)
    trainer.begin(start)
    return trainer


def _with_decoder(
    options: argparse.Namespace, shape: CodecShape, start: dict[str, Any] | None
) -> tuple[CodecShape, dict[str, Any] | None]:
    """Return the shape with the decoder that is trained, and what a student begins from with it."""
    name = options.decoder or ("full" if options.model == "decoder" else None)
    if name is None:
        return shape, start
    synthesis = None if options.synthesis is None else load_synthesis(options.synthesis)
    shape = decoder_shape(shape, name, synthesis)
    if options.model == "student" and start is not None:
        start = with_synthesis(start, shape, synthesis)
    return shape, start


def train(options: argparse.Namespace) -> None:
    """Train as the options of `arguments.add_arguments` ask.

    Raises:
        InputError: An option, a picture or a checkpoint is not valid.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    if options.processes > 1:  # one decodes the pictures for all, and finds what is wrong with them
        training, _ = load_training_and_held_out(options.images, options.cache, options.out)
        training.without(options.leave_out)
    with started(options.processes, run, options) as processes:
        run(processes, options)


def run(processes: Processes, options: argparse.Namespace) -> None:
    """Do one process's part of a training."""
    training, held_out = load_training_and_held_out(options.images, options.cache, options.out)
    training = training.without(options.leave_out)
    settings = TrainSettings.of_options(options)
    trainer = make_trainer(options, settings, training, held_out, processes)
    if processes.is_first:
        macs = complexity(trainer.averaged)
        log.info("kMAC/px: %s", ", ".join(f"{name} {v / 1000:.2f}" for name, v in macs.items()))
        signal.signal(signal.SIGTERM, trainer.stop)
    trainer.run()
