"""The encoders: each turns pixels into a container. `registry.encoder(name)` returns one."""
