"""What happens when: scenarios, orbits, the SimPy model, results, report and the command line.

docs/library.md shows how to run a scenario from Python, docs/design.md what each package holds.
"""
