"""From a scenario to what the simulation runs on: flight, timetables, contacts, captures."""
