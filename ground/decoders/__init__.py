"""Decode bitstreams to frames: `decode` trusts no input and never raises for a lost tile."""

from .decode import Decoded, decode

__all__ = ["Decoded", "decode"]
