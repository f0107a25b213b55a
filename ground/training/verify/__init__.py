"""Checks of the shipped model: every implementation against the others."""
