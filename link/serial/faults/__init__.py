"""Faults put between a host and a board on purpose, repeatable from a seed.

faulty_line      one direction of a line that loses, damages, reorders and delays bytes
board_faults     which faults a board is to show, and at which tiles
tile_numbers     numbers the tiles on a line, however often a session is lost
frame_draws      random numbers for each frame that do not depend on time
another_boot     makes a board look as if it had started anew
changed_results  makes a result wrong or failed, with the right CRC-32
slow_results     holds results back, as a slower encoder would
injector         decides what happens to each frame between a host and a board
faulty_pair      two faulty lines and an injector
line_proxy       a faulty pair in real time, in front of a board's port
"""
