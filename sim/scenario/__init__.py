"""Read scenario files, check them, and convert their units to SI."""

from .load import ScenarioError, load_scenario
from .scenario import Scenario

__all__ = ["Scenario", "ScenarioError", "load_scenario"]
