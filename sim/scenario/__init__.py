"""Scenario files: what a planner writes, checked, with its units turned into SI numbers."""
