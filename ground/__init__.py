"""The ground part: decoders, quality measures, received files, archive and training.

It can be installed without payload and sim; `training` alone needs payload, and torch.
"""
