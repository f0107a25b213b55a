"""A board in the loop, seen from the host.

client  tiles over a port to a board, finished tiles back
job     a frame's tiles as the protocol carries them
proxy   a faulty line in real time, between a host and a board
"""
