"""Simulated faulty serial lines, for tests only.

faulty_line  one direction of a line that loses, damages, reorders and delays bytes
rehearsal    both ends of the protocol over two faulty lines, in virtual time
line_proxy   two faulty lines in real time, between a host and a board
"""
