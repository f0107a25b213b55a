"""Files: what is read from a good one, and what is said of a bad one."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from downpass.link.errors import InputError
from downpass.sim.scenario import ScenarioError, load_scenario
from downpass.sim.scenario.orbit import KeplerOrbit, SunSynchronousOrbit, TleOrbit
from downpass.sim.scenario.scenario import Scenario

Refuse = Callable[..., list[str]]

TLE = """
        1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-3 0  9998
        2 40697  98.5704  48.9920 0001011  93.0957 267.0342 14.30811188493363
"""


FORMS = (
    "allowed: exactly one of {tle: …}, {omm, object}, {oem}, {walker: …}, {altitude, "
    "sun_synchronous: true, local_time, node, anomaly}, {altitude, inclination, raan, anomaly}"
)


def load(tmp_path: Path, text: str, *overrides: str) -> Scenario:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    return load_scenario(path, overrides)


def test_values_are_si(tmp_path: Path, example: str) -> None:
    scenario = load(tmp_path, example)
    satellite = scenario.satellites[0]
    assert scenario.start == datetime(2024, 12, 2, tzinfo=UTC)
    assert scenario.duration == 86400.0
    assert scenario.end == datetime(2024, 12, 3, tzinfo=UTC)
    assert isinstance(satellite.orbit, SunSynchronousOrbit)
    assert (satellite.orbit.altitude, satellite.orbit.local_time) == (500e3, 37800.0)
    assert satellite.imager.bands == (1, 2, 3)
    assert (satellite.imager.frame_width_px, satellite.imager.frame_height_px) == (512, 512)
    assert satellite.power.battery == 288_000.0
    assert satellite.recorder.capacity == 8_000_000_000
    assert [(s.elevation, s.rate) for s in satellite.transmitter.rate] == [(-90.0, 50e6)]
    assert scenario.targets[0].at == (38.72, -9.14)
    assert scenario.targets[0].scenes == (tmp_path / "scenes" / "x.tif",)
    assert scenario.targets[1].polygon == ((30.2, 30.0), (31.5, 30.3), (31.3, 32.3))
    names = [(s.name, s.antennas) for s in scenario.stations]
    assert names == [("svalbard", 2), ("matera", 2), ("mine", 1)]
    outage = scenario.stations[2].outages[0]
    assert [scenario.seconds(t) for t in (outage.from_, outage.to)] == [18000.0, 21600.0]


def test_profile_fills_what_is_not_given(tmp_path: Path, example: str) -> None:
    own = example.replace(
        "{profile: zynq-7020}", "{profile: zynq-7020, encode_rate: {jpegxl: 5 Mpx/s}}"
    )
    processor = load(tmp_path, own).satellites[0].processor
    assert processor.encode_rate["jpegxl"] == 5e6
    assert processor.encode_rate["jpeg2000"] == 0.56e6
    assert processor.working_memory == 512_000_000


def test_three_forms_of_orbit(tmp_path: Path, example: str) -> None:
    form = 'orbit: {altitude: 500 km, sun_synchronous: true, local_time: "10:30"}'
    kepler = example.replace(form, "orbit: {altitude: 500 km, inclination: 97.4 deg, anomaly: 10°}")
    orbit = load(tmp_path, kepler).satellites[0].orbit
    assert orbit == KeplerOrbit(altitude=500e3, inclination=97.4, anomaly=10.0)
    tle = example.replace(form, f"orbit:\n      tle: |{TLE}")
    found = load(tmp_path, tle).satellites[0].orbit
    assert isinstance(found, TleOrbit)
    assert found.line1.startswith("1 40697U")
    assert found.line2.endswith("493363")
    assert found.epoch.isoformat(timespec="seconds") == "2024-12-02T03:28:11+00:00"


def test_lines_are_known(tmp_path: Path, example: str) -> None:
    scenario = load(tmp_path, example)
    assert scenario.source.path == tmp_path / "s.yaml"
    assert scenario.source.line_of("targets.0.scenes.0") == 17
    assert scenario.source.line_of("satellites.0.codec.bpp") == 15
    assert scenario.source.line_of("satellites.0.codec.tile") == 15  # its parent's
    (scene,) = scenario.scene_paths()
    assert scene.line == 17
    assert scene.problem("no such file") == (
        f"{tmp_path}/s.yaml:17: targets.0.scenes.0: no such file"
    )


def test_a_scenario_survives_pickling_and_python(tmp_path: Path, example: str) -> None:
    scenario = load(tmp_path, example)
    again = pickle.loads(pickle.dumps(scenario))
    assert again == scenario
    assert again.source.line_of("name") == 1
    rebuilt = Scenario.model_validate(scenario.model_dump(by_alias=True))
    assert rebuilt.satellites == scenario.satellites
    assert rebuilt.source.path is None


def test_frozen(tmp_path: Path, example: str) -> None:
    scenario = load(tmp_path, example)
    with pytest.raises(ValueError, match="frozen"):
        scenario.seed = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: example", "name: my run!", ("1: name: found my run!; allowed: letters, digits, "
         "dot, dash and underscore, a letter or digit first, 64 at most")),
        ("name: example", "name: 5", "1: name: found 5; allowed: text"),
        ("duration: 24 h", "duration: 24", ("3: duration: found 24; it has no unit; "
         "allowed: a number and a unit, such as 24 h")),
        ("battery: 80 Wh", "battery: 1e-20 Wh", ("10: satellites.0.power.battery: "
         "found 1e-20 Wh; allowed: 0.1 Wh to 1000 kWh")),
        ("duration: 24 h", "duration: -1 h", ("3: duration: found -1 h; "
         "allowed: 1 ms to 3653 d")),
        ("duration: 24 h", "duration: 20000 d", ("3: duration: found 20000 d; "
         "allowed: 1 ms to 3653 d")),
        ("duration: 24 h", "duration: 0.4 ms", ("3: duration: found 0.4 ms; "
         "allowed: 1 ms to 3653 d")),
        ("duration: 24 h", "durration: 24 h", ("3: durration: no such key; "
         "did you mean duration?")),
        ("duration: 24 h", "duration: 24 h\nseed: -1", ("4: seed: found -1; "
         "allowed: a whole number from 0 to 9223372036854775807")),
        ("duration: 24 h", "duration: 24 h\narbitration: random", ("4: arbitration: found random; "
         "allowed: first-come, priority, backlog")),
        ("start: 2024-12-02T00:00:00Z", "start: 2024-12-02", ("2: start: found 2024-12-02, "
         "which has no zone; allowed: a UTC moment such as 2024-12-02T00:00:00Z")),
        ("start: 2024-12-02T00:00:00Z", "start: 2024-12-02T00:00:00",
         ("2: start: found 2024-12-02T00:00:00, which has no zone; "
         "allowed: a UTC moment such as 2024-12-02T00:00:00Z")),
        ("start: 2024-12-02T00:00:00Z", "start: 0001-01-01T00:00:00+14:00",
         ("2: start: found 0001-01-01T00:00:00+14:00; "
         "allowed: a UTC moment such as 2024-12-02T00:00:00Z")),
        ("start: 2024-12-02T00:00:00Z", "start: 1850-12-02T00:00:00Z",
         "2: start: found 1850-12-02T00:00:00Z; allowed: years 1957 to 2056"),
        ('sun_synchronous: true, local_time: "10:30"', "sun_synchronous: false, local_time: 10:30",
         ("6: satellites.0.orbit.sun_synchronous: found false; "
         "allowed: true (or give inclination and raan instead)")),
        ('local_time: "10:30"', "local_time: 10.5", ("6: satellites.0.orbit.local_time: "
         'found 10.5; allowed: a time of day, "00:00" to "23:59"')),
        ('local_time: "10:30"', "local_time: 25:00", ("6: satellites.0.orbit.local_time: "
         'found 25:00; allowed: a time of day, "00:00" to "23:59"')),
        ('sun_synchronous: true, local_time: "10:30"', "sun_synchronous: true",
         "6: satellites.0.orbit.local_time: missing; for example local_time: \"10:30\""),
        ('sun_synchronous: true, local_time: "10:30"', "sun_synchronous: true, inclination: 3 deg",
         ("6: satellites.0.orbit: found sun_synchronous beside inclination; " + FORMS)),
        ('altitude: 500 km, sun_synchronous: true, local_time: "10:30"', "tle: x, altitude: 5 km",
         ("6: satellites.0.orbit: found tle beside altitude; " + FORMS)),
        ('{altitude: 500 km, sun_synchronous: true, local_time: "10:30"}', "sso",
         ("6: satellites.0.orbit: found sso; " + FORMS)),
        ('sun_synchronous: true, local_time: "10:30"', "inclinaton: 97 deg",
         "6: satellites.0.orbit.inclinaton: no such key; did you mean inclination?"),
        ("altitude: 500 km", "altitude: 100 km", ("6: satellites.0.orbit.altitude: found 100 km; "
         "allowed: 160 km to 5500 km")),
        ("gsd: 20 m", "gds: 20 m", "7: satellites.0.imager.gds: no such key; did you mean gsd?"),
        ("gsd: 20 m", "gsd: 20 kg", ("7: satellites.0.imager.gsd: found 20 kg; unit kg does not "
         "fit here; allowed units: mm, cm, m, km")),
        ("gsd: 20 m", "gsd: 90 km", ("7: satellites.0.imager.gsd: found 90000 m, larger than a "
         "frame of 10240 m x 10240 m; allowed: at least one pixel each way")),
        ("gsd: 20 m", "gsd: 1 cm", ("7: satellites.0.imager.frame_length: found a frame of "
         "1024000 x 1024000 px in 3 bands; allowed: at most 2^31 samples, so shorten it")),
        ("bands: 3", "bands: []", ("7: satellites.0.imager.bands: found an empty list; "
         "allowed: band numbers from 1 such as [1, 2, 3], or how many of the first bands")),
        ("bands: 3", "bands: [1, 1]", ("7: satellites.0.imager.bands: found band 1 twice; "
         "each band once")),
        ("bands: 3", "bands: [0]", ("7: satellites.0.imager.bands: found band 0; "
         "allowed: band numbers from 1 such as [1, 2, 3], or how many of the first bands")),
        ("bands: 3", "bands: 3, duty_cycle: 0", ("7: satellites.0.imager.duty_cycle: found 0; "
         "allowed: a number above 0, up to 1")),
        ("zynq-7020", "zynq-7010", ("8: satellites.0.processor.profile: found zynq-7010; allowed: "
         "zynq-7020, zynq-7030, cyclone-v, myriad-2, jetson-tx2i, gr740, rad750, workstation; "
         "did you mean zynq-7030?")),
        ("{profile: zynq-7020}", "{}", ("8: satellites.0.processor: found neither profile nor "
         "encode_rate and working_memory; allowed: a profile (zynq-7020, zynq-7030, cyclone-v, "
         "myriad-2, jetson-tx2i, gr740, rad750, workstation), or both figures")),
        ("{profile: zynq-7020}", "{encode_rate: {jpegxl: 1 Mpx/s}, working_memory: 1 GB}",
         ("15: satellites.0.codec.name: found codec jpeg2000, for which the processor has no "
         "encode_rate; allowed: jpegxl, or give processor.encode_rate a rate for it")),
        ("{profile: zynq-7020}", "{profile: zynq-7020, encode_rate: {jpegx: 1 Mpx/s}}",
         ("8: satellites.0.processor.encode_rate.jpegx: found jpegx; "
         "allowed: jpeg2000, jpegxl, jpegls, ccsds121, avif, student, command, onnx; "
         "did you mean jpegxl?")),
        ("solar: 60 W", "solar: 60 W\n      min_charge: 0.5", ("12: satellites.0.power.min_charge: "
         "found resume_charge 0.4 with min_charge 0.5; "
         "allowed: resume_charge at least 0.01 above min_charge")),
        ("{capacity: 8 GB}", "8 GB", ("13: satellites.0.recorder: found 8 GB; "
         "allowed: a mapping with keys capacity, when_full, least_bpp")),
        ("{capacity: 8 GB}", "", ("13: satellites.0.recorder: found nothing; "
         "allowed: a mapping with keys capacity, when_full, least_bpp")),
        ("    recorder: {capacity: 8 GB}\n", "", ("5: satellites.0.recorder: missing; "
         "allowed: a mapping with keys capacity, when_full, least_bpp")),
        ("rate: 50 Mbit/s", "rate: 50 mbit/s", ("14: satellites.0.transmitter.rate: "
         "found 50 mbit/s; unit mbit/s does not fit here (did you mean Mbit/s?); allowed units: "
         "bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s, bps, kbps, Mbps, Gbps, Tbps, kB/s, MB/s, GB/s")),
        ("rate: 50 Mbit/s", "rate: 2 Tbit/s", ("14: satellites.0.transmitter.rate: "
         "found 2 Tbit/s; allowed: 1 bit/s to 1 Tbit/s")),
        ("rate: 50 Mbit/s",
         "rate: [{elevation: 9 deg, rate: 1 Mbps}, {elevation: 9 deg, rate: 2 Mbps}]",
         ("14: satellites.0.transmitter.rate: found elevation 9 deg after 9 deg; "
         "allowed: elevations that rise from step to step")),
        ("rate: 50 Mbit/s", "rate: []", ("14: satellites.0.transmitter.rate: found an empty list; "
         "allowed: a rate such as 150 Mbit/s, or a list of steps such as "
         "{elevation: 5 deg, rate: 50 Mbit/s}")),
        ("name: jpeg2000, bpp: 0.5", "name: student, bpp: 0.5, tile: 500",
         ("15: satellites.0.codec.tile: found 500; allowed for the student: multiples of 16, "
          "such as 496")),
        ("    codec: {name: jpeg2000, bpp: 0.5}",
         "    codec: {name: jpeg2000, bpp: 0.5}\n    encoder: {backend: bord}",
         ("16: satellites.0.encoder.backend: found bord; allowed: in-process, board; "
         "did you mean board?")),
        ("    codec: {name: jpeg2000, bpp: 0.5}",
         "    codec: {name: jpeg2000, bpp: 0.5}\n    encoder: {backend: board}",
         ("16: satellites.0.encoder.port: missing with backend board; allowed: "
         "a serial device such as /dev/ttyUSB0, socket://HOST:PORT, rfc2217://HOST:PORT or "
         "emulator:NAME")),
        ("    codec: {name: jpeg2000, bpp: 0.5}",
         "    codec: {name: jpeg2000, bpp: 0.5}\n    encoder: {port: /dev/ttyUSB0}",
         ("16: satellites.0.encoder.port: found a port with backend in-process; "
         "allowed: backend board with a port")),
        ("    codec: {name: jpeg2000, bpp: 0.5}",
         "    codec: {name: jpeg2000, bpp: 0.5}\n    encoder: {backend: board, port: /dev/ttyUSB0}",
         ("15: satellites.0.codec.bpp: found bpp with encoder.backend board; allowed: quality, "
         "because a board codes tiles alone and sees no frame's budget")),
        ("duration: 24 h", "duration: 24 h\nrealtime: 5", ("4: realtime: found 5; "
         "allowed: true, false, or a mapping with the key factor")),
        ("duration: 24 h", "duration: 24 h\nrealtime: {factor: 0}", ("4: realtime.factor: found 0; "
         "allowed: a number above 0, up to 1000")),
        ("name: jpeg2000", "name: jpeg200", ("15: satellites.0.codec.name: found jpeg200; "
         "allowed: jpeg2000, jpegxl, jpegls, ccsds121, avif, student, command, onnx; "
         "did you mean jpeg2000?")),
        ("bpp: 0.5", "bpp: 0.5, policy: lookahead, least_bpp: 1e-300",
         ("15: satellites.0.codec.least_bpp: found 1e-300; "
          "allowed: a number from 1e-06 to 16384")),
        ("bpp: 0.5", "bpp: 0.5, quality: 80", ("15: satellites.0.codec.bpp: found quality and bpp; "
         "allowed: exactly one of quality, bpp, bytes")),
        (", bpp: 0.5", "", ("15: satellites.0.codec: found none of them; "
         "allowed: exactly one of quality, bpp, bytes")),
        ("bpp: 0.5", "quality: 80", ("15: satellites.0.codec.quality: found a quality, and target "
         "delta has no scenes; allowed: bpp or bytes where a target has no pixels to measure")),
        ("at: [38.72, -9.14]", "at: [38.72, -190]", ("17: targets.0.at: found longitude -190; "
         "allowed: -180 to 180 degrees")),
        ("at: [38.72, -9.14]", "at: [91, 0]", ("17: targets.0.at: found latitude 91; "
         "allowed: -90 to 90 degrees")),
        ("at: [38.72, -9.14]", "at: [.nan, 0]", ("17: targets.0.at: found latitude nan; "
         "allowed: -90 to 90 degrees")),
        ("at: [38.72, -9.14]", "at: 38.72 -9.14", ("17: targets.0.at: found 38.72 -9.14; "
         "allowed: [latitude, longitude] in degrees, such as [38.72, -9.14]")),
        ("at: [38.72, -9.14], ", "", ("17: targets.0: found none of them; "
         "allowed: exactly one of at, polygon, area")),
        ("polygon: [[30.2, 30.0], [31.5, 30.3], [31.3, 32.3]]", "polygon: [[0, 0], [1, 1]]",
         "18: targets.1.polygon: found a polygon of 2 distinct corners; allowed: at least 3"),
        ("polygon: [[30.2, 30.0], [31.5, 30.3], [31.3, 32.3]]",
         "polygon: [[0, 0], [1, 1], [1, 0], [0, 1]]",
         ("18: targets.1.polygon: found a polygon that crosses or touches itself; "
         "allowed: corners in order around the area")),
        ("priority: 8", "priority: 10", ("18: targets.1.priority: found 10; "
         "allowed: a whole number from 1 to 9")),
        ("scenes: [scenes/x.tif]", "scenes: scenes/x.tif", ("17: targets.0.scenes: "
         "found scenes/x.tif; allowed: a list")),
        ("scenes: [scenes/x.tif]", "scenes: ['']", ("17: targets.0.scenes.0: found ''; "
         "allowed: the path of a GeoTIFF")),
        ("name: delta", "name: lisbon", ("18: targets.1.name: found a second target called lisbon, "
         "the first is number 0; allowed: each name once")),
        ("- svalbard", "- svalbad", ("20: stations.0: found svalbad; "
         "no such station in the shipped table; did you mean svalbard?")),
        ("use: matera", "use: atlantis", ("21: stations.1.use: found atlantis; "
         "no such station in the shipped table")),
        ("use: matera", "use: svalbard", ("21: stations.1.name: found a second station called "
         "svalbard, the first is number 0; allowed: each name once")),
        ("use: matera", "use: matera, at: [1, 2]", ("21: stations.1.use: found use and at; "
         "allowed: a named station to use, or a name of its own and at")),
        ("- svalbard", "- 7", ("20: stations.0: found 7; allowed: a station's name or a mapping "
         "with keys name, at, altitude, elevation_mask, horizon, antennas, outages, receiver, "
         "rate, climate, bookings, least_pass, turn_around, use")),
        ("antennas: 2", "antennas: 2.5", ("21: stations.1.antennas: found 2.5; "
         "allowed: a whole number from 1 to 100")),
        ("to: 2024-12-02T06:00:00Z", "to: 2024-12-02T04:00:00Z", ("22: stations.2.outages.0: "
         "found from 2024-12-02T05:00:00Z to 2024-12-02T04:00:00Z; allowed: from before to")),
    ],
)  # fmt: skip
def test_one_fault_one_line(refuse: Refuse, example: str, old: str, new: str, problem: str) -> None:
    assert example.count(old) == 1
    assert refuse(example.replace(old, new)) == [f"s.yaml:{problem}"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t.replace("24337", "24338"), ("found check digit 8 on line 1, where its digits "
         "add up to 9; a character was lost or changed")),
        (lambda t: t[: t.index("9998") + 5], ("found 1 line; allowed: a TLE's two lines, or three "
         "with its name")),
        (lambda t: t.replace("9998\n", "998\n"), "found line 1 of 68 columns; allowed: 69 columns"),
        (lambda t: t.replace("1 40697U", "3 40697U"), ("found 3 40697U 15028A   24337.14457616  "
         ".00000519  00000-0  21480-…; allowed: line 1 of a TLE")),
        (lambda t: t.replace("2 40697 ", "2 40688 "), ("found satellite 40697 on line 1 and 40688 "
         "on line 2; allowed: two lines of one satellite")),
        (lambda t: t.replace("14.30811188493363", "XX.30811188493368"),
         "found mean motion 'XX.30811188' on line 2; allowed: a number of revolutions a day"),
        (lambda t: t.replace("14.30811188493363", "18.30811188493367"),
         "found mean motion 18.3081 on line 2; allowed: up to 17 revolutions a day"),
        (lambda t: t.replace("21480-3 0  9998", "21480-3 4  9992"),
         "found ephemeris type '4' (SGP4-XP) on line 1; allowed: 0, for elements of SGP4"),
        (lambda t: t.replace("14.30811188493363", "00.00000000493368"),
         "found elements that are no orbit; allowed: a TLE that SGP4 can propagate"),
        (lambda t: t.replace("14.30811188493363", "XX.30811188493363"),
         ("found check digit 3 on line 2, where its digits add up to 8; "
         "a character was lost or changed")),
    ],
)  # fmt: skip
def test_bad_elements(refuse: Refuse, example: str, change: object, problem: str) -> None:
    assert callable(change)
    orbit = f"orbit:\n      tle: |{change(TLE)}"
    form = 'orbit: {altitude: 500 km, sun_synchronous: true, local_time: "10:30"}'
    (found,) = refuse(example.replace(form, orbit))
    assert found == f"s.yaml:7: satellites.0.orbit.tle: {problem}"


def test_lines_that_yaml_joins(refuse: Refuse, example: str) -> None:
    form = 'orbit: {altitude: 500 km, sun_synchronous: true, local_time: "10:30"}'
    (found,) = refuse(example.replace(form, f"orbit:\n      tle: >{TLE}"))
    assert found == (
        "s.yaml:7: satellites.0.orbit.tle: found 1 line; allowed: a TLE's two lines, or three "
        "with its name (write tle: |, which keeps the lines apart)"
    )


def test_all_faults_at_once_in_the_files_order(refuse: Refuse, example: str) -> None:
    broken = (
        example.replace("duration: 24 h", "duration: 24")
        .replace("gsd: 20 m", "gsd: 20 kg")
        .replace("solar: 60 W", "solar: 60 W\n      min_charge: 0.5")
        .replace("bpp: 0.5", "bpp: 0.5, quality: 80")
        .replace("at: [38.72, -9.14], ", "")
        .replace("name: delta", "name: lisbon")
        .replace("- svalbard", "- svalbad")
    )
    fields = [line.split(": ")[1] for line in refuse(broken)]
    assert fields == [
        "duration",
        "satellites.0.imager.gsd",
        "satellites.0.power.min_charge",
        "satellites.0.codec.bpp",
        "targets.0",
        "targets.1.name",
        "stations.0",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", (": found an empty file; allowed: a mapping with keys name, description, start, "
         "duration, seed, satellites, targets, stations, ground, arbitration, weather, "
         "realtime, report, sweep")),
        ("- a\n- b\n", (": found a list; allowed: a mapping with keys name, description, start, "
         "duration, seed, satellites, targets, stations, ground, arbitration, weather, "
         "realtime, report, sweep")),
        ("hello", (": found hello; allowed: a mapping with keys name, description, start, "
         "duration, seed, satellites, targets, stations, ground, arbitration, weather, "
         "realtime, report, sweep")),
        ("a: 1\nb: [1, 2\nc: 3\n", ":2: not YAML: [ is not closed, or a comma is missing in it"),
        ("a:\n\tb: 1\n", ":2: not YAML: a tab stands where YAML wants spaces"),
        ("a: 1\n---\nb: 2\n", ":2: holds more than one YAML document; allowed: one"),
        ("a: *nobody\n", ":1: alias *nobody names nothing before it"),
        ("a: &x [*x]\n", ":1: alias *x names nothing before it"),
        ("a: !!python/object:os.system x\n",
         ":1: tag tag:yaml.org,2002:python/object:os.system has no meaning here"),
        ("a: " + "[" * 40 + "]" * 40, ":1: nested more than 32 deep"),
        ("a: " + "[" * 100_000, ":1: nested more than 32 deep"),
        ('a: "\\UFFFFFFFF"\n', ": not YAML: the parser cannot read it"),
        ("a: \x07\n", ":1: not YAML: character U+0007 is not allowed"),
        (b"name: caf\xe9\n", ":1: found byte 0xe9; allowed: UTF-8 text"),
        (b"a: 1\n" + b"#" * 1_000_000, ": found 1000005 bytes; allowed: at most 1000000"),
        (b"#" * 10_000_000, ": found 10000000 bytes; allowed: at most 1000000"),
    ],
)  # fmt: skip
def test_no_scenario_at_all(refuse: Refuse, text: str | bytes, problem: str) -> None:
    (found,) = refuse(text)
    assert found == f"s.yaml{problem}"


def test_alias_bomb(refuse: Refuse) -> None:
    levels = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    (found,) = refuse("\n".join(levels))
    assert found == "s.yaml:6: holds more than 250000 values, aliases counted each time"


def test_duplicate_and_odd_keys(refuse: Refuse, example: str) -> None:
    odd = example.replace("duration: 24 h", "duration: 24 h\nduration: 25 h\n5: x\n[a]: y\n<<: z")
    assert refuse(odd) == [
        "s.yaml:4: duration: given twice, first in line 3",
        "s.yaml:5: found 5 as a key; allowed: text",
        "s.yaml:6: found a structure as a key; allowed: text",
        "s.yaml:7: << wants a mapping to merge",
    ]


def test_a_run_that_ends_after_2056_may_have_outages_there(tmp_path: Path, example: str) -> None:
    """A scenario begins by 2056, for TLEs' sake, and lasts up to ten years."""
    text = example.replace("2024-12-02T00:00:00Z", "2056-12-01T00:00:00Z", 1)
    text = text.replace("duration: 24 h", "duration: 90 d")
    outage = "stations.0={use: svalbard, outages: [{from: 2057-01-01T00:00:00Z, to: %s}]}"
    path = tmp_path / "s.yaml"
    path.write_text(text)
    found = load_scenario(path, [outage % "2057-02-01T00:00:00Z"])
    assert found.seconds(found.stations[0].outages[0].to) == 62 * 86400
    with pytest.raises(ScenarioError, match=r"found 2067-02-01.*; allowed: years 1957 to 2066"):
        load_scenario(path, [outage % "2067-02-01T00:00:00Z"])


