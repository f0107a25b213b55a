"""Parameters of CCSDS 121.0-B-3 streams: a stream does not carry them, so both ends share them."""

from __future__ import annotations

from typing import Final

BLOCK: Final = 16
"""Samples of a block, J (J in the standard)."""
REFERENCE_INTERVAL: Final = 128
"""Blocks from one reference sample to the next, r (r in the standard)."""
