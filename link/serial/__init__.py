"""The serial protocol between a host and a board that encodes tiles.

    framing   bytes of the line ⇄ frames (COBS, CRC-32)
    messages  frames ⇄ what they say
    host      the host's half as a state machine, without I/O
    board     the board's half as a state machine, without I/O
    port      a serial line by its name

docs/serial-protocol.md is the specification.
"""