def test_merge_keys(tmp_path: Path, example: str) -> None:
    text = example.replace("  - name: sat-a", "  - &first\n    name: sat-a").replace(
        "targets:", "  - <<: *first\n    name: sat-b\n    recorder: {capacity: 1 GB}\ntargets:"
    )
    first, second = load(tmp_path, text).satellites
    assert second.name == "sat-b"
    assert second.recorder.capacity == 10**9
    assert second.imager == first.imager


def test_two_merge_keys_in_one_mapping(tmp_path: Path, example: str) -> None:
    text = example.replace("targets:", "  - <<: *first\n    <<: *first\n    name: b\ntargets:")
    text = text.replace("- name: sat-a", "- &first\n    name: sat-a")
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as refused:
        load_scenario(path)
    assert "<< given twice, first in line" in refused.value.problems[0]


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    Path("file").write_text("x")
    os.mkfifo("pipe")
    secret = Path("secret")
    secret.write_text("x")
    secret.chmod(0)
    expected = {
        "missing.yaml": "missing.yaml: no such file",
        "folder": "folder: found a folder; allowed: a scenario file",
        "loop": "loop: a loop of symbolic links",
        "file/below": "file/below: a part of the path is no folder",
        "pipe": "pipe: found no regular file; allowed: a scenario file",
        "a\nb": "a\\nb: no such file",
        "a\0b": "a\\x00b: found a NUL in the path; allowed: a file's path",
        "x" * 300: "x" * 300 + ": File name too long",
    }
    if os.geteuid() != 0:
        expected["secret"] = "secret: no permission to read it"
    for name, problem in expected.items():
        with pytest.raises(ScenarioError) as caught:
            load_scenario(name)
        assert caught.value.problems == (problem,)
        assert str(caught.value) == problem
        assert isinstance(caught.value, InputError)


