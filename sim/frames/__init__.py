"""Frames with real pixels: scenes, encoding, the content cache, grading, crops."""
