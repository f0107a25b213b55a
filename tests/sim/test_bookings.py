"""Bookings: which contacts are used, and plans that go out and come in."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from downpass.link.channel.downlink import Downlink, RateSegment
from downpass.sim.contact_plans.reading import read_plan
from downpass.sim.mission.bookings import NOT_BOOKED, TOO_SHORT, contact_plan
from downpass.sim.mission.contacts import NOT_CLOSED, contacts, why_unused
from downpass.sim.mission.flight import fly
from downpass.sim.mission.preparation import Mission, prepare
from downpass.sim.mission.views import NoPixels
from downpass.sim.model.setup import Contact
from downpass.sim.scenario import ScenarioError, load_scenario
from downpass.sim.scenario.advice import advice
from downpass.sim.scenario.scenario import Scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from small_scenarios import downpass, satellite, scenario, write

MINUTE = 60_000_000
DAY = 1440 * MINUTE
MINE = {"name": "mine", "at": [78.0, 15.0]}


def loaded(folder: Path, stations: list[Any], **changes: Any) -> Scenario:
    given = scenario(None, stations=stations, **changes)
    given["satellites"] = changes.get(
        "satellites", [satellite(name=name) for name in ("a", "b", "c")]
    )
    return load_scenario(write(folder, given))


def link(start: int, end: int, who: int = 0, index: int = 0, station: int = 0) -> Contact:
    """A contact in ticks, at 8 kbit/s, with a change of rate half-way."""
    middle = (start + end) // 2
    segments = [RateSegment(start, middle, 8000), RateSegment(middle, end, 16_000, 0.5)]
    return Contact(who, station, Downlink(segments), index)


def spans(found: Any) -> list[tuple[int, int]]:
    return [(one.downlink.start, one.downlink.end) for one in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bookings")


def test_without_bookings_every_contact_is_used(folder: Path) -> None:
    given = [link(0, 5 * MINUTE), link(9 * MINUTE, 9 * MINUTE + 1000, index=1)]
    plan = contact_plan(loaded(folder, [MINE]), given)
    assert plan.contacts == tuple(given)
    assert plan.refused == {}


def test_contacts_are_cut_to_the_booked_times(folder: Path) -> None:
    booked = [
        {"from": "2024-12-02T00:02:00Z", "to": "2024-12-02T00:04:00Z"},
        {"from": "2024-12-02T00:03:00Z", "to": "2024-12-02T00:05:00Z", "satellite": "a"},
        {"from": "2024-12-02T00:20:00Z", "to": "2024-12-02T00:30:00Z", "satellite": "b"},
    ]
    found = loaded(folder, [MINE | {"bookings": booked}, "svalbard"])
    given = [
        link(0, 10 * MINUTE),
        link(0, 10 * MINUTE, who=1, index=1),
        link(22 * MINUTE, 25 * MINUTE, who=0, index=2),
        link(22 * MINUTE, 25 * MINUTE, who=1, index=3),
        link(0, 3 * MINUTE, station=1, index=4),
    ]
    plan = contact_plan(found, given)
    assert spans(plan.contacts) == [
        (2 * MINUTE, 5 * MINUTE), (2 * MINUTE, 4 * MINUTE), (22 * MINUTE, 25 * MINUTE),
        (0, 3 * MINUTE),
    ]  # fmt: skip
    assert plan.refused == {2: NOT_BOOKED}
    # The segments of the whole contact, cut: two minutes at 8 kbit/s and none at 16.
    assert plan.contacts[1].downlink.capacity == 2 * 60 * 1000
    assert plan.contacts[2] is given[3]


def test_a_contact_shorter_than_the_least_pass_is_not_used(folder: Path) -> None:
    outage = {"from": "2024-12-02T00:04:00Z", "to": "2024-12-02T00:05:00Z"}
    satellites = [satellite(name="a"), satellite(name="b")]
    satellites[1]["transmitter"] = satellites[1]["transmitter"] | {"least_pass": "6 min"}
    found = loaded(
        folder, [MINE | {"least_pass": "3 min", "outages": [outage]}], satellites=satellites
    )
    given = [
        link(0, 3 * MINUTE), link(0, 3 * MINUTE - 1000, index=1),
        link(0, 5 * MINUTE, who=1, index=2), link(0, 6 * MINUTE, who=1, index=3),
        # A pass of which a part is long enough is used.
        link(0, 4 * MINUTE, index=4), link(5 * MINUTE, 6 * MINUTE, index=4),
    ]  # fmt: skip
    plan = contact_plan(found, given)
    assert [one.pass_index for one in plan.contacts] == [0, 3, 4]
    assert plan.refused == {1: TOO_SHORT, 2: TOO_SHORT}


def test_the_longest_passes_of_a_utc_day_are_booked(folder: Path) -> None:
    """The scenario begins at 22:00, so the third pass begins on the next day."""
    found = loaded(
        folder, [MINE | {"bookings": {"per_day": 1}}], start="2024-12-02T22:00:00Z",
        duration="3 d",
    )  # fmt: skip
    given = [
        link(10 * MINUTE, 15 * MINUTE),
        link(100 * MINUTE, 109 * MINUTE, who=1, index=1),
        link(119 * MINUTE, 125 * MINUTE, index=2),
        link(120 * MINUTE, 121 * MINUTE, index=3),
        link(DAY + 200 * MINUTE, DAY + 206 * MINUTE, index=4),
        link(DAY + 300 * MINUTE, DAY + 306 * MINUTE, index=5),
    ]
    plan = contact_plan(found, given)
    assert [one.pass_index for one in plan.contacts] == [1, 3, 4]
    assert plan.refused == {0: NOT_BOOKED, 2: NOT_BOOKED, 5: NOT_BOOKED}


PASSES = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(1, 20), st.integers(0, 2)), max_size=25
)


@settings(deadline=None)
@given(
    passes=PASSES,
    limit=st.integers(0, 4),
    antennas=st.integers(1, 2),
    turn=st.integers(0, 15),
    hour=st.integers(0, 23),
)
def test_a_limit_per_day_holds_and_booked_passes_fit_the_antennas(
    passes: list[tuple[int, int, int]], limit: int, antennas: int, turn: int, hour: int
) -> None:
    given = [
        link(start * MINUTE, (start + length) * MINUTE, who, index)
        for index, (start, length, who) in enumerate(sorted(passes))
    ]
    found = SCENARIOS(limit, antennas, turn, hour)
    plan = contact_plan(found, given)
    chosen = plan.contacts
    days = Counter(
        (found.start + timedelta(microseconds=one.downlink.start)).date() for one in chosen
    )
    assert max(days.values(), default=0) <= limit
    depth = [
        sum(
            other.downlink.start <= one.downlink.start < other.downlink.end + turn * MINUTE
            for other in chosen
        )
        for one in chosen
    ]
    assert max(depth, default=0) <= antennas
    # What is left out had a full day of passes as long, or no antenna beside such passes.
    for contact in given:
        if contact in chosen:
            continue
        length = contact.downlink.end - contact.downlink.start
        longer = [c for c in chosen if c.downlink.end - c.downlink.start >= length]
        day = (found.start + timedelta(microseconds=contact.downlink.start)).date()
        full = sum(
            (found.start + timedelta(microseconds=c.downlink.start)).date() == day for c in longer
        )
        beside = sum(
            c.downlink.start < contact.downlink.end + turn * MINUTE
            and c.downlink.end + turn * MINUTE > contact.downlink.start
            for c in longer
        )
        assert full >= limit or beside >= antennas
    assert set(plan.refused) == {c.pass_index for c in given} - {c.pass_index for c in chosen}


def SCENARIOS(limit: int, antennas: int, turn: int, hour: int) -> Scenario:  # noqa: N802
    """A scenario made in Python, without a file."""
    station = MINE | {
        "bookings": {"per_day": limit}, "antennas": antennas, "turn_around": f"{turn} min",
    }  # fmt: skip
    given = scenario(None, stations=[station], start=f"2024-12-02T{hour:02}:00:00Z")
    given["satellites"] = [satellite(name=name) for name in ("a", "b", "c")]
    return Scenario.model_validate(given)


NETWORK = {
    "stations": ["svalbard", {"use": "awarua", "outages": [
        {"from": "2024-12-02T06:00:00Z", "to": "2024-12-02T06:30:00Z"}]}],
    "satellites": [satellite(name="a"), satellite(name="b", orbit={
        "altitude": "600 km", "inclination": "97.8 deg", "raan": "120 deg"})],
}  # fmt: skip


def with_plan(folder: Path, plan: str) -> dict[str, Any]:
    stations = [
        {"use": "svalbard", "bookings": plan}, NETWORK["stations"][1] | {"bookings": plan},
    ]  # fmt: skip
    return scenario(None, **NETWORK) | {"stations": stations}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_plan_that_goes_out_and_comes_in_gives_the_same_run(form: str, tmp_path: Path) -> None:
    free = write(tmp_path, scenario(None, **NETWORK), "free.yaml")
    said = downpass("passes", free, "--format", form)
    assert said.status == 0
    (tmp_path / f"plan.{form}").write_text(said.out)
    booked = write(tmp_path, with_plan(tmp_path, f"plan.{form}"), "booked.yaml")
    assert downpass("passes", booked, "--format", form).out == said.out
    summaries, events = [], []
    for path in (free, booked):
        out = tmp_path / path.stem
        run = downpass("run", path, "--out", out, "--quiet", "--no-tradeoff")
        assert (run.status, run.err) == (0, "")
        summaries.append(json.loads((out / "summary.json").read_text()))
        events.append(pq.read_table(out / "events.parquet"))
    assert summaries[0] == summaries[1]
    assert summaries[0]["total"]["frames"]["delivered"] > 0
    assert events[0] == events[1]


def test_an_ion_plan_is_the_same_to_whole_seconds(tmp_path: Path) -> None:
    free = write(tmp_path, scenario(None, **NETWORK), "free.yaml")
    (tmp_path / "plan.ion").write_text(downpass("passes", free, "--format", "ion").out)
    booked = load_scenario(write(tmp_path, with_plan(tmp_path, "plan.ion"), "booked.yaml"))
    flight = fly(booked)
    every = list(contacts(booked, flight.passes))
    used = contact_plan(booked, every).contacts
    assert len(used) == len(every) > 5
    for one, whole in zip(used, every, strict=True):
        assert 0 <= one.downlink.start - whole.downlink.start < 1_000_000
        assert 0 <= whole.downlink.end - one.downlink.end < 1_000_000
        assert one.downlink.start % 1_000_000 == one.downlink.end % 1_000_000 == 0


def test_only_the_plans_passes_are_used(tmp_path: Path) -> None:
    """A plan with one of a station's passes; the table of passes says why others are not used."""
    free = write(tmp_path, scenario(None, **NETWORK), "free.yaml")
    head, first, *_ = downpass("passes", free, "--format", "csv").out.splitlines()
    assert ",svalbard," in first
    (tmp_path / "plan.csv").write_text(f"{head}\n{first}\n")
    stations = [{"use": "svalbard", "bookings": "plan.csv"}, "awarua"]
    path = write(tmp_path, scenario(None, **NETWORK) | {"stations": stations})
    assert downpass("run", path, "--out", tmp_path / "out", "--quiet", "--no-tradeoff").status == 0
    rows = pq.read_table(tmp_path / "out" / "passes.parquet").to_pylist()
    svalbard = [row for row in rows if row["station"] == "svalbard"]
    assert [row["cause_unused"] for row in svalbard[1:]] == [NOT_BOOKED] * (len(svalbard) - 1)
    assert svalbard[0]["cause_unused"] != NOT_BOOKED
    assert len(svalbard) > 3


