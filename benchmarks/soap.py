"""Measure a step of SOAP for the codec's weights: the library's, and with plain matrix products.

    nice python benchmarks/soap.py [--decoder full] [--steps 20]

Prints seconds a step of each on one core, by turns, and how many times as fast the second is. The
gradients are random: the time does not depend on them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from statistics import median

import torch
from downpass.ground.training.loop.decoder_trainer import DECODER_WIDTHS
from downpass.ground.training.loop.optimiser import parameter_groups
from downpass.ground.training.loop.soap import ConvolutionSoap
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.shape import CodecShape
from pytorch_optimizer import SOAP

EVERY = 10
"""Steps between renewals of the bases, as in training."""


def prepared(kind: type[SOAP], shape: CodecShape) -> SOAP:
    """Return an optimiser of a codec's weights, which have random gradients."""
    torch.manual_seed(0)
    codec = Codec(shape).to(memory_format=torch.channels_last)
    groups = parameter_groups(codec, 5e-4)
    for group in groups:
        for parameter in group["params"]:
            parameter.grad = torch.randn_like(parameter)
    return kind(
        groups,
        betas=(0.95, 0.95),
        weight_decay=0.0,
        precondition_frequency=EVERY,
        max_precondition_dim=256,
    )


def main() -> None:
    """Measure both by turns."""
    parser = argparse.ArgumentParser(description="Measure a step of SOAP.")
    parser.add_argument("--decoder", choices=tuple(DECODER_WIDTHS), default="full")
    parser.add_argument("--steps", type=int, default=20, help="steps measured of each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    shape = replace(CodecShape(), **DECODER_WIDTHS[options.decoder])
    made = [prepared(kind, shape) for kind in (SOAP, ConvolutionSoap)]
    took: list[list[float]] = [[], []]
    for number in range(-2, -(-options.steps // EVERY)):
        for optimiser, times in zip(made, took, strict=True):
            begun = time.perf_counter()
            for _ in range(EVERY):
                optimiser.step()
            if number >= 0:  # the first steps find the bases
                times.append((time.perf_counter() - begun) / EVERY)
    library, ours = (median(times) for times in took)
    print(f"the library's: {library:.3f} s a step")
    print(f"plain products: {ours:.3f} s a step, {library / ours:.1f} times as fast")


if __name__ == "__main__":
    main()
