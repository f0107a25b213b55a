"""Codecs compared on pictures alone: rate against quality, without a mission."""