PLAN = "satellite,station,start,end\na,mine,2024-12-02T05:00:00Z,2024-12-02T05:10:00Z\n"
BAD_BOOKINGS = {
    "number": (7, "stations.0.bookings: found 7; allowed: a list of {from, to}, {per_day: 6}"),
    "nothing": ({}, "stations.0.bookings: found none of them; allowed: exactly one of passes, "),
    "two": ({"per_day": 1, "plan": "plan.csv"},
            "stations.0.bookings.plan: found per_day and plan; allowed: exactly one of"),
    "order": ([{"from": "2024-12-02T05:00:00Z", "to": "2024-12-02T05:00:00Z"}],
              "stations.0.bookings.0: found from 2024-12-02T05:00:00Z to 2024-12-02T05:00:00Z"),
    "zone": ([{"from": "2024-12-02T05:00:00", "to": "2024-12-02T05:00:00Z"}],
             "stations.0.bookings.0.from: found 2024-12-02T05:00:00, which has no zone"),
    "key": ([{"form": "2024-12-02T05:00:00Z"}],
            "stations.0.bookings.0.form: no such key; did you mean from?"),
    "day": ({"per_day": -1}, "stations.0.bookings.per_day: found -1; allowed: a whole number from"),
    "file": ("none.csv", "none.csv: no such file"),
    "ending": ("plan.txt", "found no contact plan; allowed: .csv, .json, .ion, .ionrc, .rc"),
    "station": ("other.csv", "found no contact with mine in other.csv; it has theirs; allowed"),
}  # fmt: skip


