"""Readers of CCSDS Navigation Data Messages: OMM (mean elements) and OEM (ephemerides).

The messages are those of CCSDS 502.0-B-3, "Orbit Data Messages" (2023), in their two notations:
KVN, keyword = value (`kvn.py`), and XML (`xml.py`, CCSDS 505.0-B-3). Files come from outside, so
size, depth and number of everything are bounded, and what is not on a list is refused.
"""
