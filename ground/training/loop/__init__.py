"""The training loop: what is minimised, taught, evaluated and saved."""
