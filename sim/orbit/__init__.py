"""Where the satellite is, what it sees and who sees it: orbits, passes, accesses and eclipses.

Everything here works on plain numbers and knows no scenario file. Times are seconds since the
start of the run, vectors are in metres with the three axes first (shape ``(3, n)``), and angles
are degrees where a name ends in ``_deg`` and radians elsewhere.
"""
