"""The length of a slant path through a layer of the atmosphere.

The Recommendations divide by sin θ from 5° elevation on. Below, where the Earth's curvature
counts, the length through a layer is that over a sphere of 8500 km (ITU-R P.618-13, equation 2);
its value at 5° is a few percent less than 1/sin 5°, so the larger of the two is taken, which
keeps the length continuous and never lets it fall towards the horizon.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

EFFECTIVE_EARTH_RADIUS_KM = 8500.0
LOWEST_FLAT_DEG = 5.0


def slant_factor(elevation_deg: ArrayLike, layer_km: ArrayLike) -> NDArray[np.float64]:
    """Return the length of a slant path through a layer, as a multiple of its height.

    Args:
        elevation_deg: Elevation in degrees; below the horizon it counts as 0. Broadcast with
            `layer_km`.
        layer_km: Height of the layer over the station in km.
    """
    elevation = np.minimum(np.maximum(np.asarray(elevation_deg, dtype=np.float64), 0.0), 90.0)
    flat: NDArray[np.float64] = 1 / np.sin(np.radians(np.maximum(elevation, LOWEST_FLAT_DEG)))
    layer = np.maximum(np.asarray(layer_km, dtype=np.float64), 1e-6)
    if elevation.size and elevation.min() >= LOWEST_FLAT_DEG:
        return flat * np.ones_like(layer)
    sine = np.sin(np.radians(elevation))
    curved = 2 / (np.sqrt(sine**2 + 2 * layer / EFFECTIVE_EARTH_RADIUS_KM) + sine)
    return np.where(elevation >= LOWEST_FLAT_DEG, flat, np.maximum(curved, flat))
