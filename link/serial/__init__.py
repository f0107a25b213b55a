"""The serial protocol between a host and a board that encodes tiles.

    framing        bytes of the line ⇄ frames (COBS, CRC-32)
    messages       frames ⇄ messages
    host           the host's end as a state machine, without I/O; it is made of
      session        the handshake
      session_jobs   the jobs of an open session
      host_job       one job's states; `upload` and `download` transfer its chunks
      trip           one tile's way to the board and back, in seconds
    blame          whose fault it is that a session is lost; `silence` finds it out by PING
    board          the board's end as a state machine, without I/O
    port           opens a serial line by its name, for the host; `line_kind` says what it is
    lines          the board's end of a line: serial port, pseudo-terminal or TCP
    faults         faulty lines and faulty boards, made from a sound one
    testing        both ends connected by faulty lines in virtual time

docs/serial-protocol.md is the specification.
"""