def test_a_thousand_faults_are_cut_short(refuse: Refuse, example: str) -> None:
    many = "\n".join(f"  - {{name: t{i}}}" for i in range(1000))
    text = example.replace("stations:", many + "\nstations:")
    assert len(refuse(text)) == 1000
    with pytest.raises(ScenarioError) as caught:
        load_scenario("s.yaml")
    assert str(caught.value).splitlines()[-1] == "… and 900 more"
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems


def test_a_file_full_of_nonsense_is_answered_soon(refuse: Refuse) -> None:
    found = refuse("".join(f"k{i}:\n" for i in range(3000)))
    assert len(found) == 1000
    with pytest.raises(ScenarioError) as caught:
        load_scenario("s.yaml")
    # 3000 unknown keys and 6 missing ones: 100 are shown.
    assert str(caught.value).splitlines()[-1] == "… and 2906 more"


def test_byte_order_mark(tmp_path: Path, example: str) -> None:
    assert load(tmp_path, "\ufeff" + example).name == "example"


@pytest.mark.parametrize(
    ("written", "factor"),
    [("true", 1.0), ("{}", 1.0), ("{factor: 0.25}", 0.25), ("false", None), ("null", None)],
)
def test_a_pace_may_be_a_word(
    tmp_path: Path, example: str, written: str, factor: float | None
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"{example}\nrealtime: {written}\n", encoding="utf-8")
    pace = load_scenario(path).realtime
    assert (None if pace is None else pace.factor) == factor


