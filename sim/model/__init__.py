"""The simulation itself: SimPy processes over whole microseconds and whole bytes."""
