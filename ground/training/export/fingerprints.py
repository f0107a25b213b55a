"""Fingerprints: eight bytes that change with any integer of what they name.

A bitstream carries the fingerprint of what both ends must agree on: analysis, hyper networks and
entropy coder. The synthesis has one of its own, since the ground can replace it at any time.
"""

from __future__ import annotations

import hashlib

import numpy as np

from .integer_networks import Arrays

FORMAT = 2
"""Version of what a model's integers mean. A codec must refuse models of another version."""
DECODER_FORMAT = 1
"""The same of a decoder's integers."""
SYNTHESIS = "synthesis."
"""Prefix of the names of the decoder's arrays."""


def model_fingerprint(arrays: Arrays) -> bytes:
    """Return the fingerprint of a model: of all its arrays but the decoder's."""
    return _digest({k: a for k, a in arrays.items() if not k.startswith(SYNTHESIS)}, FORMAT)


def decoder_fingerprint(arrays: Arrays) -> bytes:
    """Return the fingerprint of a decoder network: of the decoder's arrays among these."""
    return _digest({k: a for k, a in arrays.items() if k.startswith(SYNTHESIS)}, DECODER_FORMAT)


def _digest(arrays: Arrays, version: int) -> bytes:
    digest = hashlib.sha256(f"downpass student {version}".encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.digest()[:8]
