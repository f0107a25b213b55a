"""OMM: what three notations say of one orbit, against sgp4's own reader; and bad files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.ndm.omm import read_omm
from downpass.sim.orbit.propagator import Propagator
from hypothesis import given, settings
from hypothesis import strategies as st
from orbit_messages import SENTINEL, omm_json, omm_kvn, omm_xml
from sgp4 import omm as theirs
from sgp4.api import Satrec

START = datetime(2024, 12, 2, tzinfo=UTC)
NOTATIONS = {"json": omm_json, "kvn": omm_kvn, "xml": omm_xml}


def write(folder: Path, text: str | bytes, name: str = "orbit.omm") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("notation", NOTATIONS)
def test_states_are_those_of_sgp4s_own_reader(notation: str, tmp_path: Path) -> None:
    elements = read_omm(write(tmp_path, NOTATIONS[notation]())).elements()
    assert elements.name == "SENTINEL-2A"
    assert elements.epoch == datetime(2024, 12, 2, 3, 28, 11, 380224, tzinfo=UTC)
    record = Satrec()
    theirs.initialize(record, {key: str(value) for key, value in SENTINEL.items()})
    assert record.satnum == 140697  # six digits
    propagator = Propagator(elements, START)
    time_s = np.linspace(0.0, 86_400.0, 200)
    whole = np.full(time_s.shape, propagator.clock.jd_whole)
    _, position, _ = record.sgp4_array(whole, propagator.clock.utc_fraction(time_s))
    # Their epoch is one float of days, which is good to a microsecond: a centimetre of orbit.
    assert np.abs(propagator.teme(time_s)[0] - position.T * 1e3).max() < 0.02


def test_an_omm_is_the_orbit_of_the_tle_with_the_same_elements(
    sentinel: Any, tmp_path: Path
) -> None:
    text = omm_json(MEAN_MOTION="14.30811188", EPOCH="2024-337T03:28:11.380224")
    elements = read_omm(write(tmp_path, text)).elements()
    time_s = np.linspace(0.0, 86_400.0, 200)
    ours = Propagator(elements, START).ecef(time_s)[0]
    tle = Propagator(sentinel.elements, START).ecef(time_s)[0]
    assert np.abs(ours - tle).max() < 0.5  # a TLE's epoch has eight digits of a day


@pytest.mark.parametrize("wanted", ["SENTINEL-2B", "2017-013A", "142063", "0142063"])
def test_one_of_several_is_chosen_by_name_or_number(wanted: str, tmp_path: Path) -> None:
    other = SENTINEL | {
        "OBJECT_NAME": "SENTINEL-2B", "OBJECT_ID": "2017-013A", "NORAD_CAT_ID": "142063",
        "MEAN_ANOMALY": 87.0,
    }  # fmt: skip
    path = write(tmp_path, json.dumps([SENTINEL, other]))
    assert read_omm(path).elements(wanted).mean_anomaly_deg == 87.0
    with pytest.raises(InputError, match=r"found 2 messages \(SENTINEL-2A, SENTINEL-2B\); allowed"):
        read_omm(path).elements()
    with pytest.raises(InputError, match="found no messages of LANDSAT among 2"):
        read_omm(path).elements("LANDSAT")
    with pytest.raises(InputError, match="found 2 messages of SENTINEL-2A among 2"):
        read_omm(write(tmp_path, omm_kvn() + omm_kvn())).elements("SENTINEL-2A")


def test_blank_and_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufeff\n\n" + omm_xml()
    assert read_omm(write(tmp_path, text)).elements().inclination_deg == 98.5704


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"MEAN_ELEMENT_THEORY": "SGP4-XP"}, "MEAN_ELEMENT_THEORY SGP4-XP; allowed: SGP4, SGP/"),
        ({"EPHEMERIS_TYPE": 4}, "EPHEMERIS_TYPE 4 (SGP4-XP); allowed: 0"),
        ({"REF_FRAME": "EME2000"}, "REF_FRAME EME2000; allowed: TEME"),
        ({"CENTER_NAME": "MARS"}, "CENTER_NAME MARS; allowed: EARTH"),
        ({"TIME_SYSTEM": "TAI"}, "TIME_SYSTEM TAI; allowed: UTC"),
        ({"ECCENTRICITY": "NaN"}, "ECCENTRICITY NaN; allowed: a number from 0 to"),
        ({"ECCENTRICITY": "-0.1"}, "ECCENTRICITY -0.1; allowed"),
        ({"INCLINATION": "1_0"}, "INCLINATION 1_0; allowed: a number from 0 to 180"),
        ({"INCLINATION": "9" * 40}, "allowed: a number from 0 to 180"),
        ({"INCLINATION": "\u0663"}, "INCLINATION \u0663; allowed: a number"),
        ({"MEAN_MOTION": "1e400"}, "MEAN_MOTION 1e400; allowed"),
        ({"MEAN_MOTION": 17.2}, "MEAN_MOTION 17.2; allowed: a number from 0.001 to 17"),
        ({"MEAN_MOTION": ""}, "MEAN_MOTION is missing"),
        ({"EPOCH": "2024-13-02T00:00:00"}, "EPOCH 2024-13-02T00:00:00, a day that does not exist"),
        ({"EPOCH": "yesterday"}, "EPOCH yesterday, no epoch such as"),
        ({"EPOCH": "2024-12-02T00:00:61"}, "a time of day that does not exist"),
        ({"ECCENTRICITY": 0.99}, "found elements that are no orbit"),
        ({"OBJECT_NAME": "x" * 300}, "allowed: at most 254"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_is_not_sgp4_about_the_earth_is_refused(
    notation: str, changes: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        read_omm(write(tmp_path, NOTATIONS[notation](**changes))).elements()
    message = str(caught.value)
    assert message.startswith("orbit.omm") and "\n" not in message
    assert problem in message


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(10))
BAD_FILES = {
    "empty": ("", "found no message"),
    "empty list": ("[]", "found no message"),
    "yaml": ("EPOCH: now\n", "orbit.omm:1: found EPOCH: now; allowed: an OMM in JSON, XML or KVN"),
    "no version": ("EPOCH = x\n", "orbit.omm:1: found EPOCH first; allowed: CCSDS_OMM_VERS"),
    "twice in kvn": (omm_kvn() + "BSTAR = 1\n", "found a second BSTAR; allowed: each keyword once"),
    "twice in json": ('{"BSTAR": 1, "BSTAR": 2}', "found a second BSTAR"),
    "twice in xml": (omm_xml().replace("<EPOCH>", "<EPOCH>x</EPOCH><EPOCH>"), "a second EPOCH"),
    "nested json": ('{"a": {"b": 1}}', "found a that is neither text nor a number"),
    "deep json": ("[" * 100_000 + "]" * 100_000, "found JSON 100000 deep; allowed: at most 16"),
    "open json": ('[{"a": 1}', "orbit.omm:1: found no JSON"),
    "list of numbers": ("[1, 2]", "found a list of something else than messages"),
    "true": ('[{"BSTAR": true}]', "found BSTAR that is neither text nor a number"),
    "laughs": (f"<!DOCTYPE x [{LAUGHS}]><omm>&a9;</omm>", "found a document type"),
    "external": ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><omm/>', "found a document type"),
    "undeclared entity": ("<omm>&a;</omm>", "found no well-formed XML (undefined entity)"),
    "instruction": ("<omm><?php 1 ?></omm>", "found an instruction"),
    "deep xml": ("<a>" * 50, "found elements more than 16 deep"),
    "open xml": ("<omm>", "found no well-formed XML (no element found)"),
    "other xml": ("<html/>", "orbit.omm:1: found a document html; allowed: omm or ndm"),
    "long line": ("CCSDS_OMM_VERS = 3.0\nCOMMENT x\nEPOCH = " + "x" * 300,
                  "orbit.omm:3: found a line of 308 characters; allowed: at most 254"),
    "latin 1": (b"CCSDS_OMM_VERS = 3.0\nOBJECT_NAME = \xe9", "orbit.omm:2: found byte 0xe9"),
    "utf-16": (omm_kvn().encode("utf-16"), "found byte 0xff; allowed: UTF-8 text"),
    "nul": (b"CCSDS_OMM_VERS = 3.0\nA\0", "orbit.omm:2: found a NUL"),
    "escape": ("CCSDS_OMM_VERS = 3.0\n\x1b[2J = 1\n", r"found \x1b[2J = 1; allowed: KEYWORD"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_get_one_line(text: str | bytes, problem: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_omm(write(tmp_path, text)).elements()
    message = str(caught.value)
    assert problem in message
    assert message.isprintable()


def test_no_file_a_folder_and_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("downpass.sim.orbit.ndm.omm.LARGEST_FILE", 100)
    for path, problem in (
        (tmp_path / "none", "no such file"),
        (tmp_path, "found no regular file|Is a directory"),
        (write(tmp_path, omm_kvn()), "found more than 100 bytes"),
    ):
        with pytest.raises(InputError, match=problem):
            read_omm(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make: Callable[[], str] = data.draw(st.sampled_from(list(NOTATIONS.values())))
    text = bytearray(make().encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        size = data.draw(st.integers(0, 30))
        text[at : at + size] = data.draw(st.binary(max_size=12))
    path = write(tmp_path_factory.getbasetemp(), bytes(text), "damaged")
    try:
        read_omm(path).elements()
    except InputError as error:
        assert "\n" not in str(error)
