"""The host's side of a board in the loop.

client       sends tiles over a port to a board, and returns their payloads
job          converts a frame's tiles to the protocol's jobs
loop         encodes the frames of a run on a board
suitability  checks whether a board can encode a satellite's frames
emulators    starts boards that are emulated on this computer
bench        measures the speed of a board and its line
conformance  checks whether a board follows the protocol, and judges failures; its parts are
  checks       the checks
  exchange     asks a board single questions, and repeats what the line loses
  transfer     runs whole jobs
  journal      keeps the latest frames, to show them
"""
