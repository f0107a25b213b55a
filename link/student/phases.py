"""The four phases of a plane's positions, which are coded one after the other.

A checkerboard context (He et al., arXiv 2103.15306) applied twice.
"""

from __future__ import annotations

from typing import Final

PHASES: Final = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Row and column parity of the positions coded first, second, third and last."""
