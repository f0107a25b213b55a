"""A flight's contacts as lines of a contact plan, with names and moments."""

from __future__ import annotations

from datetime import timedelta

from ..contact_plans.contact import PlannedContact
from .bookings import contact_plan
from .contacts import contacts
from .flight import Flight


def planned_contacts(flight: Flight) -> list[PlannedContact]:
    """Return the contacts that a run may use, in order of their passes.

    Outages, bookings and least passes are applied; which satellite gets an antenna that several
    want is decided by the run.
    """
    scenario = flight.scenario
    return [
        PlannedContact(
            satellite=scenario.satellites[one.satellite].name,
            station=scenario.stations[one.station].name,
            start=scenario.start + timedelta(microseconds=one.downlink.start),
            end=scenario.start + timedelta(microseconds=one.downlink.end),
            bytes=one.downlink.capacity,
            max_elevation_deg=flight.passes[one.pass_index].max_elevation_deg,
        )
        for one in contact_plan(scenario, contacts(scenario, flight.passes)).contacts
    ]
