"""The learned codec's flying half: light networks, integers, a range coder; no torch."""
