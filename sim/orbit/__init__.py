"""Orbit geometry: propagation, passes, accesses and eclipses.

The package works on plain numbers and does not read scenario files. Times are seconds since the
start of the run. Vectors are in metres with the three axes first (shape ``(3, n)``). Angles are
in degrees where a name ends in ``_deg``, and in radians elsewhere.
"""
