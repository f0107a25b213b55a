"""Write the model folder of a checkpoint.

python -m downpass.ground.training.export --checkpoint RUN/best.ckpt --images DIR --out MODEL
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from ..arguments import add_corpus_arguments
from ..loop.held_out import load_training_and_held_out
from .model_folder import export

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m downpass.ground.training.export",
        description=__doc__.splitlines()[0] if __doc__ else None,
    )
    parser.add_argument("--checkpoint", type=Path, required=True)
    add_corpus_arguments(parser, out="model folder to write")
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    training, held_out = load_training_and_held_out(options.images, options.cache, options.out)
    card = export(options.checkpoint, training, held_out, options.out)
    log.info(
        "fingerprint %s, BD-rate %+.1f %%, coverage %.0f %%",
        card["fingerprint"],
        100 * card["held_out"]["bd_rate"],
        100 * card["held_out"]["coverage"],
    )


if __name__ == "__main__":
    main()
