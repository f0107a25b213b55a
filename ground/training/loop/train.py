"""Entry point of `downpass train`: from command-line options to a finished run."""

from __future__ import annotations

import argparse
import logging
import signal
import sys

import torch

from ..data.corpus import load_corpus, split
from ..networks.complexity import complexity
from ..networks.shape import CodecShape
from ..networks.teacher import TEACHER_SHAPE
from .checkpoint import load, shape_of
from .held_out import held_out_pictures
from .settings import TrainSettings, parse_distillation_terms
from .trainer import Trainer

log = logging.getLogger(__name__)


def train(options: argparse.Namespace) -> None:
    """Train as the options of `arguments.add_arguments` say."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    corpus = load_corpus(options.images, options.cache)
    training, held_out = split(corpus)
    samples = held_out_pictures(held_out, (options.cache or options.out) / "anchors.json")
    settings = TrainSettings(
        out=options.out,
        steps=options.steps,
        minutes=options.minutes,
        batch=options.batch,
        crop=options.crop,
        rate=options.rate,
        optimiser=options.optimiser,
        decay=options.decay,
        grids=options.grids,
        model=options.model,
        distil=parse_distillation_terms(options.distil),
        teach=options.teach,
        teacher=options.teacher,
        seed=options.seed,
        evaluate_every=options.evaluate_every,
        device=options.device or ("cuda" if torch.cuda.is_available() else "cpu"),
        tune_threads=options.tune_threads,
        quality=options.quality,
    )
    latest = options.out / "latest.ckpt"
    fresh = TEACHER_SHAPE if options.model == "teacher" else CodecShape()
    shape = shape_of(load(latest)) if latest.exists() else fresh
    trainer = Trainer(settings, shape, training, samples)
    trainer.begin(options.start)
    parts = complexity(trainer.averaged)
    log.info("kMAC/px: %s", ", ".join(f"{k} {v / 1000:.2f}" for k, v in parts.items()))
    signal.signal(signal.SIGTERM, trainer.stop)
    trainer.run()
