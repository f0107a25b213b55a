"""What flies: imager, encoders, processor, recorder, board. Installs without ground and sim."""
