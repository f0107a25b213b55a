"""What the two ends of the link share: the bitstream, entropy coding, the serial protocol, the downlink. Imports nothing of ours."""
