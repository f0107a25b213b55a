"""The encoder on a computer of its own, at the end of a serial line.

tilecoder  a tile of a JOB → its finished payload, by any codec that codes tiles alone
lines      what an agent can be reached by: a serial port, a pseudo-terminal, a socket
agent      serves the protocol of `link.serial`
firmware   the same for boards without an operating system, in C
"""
