"""The encoder on a computer of its own, at the end of a serial line.

tile_coder  a tile of a JOB → its payload, by any codec that encodes tiles independently
agent       serves the protocol of `link.serial` on a line of `link.serial.lines`
limits      how much an agent may announce
firmware    the same for boards without an operating system, in C
"""
