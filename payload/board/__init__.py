"""Runs the encoder on a separate computer, a board, at the end of a serial line.

tile_coder  encodes the tile of a JOB with any codec that encodes tiles independently
agent       serves the protocol of `link.serial` on a line of `link.serial.lines`
limits      the limits that an agent announces
firmware    the same service in C, for boards without an operating system
"""
