"""The host's side of a board in the loop.

client       sends tiles over a port to a board, and returns their payloads
job          converts a frame's tiles to the protocol's jobs
loop         encodes the frames of a run on a board; its parts are
  frame_check  compares a frame with this process's
  tile_record  what became of one tile
  figures      the results of the board, and the verdict on it
suitability  checks whether a board can encode a satellite's frames
emulators    starts boards that are emulated on this computer
bench        measures the speed of a board and its line
conformance  checks whether a board follows the protocol, and judges failures; its parts are
  checks       the checks
  exchange     asks a board single questions, and repeats what the line loses
  transfer     runs whole jobs
  journal      keeps the latest frames, to show them
"""
