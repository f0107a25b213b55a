"""Frames with real pixels: scenes, encoding, content cache, grading and crops."""
