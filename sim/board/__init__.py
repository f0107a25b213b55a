"""A board in the loop, seen from the host.

client       sends tiles over a port to a board, and returns their payloads
job          a frame's tiles as the protocol carries them
loop         encodes the frames of a run on a board
suitability  whether a board can encode what a satellite asks for
emulators    boards that run on this computer
bench        how fast a board and its line are
conformance  whether a board keeps the protocol; exchange speaks it frame by frame
"""
