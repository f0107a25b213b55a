"""Sweeps: run a scenario at many settings and compare what they deliver."""
