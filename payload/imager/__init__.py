"""The imager: turn scenes on disk into the frames that the encoder gets."""
