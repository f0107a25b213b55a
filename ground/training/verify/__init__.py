"""Checks of the shipped model: its integers back in torch, and its implementations compared."""
