"""Write the model folder of a checkpoint.

python -m downpass.ground.training.export --checkpoint RUN/best.ckpt --images DIR --out MODEL
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from ..data.corpus import load_corpus, split
from ..loop.held_out import held_out_pictures
from .model_folder import export

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="the training pictures")
    parser.add_argument("--cache", type=Path, help="folder for decoded pictures")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    training, held_out = split(load_corpus(options.images, options.cache))
    anchors = (options.cache or options.out) / "anchors.json"
    card = export(options.checkpoint, training, held_out_pictures(held_out, anchors), options.out)
    log.info(
        "fingerprint %s, BD-rate %+.1f %%, coverage %.0f %%",
        card["fingerprint"],
        100 * card["held_out"]["bd_rate"],
        100 * card["held_out"]["coverage"],
    )


if __name__ == "__main__":
    main()
