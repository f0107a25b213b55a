"""The encoders: pixels in, one container out. `registry.encoder(name)` finds one by its name."""
