"""The host's side of a board in the loop.

client       sends tiles over a port to a board, and returns their payloads
job          converts a frame's tiles to the protocol's jobs
loop         encodes the frames of a run on a board
suitability  checks whether a board can encode a satellite's frames
emulators    starts boards that are emulated on this computer
bench        measures the speed of a board and its line
conformance  checks whether a board follows the protocol; exchange sends its single frames
"""
