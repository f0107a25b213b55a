"""The onboard half of the learned codec: light networks, integers, a range coder; no torch."""
