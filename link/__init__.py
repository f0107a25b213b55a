"""The parts that satellite and ground share: bitstream, downlink, serial protocol.

This package imports no other package of downpass.
"""
