"""Decode bitstreams to frames: `decode` trusts no input and never raises for a lost tile."""

from .decode import Decoded, decode
from .registry import decoder_identity

__all__ = ["Decoded", "decode", "decoder_identity"]
