"""What flies: imager, encoders, processor, recorder and the board. Installs without `ground` and `sim`."""