def test_a_board_needs_no_encode_rate(tmp_path: Path, example: str) -> None:
    path = tmp_path / "s.yaml"
    text = example.replace("bpp: 0.5", "quality: 50").replace("name: jpeg2000", "name: student")
    text = text.replace("priority: 8", "scenes: [scenes/y.tif]")
    text = text.replace("{profile: zynq-7020}", "{encode_rate: {avif: 1 Mpx/s}, "
                        "working_memory: 1 GB}\n    encoder: {backend: board, port: /dev/ttyS0, "
                        "give_up_after: 5 min}")  # fmt: skip
    path.write_text(text, encoding="utf-8")
    board = load_scenario(path).satellites[0].encoder
    assert (board.port, board.baud, board.give_up_after) == ("/dev/ttyS0", 921600, 300.0)


@pytest.mark.parametrize(
    ("port", "fault"),
    [
        ("spy://loop://?file=results", "spy:// is no kind of port here; allowed: a serial device"),
        ("/dev/null", "it is a device but no serial port; allowed: a serial device"),
        ("socket://h:1?logging=debug", "found ?logging=debug; allowed: socket://HOST:PORT without"),
        ("emulator:agent:jpeg", "the emulator agent cannot do this; allowed: jpeg2000, jpegxl"),
        ("emulator:abacus", "no emulator has this name; allowed: agent, zynq-a9, cortex-m7"),
        (7, "allowed: a serial device such as /dev/ttyUSB0, socket://HOST:PORT"),
    ],
)
def test_ports_are_held_to_the_allowed_forms(
    refuse: Refuse, example: str, port: object, fault: str
) -> None:
    encoder = f"    encoder: {{backend: board, port: '{port}'}}".replace("'7'", "7")
    (line,) = refuse(example.replace("bpp: 0.5}\n", f"bpp: 0.5}}\n{encoder}\n"))
    assert line.startswith(f"s.yaml:16: satellites.0.encoder.port: found {port}; {fault}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rate: 50 Mbit/s", "rate: 50 Mb/s", "unit Mb/s does not fit here (did you mean Mbit/s?)"),
        ("duration: 24 h", "duration: 24 hours", "unit hours does not fit here (did you mean h?)"),
        ("duration: 24 h", "duration: 43200", "it has no unit (in s it would be 12 h)"),
        ("gsd: 20 m", "gsd: 20", "allowed: a number and a unit, such as 20 m"),
        ("bpp: 0.5", "bpp: half", "found half, which is text; allowed: a number from 1e-06"),
        ("bpp: 0.5", 'bpp: "0.5"', "found 0.5, which is text; allowed: a number from 1e-06"),
        ("at: [38.72, -9.14]", 'at: [38.72, "9.14W"]', "where 9.14W is text; allowed: [latitude"),
        ("start: 2024-12-02T00:00:00Z", "start: 2026-03-01",
         "found 2026-03-01, which has no zone; allowed: a UTC moment such as 2026-03-01T00:00:00Z"),
        ("bpp: 0.5}", "bpp: 2 #two}", ("s.yaml:15: not YAML: { is not closed; the comment "
         "#two} in line 15 holds its }, so put the comment behind it")),
        ("bpp: 0.5}", "bpp: 2", "s.yaml:15: not YAML: { is not closed, or a comma is missing"),
        ("bpp: 0.5}", "bpp: #two}", ("s.yaml:15: not YAML: { is not closed; the comment #two} "
         "in line 15 holds its }")),
        ("[38.72, -9.14]", "[38.72, -9.14 # lisbon]", ("s.yaml:17: not YAML: [ is not closed; "
         "the comment # lisbon], scenes: [scenes/x.tif]} in line 17 holds its ]")),
    ],
)  # fmt: skip
def test_messages_help(refuse: Refuse, example: str, old: str, new: str, said: str) -> None:
    assert old in example
    (line,) = refuse(example.replace(old, new, 1))
    assert said in line
