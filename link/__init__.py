"""What the two ends share: bitstream, downlink, serial protocol. Imports nothing of ours."""
