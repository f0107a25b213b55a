"""docs/scenario.md, made from the models: `python -m downpass.sim.scenario.docs` prints it.

Keys, units, bounds, defaults and meanings come from the models; stations and processors come from
their tables. Only the introduction, in `page`, and the notes, in `sections`, are written here. A
test compares the committed page with the output.
"""
