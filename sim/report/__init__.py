"""Reports of one run, or of several compared, as one HTML file that needs no other files."""

from .data import Crop, ReportData, StationSite, TargetSite, Track, TradeoffPoint
from .page import render, render_comparison, write_report

__all__ = [
    "Crop",
    "ReportData",
    "StationSite",
    "TargetSite",
    "Track",
    "TradeoffPoint",
    "render",
    "render_comparison",
    "write_report",
]
