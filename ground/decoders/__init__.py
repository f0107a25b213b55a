"""Bitstream in, frame out: `decode` never trusts its input and never raises for a lost tile."""

from .decode import Decoded, decode

__all__ = ["Decoded", "decode"]
