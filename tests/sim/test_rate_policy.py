"""Rate policies: a frame gets the setting that its policy chooses when it is encoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from downpass.ground.decoders import decode
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder
from downpass.sim.frames.content_cache import ContentCache
from downpass.sim.frames.encoders import Encoders
from downpass.sim.frames.pixel_frames import frame_source
from downpass.sim.frames.rate_policy import FixedRate, RatePolicy
from downpass.sim.frames.rated_frames import RatedFrames
from downpass.sim.frames.scenes import Scenes
from downpass.sim.mission.flight import fly
from downpass.sim.mission.preparation import Mission, prepare
from downpass.sim.model.events import Event, EventRow
from downpass.sim.model.records import FrameRecord, FrameState
from downpass.sim.model.setup import Capture, Situation
from downpass.sim.model.simulation import Outcome, simulate
from downpass.sim.scenario import load_scenario
from small_scenarios import satellite, scenario, write, write_scene

FINE, COARSE = Setting(bpp=4.0), Setting(bpp=1.0)
CAPACITY = 5000


@dataclass
class ByFill:
    """Fine while the recorder is less than a quarter full, coarse from there on."""

    asked: list[tuple[int, Situation]] = field(default_factory=list)

    def planned(self, capture: Capture) -> Setting | None:
        return None

    def setting(self, capture: Capture, situation: Situation) -> Setting:
        self.asked.append((capture.number, situation))
        full = 4 * situation.recorder_used >= situation.recorder_capacity
        return COARSE if full else FINE


class ByTarget:
    """The first target fine and the others coarse, known before the run."""

    def planned(self, capture: Capture) -> Setting:
        return COARSE if capture.target else FINE

    def setting(self, capture: Capture, situation: Situation) -> Setting:
        return self.planned(capture)


@dataclass
class Flown:
    """A mission with its scenes and an empty cache."""

    mission: Mission
    scenes: Scenes
    cache: ContentCache

    def encoders(self, policy: RatePolicy | None = None) -> Encoders:
        return Encoders(self.mission, self.scenes, self.cache, None if policy is None else [policy])

    def stored(self) -> int:
        assert self.cache.store.folder is not None
        return sum(path.is_file() for path in (self.cache.store.folder / "encoded").rglob("*"))


@pytest.fixture
def flown(tmp_path: Path) -> Flown:
    write_scene(tmp_path / "scene.tif")
    slow = {"rate": "100 bit/s", "packet": "64 B"}
    sat = satellite(recorder={"capacity": f"{CAPACITY} B"}, transmitter=slow)
    loaded = load_scenario(write(tmp_path, scenario(duration="9 h", satellites=[sat])))
    scenes = Scenes(loaded)
    return Flown(prepare(fly(loaded), scenes), scenes, ContentCache(tmp_path / "cache"))


def encoded(outcome: Outcome) -> Iterator[FrameRecord]:
    """The frames that were encoded."""
    for sat in outcome.satellites:
        yield from (record for record in sat.frames.values() if record.encode_end >= 0)


def test_a_policy_that_decides_during_the_run_has_its_frames_encoded_on_demand(
    flown: Flown,
) -> None:
    policy, events = ByFill(), list[EventRow]()
    encoders = flown.encoders(policy)
    try:
        assert flown.stored() == 0  # nothing is known before the run
        outcome = simulate(flown.mission.setup, [frame_source(encoders, 0)], on_event=events.append)
        records = list(encoded(outcome))
        assert {record.setting for record in records} == {FINE, COARSE}
        codec = encoder("jpeg2000", 32)
        for record in records:
            assert record.setting is not None
            view = flown.mission.views[record.capture.number]
            expected = codec.encode(flown.scenes.frame(0, view), record.setting)
            assert record.encoded_bytes == len(expected)
            task = encoders.task_of(record)
            assert task is not None
            assert encoders.coded(task).bitstream == expected
            assert decode(expected).lost_tiles == ()
        assert any(record.state is FrameState.DELIVERED for record in records)
        # What shows the same and was encoded at the same setting lies in the cache once.
        contents = {(flown.mission.views[r.capture.number], r.setting) for r in records}
        assert flown.stored() == len(contents)
    finally:
        encoders.close()
    begun = {event.frame: event for event in events if event.event is Event.ENCODE_START}
    assert [number for number, _ in policy.asked] == list(begun)
    for number, situation in policy.asked:
        event = begun[number]
        assert situation == Situation(event.time, event.backlog_bytes, CAPACITY, event.queued_bytes)


@pytest.mark.parametrize("policy", [FixedRate(FINE), ByTarget()], ids=["fixed", "by target"])
def test_frames_whose_setting_is_known_are_encoded_before_they_are_asked_for(
    flown: Flown, policy: RatePolicy
) -> None:
    encoders = flown.encoders(policy)
    try:
        captures = flown.mission.setup.satellites[0].captures
        expected = {(flown.mission.views[c.number], policy.planned(c)) for c in captures}
        encoders._threads.shutdown(wait=True)  # nothing can be submitted any more
        assert flown.stored() == len(expected)
        outcome = simulate(flown.mission.setup, [frame_source(encoders, 0)])
        assert all(r.setting == policy.planned(r.capture) for r in encoded(outcome))
        assert list(encoded(outcome))
    finally:
        encoders.close()


def test_the_same_policy_gives_the_same_run(flown: Flown) -> None:
    outcomes = []
    for _ in range(2):
        encoders = flown.encoders(ByFill())
        try:
            outcomes.append(simulate(flown.mission.setup, [frame_source(encoders, 0)]))
        finally:
            encoders.close()
    assert outcomes[0].events == outcomes[1].events


def test_frames_without_pixels_follow_the_policy_too(flown: Flown) -> None:
    sat = flown.mission.flight.scenario.satellites[0]
    outcome = simulate(flown.mission.setup, [RatedFrames(sat, policy=ByFill())])
    sizes = {record.setting: record.encoded_bytes for record in encoded(outcome)}
    assert sizes == {FINE: 64 * 64 * 4 // 8, COARSE: 64 * 64 // 8}
