"""Scenario files: what a planner writes, checked, with its units turned into SI numbers."""

from .load import ScenarioError, load_scenario
from .scenario import Scenario

__all__ = ["Scenario", "ScenarioError", "load_scenario"]
