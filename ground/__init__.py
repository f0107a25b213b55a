"""The ground part: decoders, quality measures, received files, archive and training."""
