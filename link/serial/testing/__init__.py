"""The protocol without a board, for tests only.

rehearsal    both ends of the protocol over two faulty lines, in virtual time
"""
