"""Contact plans as files: each form comes back as it was written, and bad files get one line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from downpass.link.errors import InputError
from downpass.sim.contact_plans import contact as contact_module
from downpass.sim.contact_plans.contact import PlannedContact, moment_text
from downpass.sim.contact_plans.csv_form import read_csv, write_csv
from downpass.sim.contact_plans.ion_form import read_ion, write_ion
from downpass.sim.contact_plans.json_form import json_rows, read_json
from downpass.sim.contact_plans.reading import read_plan
from hypothesis import given, settings
from hypothesis import strategies as st

START = datetime(2024, 12, 2, 5, tzinfo=UTC)
ONE = PlannedContact("sat-a", "svalbard", START, START + timedelta(seconds=480.25), 9_605_000, 71.3)

NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z")
CONTACTS = st.lists(
    st.builds(
        lambda satellite, station, start, length, size: PlannedContact(
            satellite,
            station,
            START + timedelta(milliseconds=start),
            START + timedelta(milliseconds=start + length),
            size,
            12.5,
        ),
        NAMES, NAMES, st.integers(0, 10**9), st.integers(1, 10**6), st.integers(0, 10**12),
    ),
    max_size=8,
)  # fmt: skip


def bare(contacts: list[PlannedContact]) -> list[tuple[str, str, datetime, datetime]]:
    return [(one.satellite, one.station, one.start, one.end) for one in contacts]


@given(contacts=CONTACTS)
def test_csv_and_json_come_back(contacts: list[PlannedContact]) -> None:
    import json

    assert bare(read_csv(write_csv(contacts), "p.csv")) == bare(contacts)
    text = json.dumps({"contacts": json_rows(contacts)})
    assert bare(read_json(text, "p.json")) == bare(contacts)
    assert bare(read_json(json.dumps(json_rows(contacts)), "p.json")) == bare(contacts)


@given(contacts=CONTACTS)
def test_ion_comes_back_in_whole_seconds(contacts: list[PlannedContact]) -> None:
    satellites = sorted({one.satellite for one in contacts})
    stations = sorted({one.station for one in contacts} - set(satellites))
    contacts = [one for one in contacts if one.station in stations]
    found = read_ion(write_ion(contacts, START, satellites, stations), "p.ion")
    whole = []
    for one in contacts:
        begin = START - (START - one.start) // timedelta(seconds=1) * timedelta(seconds=1)
        end = START + (one.end - START) // timedelta(seconds=1) * timedelta(seconds=1)
        if end > begin:
            whole.append((one.satellite, one.station, begin, end))
    assert bare(found) == whole


def test_the_forms_as_they_are_written() -> None:
    assert write_csv([ONE]) == (
        "satellite,station,start,end,duration_s,max_elevation_deg,bits_per_second,bytes\n"
        "sat-a,svalbard,2024-12-02T05:00:00.000Z,2024-12-02T05:08:00.250Z,480.250,71.30,160000,"
        "9605000\n"
    )
    midnight = datetime(2024, 12, 2, tzinfo=UTC)
    assert write_ion([ONE], midnight, ["sat-b", "sat-a"], ["svalbard"]) == (
        "# Contact plan by downpass: times are UTC, rates are bytes per second.\n"
        "# node 1 sat-b\n# node 2 sat-a\n# node 1001 svalbard\n@ 2024/12/02-00:00:00\n"
        "a contact +18000 +18480 2 1001 20000\na range +18000 +18480 2 1001 1\n"
    )


@pytest.mark.parametrize(("satellites", "first"), [(1000, 1001), (1001, 10001), (10_000, 10001)])
def test_no_station_has_a_satellites_number(satellites: int, first: int) -> None:
    names = [f"s{n}" for n in range(1, satellites + 1)]
    one = replace(ONE, satellite=names[-1], station="matera")
    text = write_ion([one], START, names, ["svalbard", "matera"])
    assert f"# node {first} svalbard\n# node {first + 1} matera\n" in text
    assert f" {satellites} {first + 1} " in text
    assert [(c.satellite, c.station) for c in read_ion(text, "p.ion")] == [(names[-1], "matera")]


def test_an_ion_plan_of_others(tmp_path: Path) -> None:
    path = tmp_path / "plan.ionrc"
    path.write_text(
        "# node 3 sat-a\n#node 12 svalbard\n1 3 /home/ion/ion.ionconfig\ns\n"
        "@ 2024/12/02-05:00:00\n"
        "a contact +10 +70 3 12 125000 0.9\n"
        "a contact 2024/12/02-06:00:00 2024/12/02-06:10:00 3 12 125000\n"
        "a contact +10 +70 12 3 1000\n"
        "a contact +10 +70 3 99 125000\n"
        "a range +0 +86400 3 12 1\nm horizon +0\n"
    )
    assert bare(list(read_plan(path).contacts)) == [
        ("sat-a", "svalbard", START + timedelta(seconds=10), START + timedelta(seconds=70)),
        ("sat-a", "svalbard", START + timedelta(hours=1), START + timedelta(minutes=70)),
        ("svalbard", "sat-a", START + timedelta(seconds=10), START + timedelta(seconds=70)),
    ]


def test_moments_finer_than_a_millisecond_are_written() -> None:
    assert moment_text(START) == "2024-12-02T05:00:00.000Z"
    assert moment_text(START + timedelta(microseconds=5)) == "2024-12-02T05:00:00.000005Z"


HEAD = "satellite,station,start,end\n"
ROW = "a,b,2024-12-02T05:00:00Z,2024-12-02T05:10:00Z\n"
ION = "# node 1 a\n# node 2 b\n"
BAD_FILES = {
    "csv empty": ("p.csv", "", "p.csv:1: found columns nothing; allowed: satellite, station"),
    "csv header": ("p.csv", ROW, "p.csv:1: found columns a, b, 2024"),
    "csv twice": ("p.csv", "start," + HEAD, "each once"),
    "csv short": ("p.csv", HEAD + ROW + "a,b\n", "p.csv:3: found 2 values; allowed: 4"),
    "csv moment": ("p.csv", HEAD + ROW.replace("05:00", "25:00"), "p.csv:2: found 2024-12-02T25"),
    "csv no zone": ("p.csv", HEAD + ROW.replace("Z", ""), "which has no zone"),
    "csv backwards": ("p.csv", HEAD + ROW.replace("05:10", "04:10"), "allowed: start before end"),
    "csv name": ("p.csv", HEAD + ROW.replace("a,b", "\x1b[2J,b"), r"found satellite \x1b[2J;"),
    "csv quote": ("p.csv", HEAD + '"a\n', "found no CSV"),
    "csv year": ("p.csv", HEAD + ROW.replace("2024", "0001"), "allowed: years 1957 to 2066"),
    "csv latin": ("p.csv", HEAD.encode() + b"\xff", "p.csv:2: found byte 0xff; allowed: UTF-8"),
    "json text": ("p.json", "nope", "p.json:1: found no JSON"),
    "json object": ("p.json", "{}", "found no list of contacts"),
    "json number": ("p.json", "[1]", "p.json: contacts.0: found no object"),
    "json missing": ("p.json", "[{}]", "p.json: contacts.0: found None; allowed: a UTC moment"),
    "json deep": ("p.json", "[" * 10_000, "found JSON 10000 deep; allowed: at most 16"),
    "json twice": ("p.json", '{"a": 1, "a": 2}', "found a twice; allowed: each key once"),
    "json nan": ("p.json", '{"contacts": [NaN]}', "found NaN; allowed: finite numbers"),
    "json digits": ("p.json", "[" + "1" * 5000 + "]", "a number of thousands of digits"),
    "ion words": ("p.ion", ION + "a contact 1 2\n", "p.ion:3: found 4 words; allowed: a contact"),
    "ion no reference": ("p.ion", ION + "a contact +1 +2 1 2 9\n", "found +1, with no @ line"),
    "ion two names": ("p.ion", ION + "# node 1 a\n# node 01 c\n",
        "p.ion:4: found node 01 called c, which is a above; allowed: one name for a node"),
    "ion command": ("p.ion", "rm -rf /\n", "p.ion:1: found rm -rf /; allowed: commands of"),
    "ion moment": ("p.ion", "@ today\n", "p.ion:1: found today; allowed: 2024/12/02-05:00:00"),
    "ion far": ("p.ion", ION + "@ 2024/12/02-05:00:00\na contact +9999999999 +9 1 2 9\n",
                "found 9999999999|allowed: start before end|allowed: 2024/12/02"),
    "ion unnamed": ("p.ion", "@ 2024/12/02-05:00:00\na contact +1 +2 1 2 9\n",
                    "found 1 contacts of nodes without names"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "problem"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_plans_get_one_line(name: str, text: str | bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InputError) as caught:
        read_plan(tmp_path / name)
    message = str(caught.value)
    assert any(part in message for part in problem.split("|"))
    assert message.isprintable()


def test_a_plan_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_module, "MOST_CONTACTS", 3)
    with pytest.raises(InputError, match=r"p\.csv:5: found more than 3 contacts"):
        read_csv(HEAD + ROW * 4, "p.csv")
    monkeypatch.setattr("downpass.sim.contact_plans.reading.LARGEST_FILE", 50)
    (tmp_path / "p.csv").write_text(HEAD + ROW)
    with pytest.raises(InputError, match="found more than 50 bytes; allowed: at most 50"):
        read_plan(tmp_path / "p.csv")


WHOLE = {
    "p.csv": HEAD + ROW * 2,
    "p.json": '[{"satellite": "a", "station": "b", "start": "2024-12-02T05:00:00Z", '
    '"end": "2024-12-02T05:10:00Z"}]',
    "p.ion": ION + "@ 2024/12/02-05:00:00\na contact +1 +60 1 2 125000\n",
}


@settings(max_examples=200, deadline=None)
@given(data=st.data(), name=st.sampled_from(list(WHOLE)))
def test_damaged_plans_are_read_or_refused(
    data: st.DataObject, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = bytearray(WHOLE[name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=10))
        text += b" "
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(bytes(text))
    try:
        read_plan(path)
    except InputError as error:
        assert "\n" not in str(error)