@pytest.mark.parametrize(("bookings", "problem"), BAD_BOOKINGS.values(), ids=BAD_BOOKINGS)
def test_bad_bookings_get_one_line(bookings: Any, problem: str, tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(PLAN)
    (tmp_path / "other.csv").write_text(PLAN.replace("mine", "theirs"))
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, [MINE | {"bookings": bookings}])
    lines = [line for line in caught.value.problems if problem in line]
    assert lines, caught.value.problems
    assert all(line.isprintable() for line in caught.value.problems)


def test_a_scenario_with_a_plan_keeps_what_it_read(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(PLAN)
    found = loaded(tmp_path, [MINE | {"bookings": {"plan": "plan.csv"}}])
    (tmp_path / "plan.csv").unlink()
    file = found.stations[0].bookings.file
    assert len(file.contacts) == 1
    assert pickle.loads(pickle.dumps(found)).stations[0].bookings.file == file
    (tmp_path / "plan.csv").write_text(PLAN)
    assert read_plan(tmp_path / "plan.csv") == file


def test_a_file_that_is_named_often_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = PLAN.splitlines()[1]
    (tmp_path / "plan.csv").write_text(PLAN + row.replace("mine", "svalbard") + "\n")
    read: list[Path] = []

    def counted(path: Path, largest: int) -> str:
        read.append(path)
        return path.read_text()

    monkeypatch.setattr("downpass.sim.contact_plans.reading.read_text", counted)
    stations = [MINE | {"bookings": "plan.csv"}, {"use": "svalbard", "bookings": "plan.csv"}]
    found = loaded(tmp_path, stations)
    assert len(read) == 1
    assert found.stations[0].bookings.file is found.stations[1].bookings.file


def test_bookings_that_have_no_part_are_reported(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(PLAN.replace("a,mine", "z,mine"))
    times = {"from": "2024-12-02T05:00:00Z", "to": "2024-12-02T06:00:00Z"}
    late = {"from": "2025-12-02T05:00:00Z", "to": "2025-12-02T06:00:00Z"}
    listed = [times, times | {"satellite": "z"}, late, times | {"satellite": "a"}]
    found = loaded(
        tmp_path,
        [MINE | {"bookings": listed}, {"use": "svalbard"}, MINE | {"name": "m2"}],
    )
    lines = [line.partition(": ")[2] for line in advice(found) if "booking" in line]
    assert lines == [
        "stations.0.bookings.1: found a booking of z, which is no satellite here; it has no part",
        "stations.0.bookings.2: found a booking outside the scenario's time; it has no part",
    ]
    found = loaded(tmp_path, [MINE | {"bookings": {"passes": listed}}])
    line = [line for line in advice(found) if "booking" in line][1]
    assert ": stations.0.bookings.passes.2: found a booking outside" in line
    found = loaded(tmp_path, [MINE | {"bookings": "plan.csv"}])
    (line,) = [line for line in advice(found) if "booking" in line]
    assert line.endswith(
        "found no booking of a satellite here within the scenario's time; the station is idle"
    )


def test_a_limit_per_day_does_not_know_the_weather() -> None:
    """A booked pass in which rain closes the link is lost; no other one takes its place."""
    carrier = {
        "frequency": "26 GHz",
        "eirp": "12 dBW",
        "symbol_rate": "25 Msymbol/s",
        "modes": "dvb-s2",
        "coding": "acm",
    }
    wet = {"rain_rate": "300 mm/h", "rain_probability": 1, "rain_height": "8 km"}
    station = {"use": "svalbard", "receiver": {"g_over_t": "20 dB/K"}, "climate": wet}
    station["bookings"] = {"per_day": 2}

    def plans(seed: int) -> tuple[set[int], set[int], Mission]:
        given = scenario(
            None,
            satellites=[satellite(transmitter={"link": carrier})],
            stations=[station],
            duration="48 h",
            seed=seed,
        )
        flight = fly(Scenario.model_validate(given))
        clear = contact_plan(flight.scenario, contacts(flight.scenario, flight.passes))
        mission = prepare(flight, NoPixels(flight.scenario))
        return (
            {one.pass_index for one in clear.contacts},
            {one.pass_index for one in mission.setup.contacts},
            mission,
        )

    booked, used, mission = next(found for n in range(1, 30) if (found := plans(n))[0] != found[1])
    assert len(booked) == 4
    assert used < booked
    lost = mission.flight.passes[min(booked - used)]
    assert why_unused(mission.flight.scenario, lost) == NOT_CLOSED
    assert not mission.refused.keys() & booked
