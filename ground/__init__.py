"""What stays on Earth: station, decoders, quality measures, archive and training."""
