"""From a scenario to what the simulation starts from: geometry, timetables, whole numbers."""
