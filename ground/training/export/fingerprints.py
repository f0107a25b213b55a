"""Fingerprints: eight bytes that change with any integer of what they name.

A bitstream carries the fingerprint of what both ends must agree on: analysis, hyper networks and
entropy coder. The synthesis has one of its own, since the ground can replace it at any time.
"""

from __future__ import annotations

import hashlib

import numpy as np

from .integer_networks import Arrays

FORMAT = 1
"""Version of what the integers mean. A codec must refuse models of another version."""
SYNTHESIS = "synthesis."
"""Prefix of the names of the decoder's arrays."""


def model_fingerprint(arrays: Arrays) -> bytes:
    """Return the fingerprint of a model: of all its arrays but the decoder's."""
    return _digest({name: a for name, a in arrays.items() if not name.startswith(SYNTHESIS)})


def decoder_fingerprint(arrays: Arrays) -> bytes:
    """Return the fingerprint of a decoder network: of the decoder's arrays among these."""
    return _digest({name: a for name, a in arrays.items() if name.startswith(SYNTHESIS)})


def _digest(arrays: Arrays) -> bytes:
    digest = hashlib.sha256(f"downpass student {FORMAT}".encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.digest()[:8]
