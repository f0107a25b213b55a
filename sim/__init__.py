"""What happens when: scenarios, orbits, the SimPy model, results, report and the command line."""
