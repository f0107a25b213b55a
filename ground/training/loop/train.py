"""Entry point of `downpass train`: from command-line options to a finished run."""

from __future__ import annotations

import argparse
import logging
import signal
import sys

from ..networks.complexity import complexity
from ..networks.shape import CodecShape
from ..networks.teacher import TEACHER_SHAPE
from .checkpoint import load, shape_of
from .held_out import load_training_and_held_out
from .settings import TrainSettings
from .trainer import Trainer
from .warm_start import load_start

log = logging.getLogger(__name__)


def train(options: argparse.Namespace) -> None:
    """Train as the options of `arguments.add_arguments` ask.

    Raises:
        InputError: An option, a picture or a checkpoint is not valid.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    training, held_out = load_training_and_held_out(options.images, options.cache, options.out)
    settings = TrainSettings.of_options(options)
    latest = options.out / "latest.ckpt"
    if latest.exists():
        shape = shape_of(load(latest))
    elif options.model == "teacher":
        shape = TEACHER_SHAPE
    else:
        shape = CodecShape() if options.start is None else shape_of(load_start(options.start))
    trainer = Trainer(settings, shape, training, held_out)
    trainer.begin(options.start)
    macs = complexity(trainer.averaged)
    log.info("kMAC/px: %s", ", ".join(f"{name} {v / 1000:.2f}" for name, v in macs.items()))
    signal.signal(signal.SIGTERM, trainer.stop)
    trainer.run()
