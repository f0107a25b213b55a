"""The atmosphere on a slant path: gases, rain, clouds and scintillation (ITU-R P series)."""
