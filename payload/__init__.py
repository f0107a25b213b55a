"""The onboard part: imager, encoders, processor, recorder and board.

It can be installed without ground and sim.
"""
