"""Prepares a scenario for the simulation: flight, timetables, contacts and captures."""
