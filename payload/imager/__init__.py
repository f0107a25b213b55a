"""The imager: scenes on disk become the frames that the encoder sees."""
