"""The boards' firmware in C, and the modules that generate its weights and build it."""
