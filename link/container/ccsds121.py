"""Parameters of CCSDS 121.0-B-3 streams, which a stream does not carry and both ends must know."""

from __future__ import annotations

from typing import Final

BLOCK: Final = 16
"""Samples of a block (J in the standard)."""
REFERENCE_INTERVAL: Final = 128
"""Blocks from one reference sample to the next (r in the standard)."""
